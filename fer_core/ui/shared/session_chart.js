// One chart of a session: keeps its zoom when it is drawn again, tells which moment and which span
// are chosen, and shares its cursor with the film of the same view ("fer-moment", "fer-hover").
//
// `figure` is Plotly's JSON as text; `chosen` null, or moment and span on its x axis, null or not.

const CONFIG = { displayModeBar: false, doubleClick: "reset" };
const SPAN_MS = 300; // a zoom by wheel or slider is many small ones
const TICK_MS = 100; // of the slider: an arrow key
const ZERO_MS = 946684800000; // charts/axis.py

const RIBBON = "y3"; // charts/layout.py
const SYMBOLS = { "triangle-down": "▼", "circle-open": "○" };
const LEGEND_PX = 36; // of Plotly's own, which pages do without: it takes five rows of a telephone

const PARTS = `
  <div class="fer-legend" role="group" aria-label="Shown in the chart"></div>
  <div class="fer-plot"></div>
  <div class="fer-cursor" hidden></div>
  <div class="fer-below">
    <input class="fer-scrub" type="range" aria-label="Moment" step="${TICK_MS}" hidden>
    <div class="fer-tools">
      <span role="status" aria-live="polite"></span>
      <button type="button" data-format="png">Copy PNG</button>
      <button type="button" data-format="svg">Copy SVG</button>
    </div>
  </div>`;

// What stands for a trace in the legend: its symbol, its stripes, or its line.
function swatchOf({ line, marker, fillcolor, mode }) {
  const swatch = document.createElement("i");
  const { fgcolor, bgcolor } = marker?.pattern ?? {};
  const color = fillcolor ?? line?.color ?? marker?.color;
  if (mode === "markers" && SYMBOLS[marker.symbol]) {
    swatch.textContent = SYMBOLS[marker.symbol];
    return swatch;
  }
  swatch.className = fgcolor || fillcolor || mode === "markers" ? "fer-area" : "fer-line";
  if (fgcolor) swatch.style.background = `repeating-linear-gradient(135deg, ${fgcolor} 0 3px, ${bgcolor} 3px 6px)`;
  else if (line?.dash === "dash")
    swatch.style.background = `repeating-linear-gradient(90deg, ${color} 0 5px, transparent 5px 8px)`;
  else swatch.style.background = color;
  return swatch;
}

class SessionChart {
  constructor(root) {
    root.innerHTML = PARTS; // ours alone: no text of anybody is in it
    this.root = root;
    this.plot = root.querySelector(".fer-plot");
    this.cursor = root.querySelector(".fer-cursor");
    this.scrub = root.querySelector(".fer-scrub");
    this.legend = root.querySelector(".fer-legend");
    this.moment = null;
    this.off = new Set(); // the names of lines that are hidden
    this.scrub.addEventListener("input", () => this.move(Number(this.scrub.value), true));
    this.scrub.addEventListener("change", () => this.tell("moment", this.moment));
    for (const button of root.querySelectorAll("[data-format]"))
      button.addEventListener("click", () => this.copy(button.dataset.format));
    this.follow = ({ detail }) => detail.view === this.data.view && detail.by !== this && this.move(detail.x);
    window.addEventListener("fer-moment", this.follow);
  }

  get axis() {
    return this.plot._fullLayout?.xaxis;
  }

  async draw(Plotly) {
    const { figure, chosen } = this.data;
    this.Plotly = Plotly;
    // Streamlit updates its components when the page gets other colours.
    const ink = getComputedStyle(this.plot).getPropertyValue("--st-text-color");
    if (this.figure !== figure || this.ink !== ink) {
      [this.figure, this.ink] = [figure, ink];
      const { data: traces, layout } = JSON.parse(figure);
      this.full = [...layout.xaxis.range]; // a copy: Plotly writes into its own
      // What the reader did (zoom, legend) stays, also when another figure is drawn.
      this.key(traces, layout);
      const look = { ...themed(layout, this.plot), height: this.height, margin: this.margin };
      await Plotly.react(this.plot, traces, { ...look, showlegend: false, uirevision: "kept" }, CONFIG);
      this.listen();
    }
    this.scrub.hidden = !chosen || !this.data.slider;
    if (!chosen) return;
    [this.scrub.min, this.scrub.max] = this.full;
    const shown = this.span;
    this.span = chosen.span_ms;
    if (shown !== undefined && !this.alike(shown, this.span)) {
      clearTimeout(this.waits); // what the reader did before is over
      this.led = true;
      await Plotly.relayout(this.plot, { "xaxis.range": [...(this.span ?? this.full)] });
      this.led = false;
    }
    this.move(chosen.moment_ms);
  }

  // A button for each line, which hides and shows it; what cannot be hidden is named alone.
  key(traces, layout) {
    const named = layout.showlegend === false ? [] : traces.filter((t) => t.name && t.showlegend !== false);
    this.legend.hidden = !named.length;
    this.plot.ferLegend = named.length > 0; // pictures have Plotly's own
    this.margin = { ...layout.margin, ...(named.length && { t: layout.margin.t - LEGEND_PX }) };
    this.height = layout.height - (layout.margin.t - this.margin.t);
    for (const trace of traces) if (this.isOff(trace)) trace.visible = "legendonly";
    const fixed = layout.legend?.itemclick === false;
    this.legend.replaceChildren(...named.map((trace) => this.keyOf(trace, fixed || trace.yaxis === RIBBON)));
  }

