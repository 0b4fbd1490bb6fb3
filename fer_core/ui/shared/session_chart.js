// One chart of a session: keeps its zoom when it is drawn again, tells which moment and which span
// are chosen, and shares its cursor with the film of the same view ("fer-moment", "fer-hover").
//
// `figure` is Plotly's JSON as text; `chosen` null, or moment and span on its x axis, null or not.

const CONFIG = { displayModeBar: false, doubleClick: "reset" };
const SPAN_MS = 300; // a zoom by wheel or slider is many small ones
const TICK_MS = 100; // of the slider: an arrow key
const ZERO_MS = 946684800000; // charts/axis.py

const PARTS = `
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

const clock = (x) => {
  const tenths = Math.round((x - ZERO_MS) / 100);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
};

class SessionChart {
  constructor(root) {
    root.innerHTML = PARTS; // ours alone: no text of anybody is in it
    this.root = root;
    this.plot = root.querySelector(".fer-plot");
    this.cursor = root.querySelector(".fer-cursor");
    this.scrub = root.querySelector(".fer-scrub");
    this.moment = null;
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
    if (this.figure !== figure) {
      this.figure = figure;
      const { data: traces, layout } = JSON.parse(figure);
      this.full = layout.xaxis.range;
      // What the reader did (zoom, legend) stays, also when another figure is drawn.
      await Plotly.react(this.plot, traces, { ...themed(layout, this.plot), uirevision: "kept" }, CONFIG);
      this.listen();
    }
    this.scrub.hidden = !chosen;
    if (!chosen) return;
    [this.scrub.min, this.scrub.max] = this.full;
    const span = JSON.stringify(chosen.span_ms);
    if (this.span !== undefined && this.span !== span)
      await Plotly.relayout(this.plot, { "xaxis.range": [...(chosen.span_ms ?? this.full)] });
    this.span = span;
    this.move(chosen.moment_ms);
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
    const all = this.full[1] - this.full[0];
    const whole = ends.every((x, i) => Math.abs(x - this.full[i]) < all / 200);
    const span = whole ? null : ends.map((x, i) => Math.round(i ? Math.min(x, this.full[1]) : Math.max(x, this.full[0])));
    if (this.span === JSON.stringify(span)) return;
    this.span = JSON.stringify(span);
    this.tell("span", span ?? []);
  }

  // Put the cursor at a moment; with `aloud`, tell the film.
  move(x, aloud = false) {
    this.moment = x;
    if (x !== null) {
      this.scrub.value = x;
      this.scrub.setAttribute("aria-valuetext", clock(x));
    }
    this.place();
    if (aloud) this.say("fer-moment", { x });
  }

  place() {
    const { axis, moment } = this;
    const left = axis && moment !== null ? axis.c2p(moment) : -1;
    this.cursor.hidden = !axis || left < -1 || left > axis._length + 1;
    if (!this.cursor.hidden) this.cursor.style.left = `${axis._offset + left}px`;
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
  chart.plot.style.height = `${data.height}px`; // nothing jumps while it loads
  root.querySelector(".fer-tools").hidden = !data.name;
  loadPlotly(data.plotly_url).then(
    (Plotly) => root.isConnected && chart.draw(Plotly),
    (error) => console.error(error),
  );
  return () => chart.remove();
}
