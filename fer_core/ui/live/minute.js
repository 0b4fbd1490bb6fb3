// Draws the last minute of a face on a canvas. Put before charts.js.
//
// `minute` holds the numbers (face_numbers.Minute). `look` holds the `labels` and their `colors`,
// the positions that are `hidden`, the colours `ink`, `muted` and `ground` and the `font` of the
// page, and the `moments` that were marked, in seconds.

const WINDOW_S = 60;
const STRIP_PX = 8; // the dominant expression, below the shares
const PALE = 0.12; // how much is left of a hidden expression in the ribbon
const LEAST_SPAN = 0.02; // a smaller change than this is noise, and not blown up to a row
const RANGE_PX = 76; // what is left of a row for the text of its range
const POOR = "#808080"; // stripes where the face could not be read well
const NAME_PX = 64; // and for its name, where no bar stands beside it

const ferHatches = new Map();

// Diagonal stripes of two colours.
function hatch(context, one, other) {
  const key = `${one} ${other}`;
  if (!ferHatches.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = one;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = other;
    pen.lineWidth = 3;
    for (const shift of [-8, 0, 8]) {
      pen.moveTo(shift - 2, 10);
      pen.lineTo(shift + 10, -2);
    }
    pen.stroke();
    ferHatches.set(key, tile);
  }
  return context.createPattern(ferHatches.get(key), "repeat");
}

// The pen for an empty canvas, in CSS pixels.
function emptyCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

// Where each point lies: the newest at the right edge.
function across(minute, width) {
  const begin = minute.x.at(-1) - WINDOW_S;
  return minute.x.map((t) => Math.max(0, ((t - begin) / WINDOW_S) * width));
}

// [from, to) of the points between which the face was seen all the time.
function runs({ y }) {
  const seen = y[0].map((share) => share !== null);
  const found = [];
  seen.forEach((now, i) => {
    if (now && !seen[i - 1]) found.push([i, i + 1]);
    else if (now) found.at(-1)[1] = i + 1;
  });
  return found;
}

function drawFlags(context, minute, look, width, height) {
  const begin = minute.x.at(-1) - WINDOW_S;
  context.fillStyle = context.strokeStyle = look.ink;
  for (const moment of look.moments.filter((t) => t >= begin)) {
    const x = ((moment - begin) / WINDOW_S) * width;
    context.fillRect(x - 0.75, 0, 1.5, height);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x + 10, 5);
    context.lineTo(x, 10);
    context.fill();
  }
}

// The shares stacked to 100 %, and below them a strip of the dominant expression.
function drawRibbon(canvas, minute, look) {
  const { context, width, height } = emptyCanvas(canvas);
  const x = across(minute, width);
  const tall = height - STRIP_PX - 2;
  for (const [from, to] of runs(minute)) {
    stack(context, minute, x, [from, to], tall, look);
    for (const [first, last] of alike(minute, from, to)) {
      const left = x[first];
      const wide = Math.max((last < to ? x[last] : x[to - 1]) - left, 1);
      if (minute.poor[first]) {
        context.globalAlpha = 0.7;
        context.fillStyle = hatch(context, look.ground, POOR);
        context.fillRect(left, 0, wide, tall);
        context.globalAlpha = 1;
      }
      context.fillStyle = stripStyle(context, minute, first, look);
      context.fillRect(left, tall + 2, wide, STRIP_PX);
    }
  }
  drawFlags(context, minute, look, width, height);
}

// [first, last) of the points of a run whose strip looks the same.
function alike({ dominant, rival, poor }, from, to) {
  const found = [[from, from + 1]];
  for (let i = from + 1; i < to; i += 1) {
    const same = [dominant, rival, poor].every((each) => each[i] === each[i - 1]);
    if (same) found.at(-1)[1] = i + 1;
    else found.push([i, i + 1]);
  }
  return found;
}

function stripStyle(context, { dominant, rival, poor }, i, { colors, ground }) {
  if (poor[i]) return hatch(context, ground, POOR);
  const color = colors[dominant[i]];
  return rival[i] < 0 ? color : hatch(context, color, colors[rival[i]]);
}

function stack(context, minute, x, [from, to], tall, look) {
  const right = Math.max(x[to - 1], x[from] + 1); // a single point has a width, too
  const at = (i) => (i === to - 1 ? right : x[i]);
  let below = new Array(to - from).fill(0);
  minute.y.forEach((shares, label) => {
    const above = below.map((share, k) => share + shares[from + k]);
    context.beginPath();
    context.moveTo(x[from], tall * (1 - below[0]));
    for (let i = from; i < to; i += 1) context.lineTo(at(i), tall * (1 - below[i - from]));
    for (let i = to - 1; i >= from; i -= 1) context.lineTo(at(i), tall * (1 - above[i - from]));
    context.lineTo(x[from], tall * (1 - above[0]));
    context.globalAlpha = look.hidden.has(label) ? PALE : 1;
    context.fillStyle = look.colors[label];
    context.fill();
    below = above;
  });
  context.globalAlpha = 1;
}

// A row for each expression, scaled to its own range. With `named`, its name stands before it.
function drawMultiples(canvas, minute, look, named) {
  const { context, width, height } = emptyCanvas(canvas);
  const left = named ? NAME_PX : 0;
  const x = across(minute, width - RANGE_PX - left).map((each) => each + left);
  const tall = height / minute.y.length;
  context.font = `12px ${look.font}`;
  context.textBaseline = "middle";
  minute.y.forEach((shares, label) => {
    const top = tall * label;
    context.fillStyle = look.muted;
    if (named) context.fillText(look.labels[label], 0, top + tall / 2);
    context.globalAlpha = 0.25;
    context.fillRect(left, top + tall - 1, width - RANGE_PX - left, 0.5);
    context.globalAlpha = 1;
    const seen = shares.filter((share) => share !== null);
    if (look.hidden.has(label) || !seen.length) return;
    const low = Math.min(...seen);
    const high = Math.max(...seen);
    const span = Math.max(high - low, LEAST_SPAN);
    const middle = (low + high) / 2;
    const level = (share) => top + tall / 2 - ((share - middle) / span) * (tall - 5);
    drawLine(context, shares, x, level, look.colors[label]);
    context.textAlign = "right";
    context.fillText(rangeText(low, high), width, top + tall / 2);
    context.textAlign = "left";
  });
  context.translate(left, 0);
  drawFlags(context, minute, look, width - RANGE_PX - left, height);
}

function drawLine(context, shares, x, level, color) {
  context.strokeStyle = color;
  context.lineWidth = 1.75;
  context.lineJoin = "round";
  context.beginPath();
  let pen = "moveTo";
  shares.forEach((share, i) => {
    if (share !== null) context[pen](x[i], level(share));
    pen = share === null ? "moveTo" : "lineTo";
  });
  context.stroke();
}

// "2–7%", or "4%" where both are that; with a digit more where little changes.
function rangeText(low, high) {
  const digits = high - low < 0.1 ? 1 : 0;
  const [from, to] = [low, high].map((share) => Number((100 * share).toFixed(digits)));
  return from === to ? `${to}%` : `${from}–${to}%`;
}
