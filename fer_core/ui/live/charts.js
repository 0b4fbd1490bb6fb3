// Draws the faces of a live camera: a card for each, with bars and the last minute.
//
// Streamlit calls the default export again with each new `data`: figures without numbers, and the
// numbers of each face (face_numbers.py). The nodes of a face are made once. What Plotly draws is
// handed to Plotly.react from then on, which keeps the zoom (layout.uirevision).

const STILL = { staticPlot: true, displayModeBar: false };
const LINES = { displayModeBar: false, doubleClick: "autosize" };

// Drawing may take this part of a tab's time. Where it takes long, because the computer is busy
// with this or other tabs, the charts are drawn less often, and the picture goes on; once a second
// all the same.
const DRAWING_SHARE = 0.25;
const LONGEST_MS = 1000;

// A screen reader is told of a change at most so often.
const SAY_MS = 5000;

function make(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

function part(root, name) {
  return root.querySelector(`:scope > .fer-${name}`);
}

function makeCard(root, id) {
  const card = make("section", "fer-face", part(root, "faces"));
  card.dataset.face = id;
  const head = make("div", "fer-head", card);
  card.ferTitle = make("span", "fer-title", head);
  const now = make("span", "fer-now", head);
  card.ferSwatch = make("i", "fer-swatch", now);
  card.ferReading = make("b", "fer-reading", now);
  card.ferShare = make("span", "fer-share", now);
  card.ferSince = make("span", "fer-since", now);
  card.ferFacts = make("div", "fer-facts", card);
  card.ferProblem = make("span", "fer-problem", card.ferFacts);
  card.ferKnown = make("span", "", card.ferFacts);
  const body = make("div", "fer-body", card);
  card.ferBars = make("table", "fer-bars", body);
  card.ferCaption = make("span", "fer-unseen", make("caption", "", card.ferBars));
  const minute = make("div", "fer-minute", body);
  card.ferCanvas = make("canvas", "fer-ribbon", minute);
  card.ferAxis = make("div", "fer-axis", minute);
  for (const text of ["60 s ago", "30 s", "now"]) {
    make("span", "", card.ferAxis).textContent = text;
  }
  card.ferTimeline = make("div", "fer-timeline", minute);
  card.ferMoves = makeDiagram(root.parentElement);
  card.append(card.ferMoves);
  card.ferAffect = make("div", "fer-affect", card);
  for (const chart of [card.ferCanvas, ...plots(card)]) chart.setAttribute("role", "img");
  root.ferResize.observe(card);
  return card;
}

function plots(card) {
  return [card.ferAffect, card.ferTimeline];
}

// One colour, or stripes of two where the reading lies between two expressions.
function paint(colors, one, other) {
  if (other < 0) return colors[one];
  return `repeating-linear-gradient(135deg, ${colors[one]} 0 4px, ${colors[other]} 4px 8px)`;
}

function makeRows(table, { labels, colors }) {
  table.ferLabels = labels.join("\n");
  table.tBodies[0]?.remove();
  const body = make("tbody", "", table);
  labels.forEach((label, i) => {
    const row = make("tr", "", body);
    const name = make("th", "", row);
    name.scope = "row";
    make("i", "fer-swatch", name).style.background = colors[i];
    name.append(label);
    make("span", "", make("td", "fer-bar", row));
    make("td", "fer-number", row);
  });
}

function drawBars(table, { now, bars }, data) {
  if (table.ferLabels !== data.labels.join("\n")) makeRows(table, data);
  table.classList.toggle("fer-change", bars.change);
  bars.x.forEach((length, i) => {
    const row = table.tBodies[0].rows[i];
    row.classList.toggle("fer-dominant", i === now.dominant);
    const bar = row.cells[1].firstChild;
    // A change goes from the middle to either side.
    const begin = bars.change ? 50 + 50 * Math.min(0, length) : 0;
    bar.style.left = `${begin}%`;
    bar.style.width = `${Math.abs(length) * (bars.change ? 50 : 100)}%`;
    const unsure = [now.dominant, now.rival].includes(i) && now.rival >= 0;
    bar.style.background = unsure ? paint(data.colors, now.dominant, now.rival) : data.colors[i];
    row.cells[2].textContent = bars.text[i];
  });
}

// The way, and the point it has come to.
function affectFigure(figures, { x, y }) {
  const { data, layout } = structuredClone(figures.affect);
  Object.assign(data[0], { x, y });
  Object.assign(data[1], { x: x.slice(-1), y: y.slice(-1) });
  return { data, layout };
}

function linesFigure(figures, { x, y, range, note }, id, hidden) {
  const { data, layout } = structuredClone(figures.lines);
  data.forEach((line, i) => Object.assign(line, { x, y: y[i], visible: !hidden.has(i) }));
  layout.uirevision = `face ${id}`;
  layout.xaxis.range = [...range]; // Plotly writes a zoom into it
  layout.xaxis.title.text += note;
  return { data, layout };
}

function draw(node, { data, layout }, config) {
  return window.Plotly.react(node, data, themed(layout, node), config);
}

function drawMinute(root, card) {
  const { data, look } = root.ferDrawn;
  const face = data.faces.find(({ id }) => String(id) === card.dataset.face);
  if (!face) return;
  // Who left the picture has a ribbon, and no room for more.
  const style = face.now ? data.style : "ribbon";
  const lines = style === "lines";
  card.ferCanvas.hidden = card.ferAxis.hidden = lines;
  card.ferTimeline.hidden = !lines;
  const { minute } = face;
  const label = `${face.title}, the last minute: ${minute.summary}`;
  for (const chart of [card.ferCanvas, card.ferTimeline]) chart.setAttribute("aria-label", label);
  if (lines) {
    const figure = linesFigure(data.figures, minute, face.id, look.hidden);
    draw(card.ferTimeline, figure, LINES);
  } else if (style === "ribbon") {
    card.ferCanvas.style.height = "";
    card.ferAxis.classList.remove("fer-ranges");
    drawRibbon(card.ferCanvas, minute, look);
  } else {
    // Each row beside its bar, where there is room for both.
    const tall = card.ferBars.offsetHeight;
    card.ferCanvas.style.height = `${tall}px`;
    card.ferAxis.classList.add("fer-ranges");
    drawMultiples(card.ferCanvas, minute, look, card.ferBars.offsetTop !== card.ferCanvas.offsetTop);
  }
}

function updateCard(root, card, face, data) {
  card.classList.toggle("fer-away", !face.now);
  card.ferTitle.textContent = face.title;
  card.ferReading.textContent = face.now ? face.now.reading : "not in the picture";
  card.ferShare.textContent = face.now?.share ?? "";
  card.ferSince.textContent = face.now?.since ?? "";
  card.ferKnown.textContent = face.facts;
  card.ferProblem.textContent = face.problem;
  card.ferCaption.textContent = `${face.title} now, ${face.bars?.change ? "against rest" : "shares"}`;
  if (face.now) {
    card.ferSwatch.style.background = paint(data.colors, face.now.dominant, face.now.rival);
    drawBars(card.ferBars, face, data);
  }
  card.ferMoves.hidden = !face.movements;
  if (face.movements) fillDiagram(card.ferMoves, face.movements);
  card.ferAffect.hidden = !face.affect;
  card.ferAffect.setAttribute("aria-label", `${face.title}, valence and arousal`);
  if (face.affect) draw(card.ferAffect, affectFigure(data.figures, face.affect), STILL);
  drawMinute(root, card);
}

function drawLegend(root, { labels, colors }) {
  const legend = part(root, "legend");
  if (legend.ferLabels === labels.join("\n")) return;
  legend.ferLabels = labels.join("\n");
  legend.replaceChildren();
  root.ferHidden.clear();
  labels.forEach((label, i) => {
    const button = make("button", "", legend);
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    make("i", "fer-swatch", button).style.background = colors[i];
    button.append(label);
    button.addEventListener("click", () => {
      const hide = !root.ferHidden.delete(i);
      if (hide) root.ferHidden.add(i);
      button.setAttribute("aria-pressed", String(!hide));
      update(root);
    });
  });
}

function announce(root, { faces, nobody }) {
  const present = faces.filter(({ now }) => now);
  if (!present.length && !nobody) return; // who has just come in is not known yet
  const state = present.map(({ title, now }) => `${title} ${now.dominant}`).join("\n");
  const nowMs = performance.now();
  if (state === root.ferSaid?.state || nowMs < root.ferSaid?.nextMs) return;
  root.ferSaid = { state, nextMs: nowMs + SAY_MS };
  const count = present.length === 1 ? "1 face" : `${present.length} faces`;
  const each = present.map(({ title, now }) => `${title}: ${now.reading}.`);
  const sentence = present.length ? `${count}. ${each.join(" ")}` : "No face in the picture.";
  part(root, "said").textContent = sentence;
}

function update(root) {
  const data = root.ferData;
  drawLegend(root, data);
  const computed = getComputedStyle(root);
  const ink = computed.getPropertyValue("--st-text-color");
  const look = {
    labels: data.labels,
    colors: data.colors,
    hidden: root.ferHidden,
    moments: data.moments_s,
    ink,
    muted: ink,
    ground: computed.getPropertyValue("--st-background-color"),
    font: computed.getPropertyValue("--st-font"),
  };
  root.ferDrawn = { data, look };
  part(root, "nobody").hidden = data.faces.length > 0 || !data.nobody;
  part(root, "moves-note").hidden = !data.note;
  part(root, "moves-note").textContent = data.note;
  const faces = part(root, "faces");
  const cards = new Map([...faces.children].map((card) => [card.dataset.face, card]));
  data.faces.forEach((face, i) => {
    const card = cards.get(String(face.id)) ?? makeCard(root, face.id);
    cards.delete(String(face.id));
    if (faces.children[i] !== card) faces.insertBefore(card, faces.children[i]);
    updateCard(root, card, face, data);
  });
  for (const gone of cards.values()) removeCard(root, gone);
  announce(root, data);
}

// Draws the newest data as soon as the last drawing is paid for.
function updateSoon(root) {
  root.ferDue ??= setTimeout(
    () => {
      root.ferDue = undefined;
      if (!root.isConnected) return;
      const beganMs = performance.now();
      update(root);
      const tookMs = performance.now() - beganMs;
      root.ferNextMs = beganMs + Math.min(tookMs / DRAWING_SHARE, LONGEST_MS);
    },
    Math.max(0, (root.ferNextMs ?? 0) - performance.now()),
  );
}

function removeCard(root, card) {
  root.ferResize.unobserve(card);
  for (const chart of plots(card)) if (chart.data) window.Plotly.purge(chart);
  card.remove();
}

function fit(root, card) {
  for (const chart of plots(card)) {
    if (chart.data && chart.isConnected && chart.offsetWidth) window.Plotly.Plots.resize(chart);
  }
  if (root.ferDrawn && card.ferTimeline.hidden) drawMinute(root, card);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fer-live");
  root.ferData = data; // an update that still waits draws the newest
  root.ferHidden ??= new Set();
  root.ferResize ??= new ResizeObserver((all) => all.forEach(({ target }) => fit(root, target)));
  const plotly = data.style === "lines" || data.faces.some(({ affect }) => affect);
  const ready = plotly ? loadPlotly(data.plotly_url) : Promise.resolve();
  ready.then(
    () => updateSoon(root),
    (error) => console.error(error),
  );
  return () => {
    root.ferResize.disconnect();
    for (const card of [...part(root, "faces").children]) removeCard(root, card);
  };
}
