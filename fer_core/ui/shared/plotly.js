// What the components that draw with Plotly share. Put before their own script (PLOTLY_LOADER in assets.py).

// plotly.js is loaded once a browser tab, whichever chart asks first.
function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.ferPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.ferPlotly = undefined; // the next update tries again
      reject(new Error(`${url} could not be loaded`));
    };
    document.head.append(script);
  });
  return window.ferPlotly;
}

// The colours and the font of the page's theme, as it is now.
function themed(layout, node) {
  const computed = getComputedStyle(node);
  const ink = computed.getPropertyValue("--st-text-color");
  const paper = computed.getPropertyValue("--st-secondary-background-color");
  return {
    ...layout,
    autosize: true,
    font: { ...layout.font, color: ink, family: computed.getPropertyValue("--st-font") },
    hoverlabel: { bgcolor: paper, font: { color: ink } },
    // A finger that scrolls past the chart must not zoom it.
    ...(window.matchMedia("(pointer: coarse)").matches && { dragmode: false }),
  };
}
