// A chart as a picture: into the clipboard, or, where the browser refuses, into a file.
// Put before session_chart.js, which has the buttons.

// On the page's own ground, so that it can be read wherever it is put; with Plotly's legend, and
// without the map below it.
function forPaper(node) {
  const { xaxis2, ...layout } = node.layout;
  return {
    data: node.data,
    layout: {
      ...layout,
      showlegend: node.ferLegend,
      margin: { ...layout.margin, ...(node.ferLegend && { t: 48 }) },
      ...(xaxis2 && { xaxis2: { ...xaxis2, rangeslider: { visible: false } } }),
      paper_bgcolor: getComputedStyle(node).getPropertyValue("--st-background-color"),
    },
  };
}

async function pictureOf(Plotly, node, format) {
  const url = await Plotly.toImage(forPaper(node), {
    format,
    width: node.offsetWidth,
    height: node.offsetHeight,
    scale: format === "png" ? 2 : 1,
  });
  return (await fetch(url)).blob();
}

// An SVG is also pasted as text: few programs take its own type.
async function copy(format, picture) {
  const types = format === "png" ? ["image/png"] : ["image/svg+xml", "text/plain"];
  const known = types.filter((type) => ClipboardItem.supports?.(type) ?? type !== "image/svg+xml");
  const parts = known.map((type) => [type, picture.then((blob) => new Blob([blob], { type }))]);
  await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(parts))]);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// What was done, in a sentence.
async function copyOrSave(Plotly, node, format, name) {
  const picture = pictureOf(Plotly, node, format);
  const kind = format.toUpperCase();
  try {
    await copy(format, picture);
    return `Copied as ${kind}.`;
  } catch {
    // No permission, no https, or a browser that cannot.
    save(await picture, `${name}.${format}`);
    return `Saved as ${kind}: this browser lets no page copy it.`;
  }
}
