// One chart of a session: keeps its zoom when it is drawn again, and tells which moment is clicked.
//
// `figure` is Plotly's JSON as text; `moment_ms` the chosen moment on its x axis, or null.

const CONFIG = { displayModeBar: false, doubleClick: "reset" };

const momentLine = (x, color) => ({
  ...{ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper" },
  line: { color, width: 2 },
});

async function draw(Plotly, node, data) {
  if (node.ferFigure !== data.figure) {
    const { data: traces, layout } = JSON.parse(data.figure);
    node.ferFigure = data.figure;
    node.ferShapes = layout.shapes ?? [];
    await Plotly.react(node, traces, themed(layout, node), CONFIG);
  }
  drawMoment(Plotly, node, data.moment_ms);
}

function drawMoment(Plotly, node, x) {
  const ink = getComputedStyle(node).getPropertyValue("--st-primary-color");
  const line = x === null ? [] : [momentLine(x, ink)];
  Plotly.relayout(node, { shapes: [...node.ferShapes, ...line] });
}

// Where on the x axis, in milliseconds, whichever track was hit.
function clicked(node, { event, points }) {
  const axis = points[0].xaxis;
  return axis.p2c(event.clientX - node.getBoundingClientRect().left - axis._offset);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const node = parentElement.querySelector(".fer-session");
  node.ferData = data; // an update that still waits for plotly.js draws the newest
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", data.label);
  node.style.minHeight = `${data.height}px`; // nothing jumps while it loads
  loadPlotly(data.plotly_url).then(
    async (Plotly) => {
      if (!node.isConnected) return;
      await draw(Plotly, node, node.ferData);
      if (node.ferResize) return;
      node.ferResize = new ResizeObserver(() => node.offsetWidth && Plotly.Plots.resize(node));
      node.ferResize.observe(node);
      if (!data.clickable) return;
      node.on("plotly_click", (event) => {
        const x = clicked(node, event);
        drawMoment(Plotly, node, x);
        setTriggerValue("moment", x);
      });
    },
    (error) => console.error(error),
  );
  return () => {
    node.ferResize?.disconnect();
    if (node.ferFigure) window.Plotly.purge(node);
  };
}
