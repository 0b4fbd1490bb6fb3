// Draws the faces of a live camera: a card for each, with bars and a timeline.
//
// Streamlit calls the default export again with each new `data`: figures without numbers, and the
// numbers of each face (live_chart.py). The nodes of a face are made once and handed to
// Plotly.react from then on, which keeps zoom and legend choices (layout.uirevision).

const BARS = { staticPlot: true, displayModeBar: false };
const TIMELINE = { displayModeBar: false, doubleClick: "autosize" };

// Drawing may take this part of a tab's time. Where it takes long, because the computer is busy
// with this or other tabs, the charts are drawn less often, and the picture goes on; once a second
// all the same.
const DRAWING_SHARE = 0.25;
const LONGEST_MS = 1000;

function make(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

function makeCard(root, id) {
  const card = make("section", "fer-face", root);
  card.dataset.face = id;
  const head = make("div", "fer-head", card);
  card.ferTitle = make("span", "fer-title", head);
  card.ferNow = make("span", "fer-now", head);
  card.ferFacts = make("div", "fer-facts", card);
  const pair = make("div", "fer-pair", card);
  card.ferBars = make("div", "fer-bars", pair);
  card.ferAffect = make("div", "fer-affect", pair);
  card.ferTimeline = make("div", "fer-timeline", card);
  for (const chart of charts(card)) chart.setAttribute("role", "img");
  root.ferResize.observe(card);
  return card;
}

function charts(card) {
  return [card.ferBars, card.ferAffect, card.ferTimeline];
}

function barsFigure(figures, { figure, x, text }) {
  const { data, layout } = structuredClone(figures[figure]);
  Object.assign(data[0], { x, text });
  return { data, layout };
}

// The way, and the point it has come to.
function affectFigure(figures, { x, y }) {
  const { data, layout } = structuredClone(figures.affect);
  Object.assign(data[0], { x, y });
  Object.assign(data[1], { x: x.slice(-1), y: y.slice(-1) });
  return { data, layout };
}

function timelineFigure(figures, { x, y, range, note }, id) {
  const { data, layout } = structuredClone(figures.timeline);
  data.forEach((line, i) => Object.assign(line, { x, y: y[i] }));
  layout.uirevision = `face ${id}`;
  layout.xaxis.range = range;
  layout.xaxis.title.text += note;
  return { data, layout };
}

function draw(Plotly, node, { data, layout }, config, style) {
  layout.autosize = true;
  // A finger that scrolls past the chart must not zoom it.
  if (window.matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
  layout.font = { ...layout.font, color: style.ink, family: style.font };
  layout.hoverlabel = { bgcolor: style.paper, font: { color: style.ink } };
  return Plotly.react(node, data, layout, config);
}

function update(Plotly, root) {
  const { faces, figures } = root.ferData;
  const computed = getComputedStyle(root);
  const style = {
    ink: computed.getPropertyValue("--st-text-color"),
    paper: computed.getPropertyValue("--st-secondary-background-color"),
    font: computed.getPropertyValue("--st-font"),
  };
  const cards = new Map([...root.children].map((card) => [card.dataset.face, card]));
  for (const face of faces) {
    const card = cards.get(String(face.id)) ?? makeCard(root, face.id);
    cards.delete(String(face.id));
    card.classList.toggle("fer-away", !face.bars);
    card.ferTitle.textContent = face.title;
    card.ferNow.textContent = face.now;
    card.ferFacts.textContent = face.facts;
    card.ferAffect.hidden = !face.affect;
    card.ferBars.setAttribute("aria-label", `${face.title}, shares now: ${face.now}`);
    card.ferTimeline.setAttribute("aria-label", `${face.title}, shares over the last minute`);
    card.ferAffect.setAttribute("aria-label", `${face.title}, valence and arousal`);
    if (face.bars) draw(Plotly, card.ferBars, barsFigure(figures, face.bars), BARS, style);
    if (face.affect) draw(Plotly, card.ferAffect, affectFigure(figures, face.affect), BARS, style);
    const timeline = timelineFigure(figures, face.timeline, face.id);
    draw(Plotly, card.ferTimeline, timeline, TIMELINE, style);
  }
  for (const gone of cards.values()) removeCard(Plotly, root, gone);
}

// Draws the newest data as soon as the last drawing is paid for.
function updateSoon(Plotly, root) {
  root.ferDue ??= setTimeout(
    () => {
      root.ferDue = undefined;
      if (!root.isConnected) return;
      const beganMs = performance.now();
      update(Plotly, root);
      const tookMs = performance.now() - beganMs;
      root.ferNextMs = beganMs + Math.min(tookMs / DRAWING_SHARE, LONGEST_MS);
    },
    Math.max(0, (root.ferNextMs ?? 0) - performance.now()),
  );
}

function removeCard(Plotly, root, card) {
  root.ferResize.unobserve(card);
  for (const chart of charts(card)) Plotly.purge(chart);
  card.remove();
}

function fit(card) {
  for (const chart of charts(card)) {
    if (chart.data && chart.isConnected && chart.offsetWidth) window.Plotly.Plots.resize(chart);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fer-live");
  root.ferData = data; // an update that still waits draws the newest
  root.ferResize ??= new ResizeObserver((entries) => entries.forEach((e) => fit(e.target)));
  loadPlotly(data.plotly_url).then(
    (Plotly) => updateSoon(Plotly, root),
    (error) => console.error(error),
  );
  return () => {
    root.ferResize.disconnect();
    for (const card of [...root.children]) removeCard(window.Plotly, root, card);
  };
}