  isOff({ name, yaxis }) {
    return yaxis !== RIBBON && this.off.has(name);
  }

  keyOf(trace, fixed) {
    const key = document.createElement(fixed ? "span" : "button");
    // Python escaped the name for Plotly (charts/axis.py, safe).
    const name = new DOMParser().parseFromString(trace.name, "text/html").body.textContent;
    key.append(swatchOf(trace), name);
    key.className = "fer-key";
    if (fixed) return key;
    key.type = "button";
    key.setAttribute("aria-pressed", !this.isOff(trace));
    key.addEventListener("click", () => {
      if (!this.off.delete(trace.name)) this.off.add(trace.name);
      const off = this.isOff(trace);
      key.setAttribute("aria-pressed", !off);
      const these = this.plot.data.flatMap(({ name, yaxis }, i) => (name === trace.name && yaxis !== RIBBON ? [i] : []));
      this.Plotly.restyle(this.plot, { visible: off ? "legendonly" : true }, these);
    });
    return key;
  }

  listen() {
    if (this.resizes) return;
    this.resizes = new ResizeObserver(() => this.plot.offsetWidth && this.Plotly.Plots.resize(this.plot));
    this.resizes.observe(this.plot);
    if (!this.data.chosen) return;
    this.plot.on("plotly_click", ({ event }) => {
      this.move(this.at(event), true);
      this.tell("moment", this.moment);
    });
    this.plot.on("plotly_hover", ({ event }) => this.say("fer-hover", { x: this.at(event), at: event.clientX }));
    this.plot.on("plotly_unhover", () => this.say("fer-hover", { x: null }));
    this.plot.on("plotly_relayout", () => {
      if (this.led) return; // the page's own zoom, and no news to it
      clearTimeout(this.waits);
      this.waits = setTimeout(() => this.zoomed(), SPAN_MS);
    });
    this.plot.on("plotly_afterplot", () => this.place());
  }

  // Where on the x axis, in milliseconds, whichever track was hit.
  at(event) {
    return this.axis.p2c(event.clientX - this.plot.getBoundingClientRect().left - this.axis._offset);
  }

  zoomed() {
    const ends = [this.axis.p2c(0), this.axis.p2c(this.axis._length)];
    const whole = this.alike(ends, this.full);
    const span = whole ? null : ends.map((x, i) => Math.round(i ? Math.min(x, this.full[1]) : Math.max(x, this.full[0])));
    if (this.alike(span, this.span)) return;
    this.span = span;
    this.tell("span", span ?? []);
  }

  // Whether two spans are the same on the screen. A zoom that the page asked for comes back from
  // Plotly a little different; told to the page, it could overtake the next click there.
  alike(one, other) {
    if (!one || !other) return one === other;
    const all = this.full[1] - this.full[0];
    return one.every((x, i) => Math.abs(x - other[i]) < all / 200);
  }

  // Put the cursor at a moment; with `aloud`, tell the film.
  move(x, aloud = false) {
    this.moment = x;
    if (x !== null) {
      this.scrub.value = x;
      this.scrub.setAttribute("aria-valuetext", clock((x - ZERO_MS) / 1000));
    }
    this.place();
    if (aloud) this.say("fer-moment", { x });
  }

  place() {
    const { axis, moment } = this;
    const left = axis && moment !== null ? axis.c2p(moment) : NaN;
    this.cursor.hidden = !(left >= -1 && left <= axis._length + 1);
    if (this.cursor.hidden) return;
    const { t, h } = this.plot._fullLayout._size;
    const top = `${this.plot.offsetTop + t}px`;
    Object.assign(this.cursor.style, { left: `${axis._offset + left}px`, top, height: `${h}px` });
  }

  say(what, detail) {
    window.dispatchEvent(new CustomEvent(what, { detail: { view: this.data.view, by: this, ...detail } }));
  }

  async copy(format) {
    const status = this.root.querySelector("[role=status]");
    status.textContent = "";
    status.textContent = await copyOrSave(this.Plotly, this.plot, format, this.data.name);
  }

  remove() {
    clearTimeout(this.waits);
    window.removeEventListener("fer-moment", this.follow);
    this.resizes?.disconnect();
    if (this.figure) this.Plotly.purge(this.plot);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-session");
  const chart = (root.ferChart ??= new SessionChart(root));
  chart.data = data; // an update that still waits for plotly.js draws the newest
  chart.tell = setTriggerValue;
  chart.plot.setAttribute("role", "img");
  chart.plot.setAttribute("aria-label", data.label);
  chart.plot.style.minHeight = `${data.height - LEGEND_PX}px`; // nothing jumps while it loads
  root.querySelector(".fer-tools").hidden = !data.name;
  loadPlotly(data.plotly_url).then(
    (Plotly) => root.isConnected && chart.draw(Plotly),
    (error) => console.error(error),
  );
  return () => chart.remove();
}
