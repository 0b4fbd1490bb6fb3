// The film of a session: it plays with its faces marked over it, on the whole screen where that is
// wanted, and shares its cursor with the chart of the same view ("fer-moment"). While the pointer is in the chart, a second, hidden player
// shows the picture there ("fer-hover").
//
// `frames` are [seconds, faces], in order; a face is [track, x, y, w, h, color, label], its box in
// parts of the picture. `colors` and `labels` are what the last two numbers count.

const ZERO_MS = 946684800000; // charts/axis.py
const JUST_PAST_S = 0.001; // a seek to a frame's own time may show the one before
const PEEK_PX = 176;

const toMs = (s) => ZERO_MS + 1000 * s;
const toS = (x) => (x - ZERO_MS) / 1000;

const PARTS = `
  <div class="fer-screen"><div class="fer-stage"><video controls playsinline preload="metadata"
    controlslist="nofullscreen noremoteplayback" disablepictureinpicture></video><canvas aria-hidden="true"></canvas><button
    type="button" class="fer-full" aria-label="Full screen" title="Full screen"><svg viewBox="0 0 24 24" aria-hidden="true"><path
    d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/></svg></button></div></div>
  <p class="fer-sorry" role="status" hidden>This browser cannot play this kind of video. Click the chart: the picture of
    that moment is shown here.</p>
  <div class="fer-peek" aria-hidden="true" hidden><video muted playsinline preload="auto"></video><span></span></div>`;

class Film {
  constructor(root) {
    root.innerHTML = PARTS; // ours alone: no text of anybody is in it
    this.root = root;
    this.moment = this.wanted = null;
    [this.video, this.peeked] = root.querySelectorAll("video");
    this.canvas = root.querySelector("canvas");
    this.stage = root.querySelector(".fer-stage");
    this.screen = root.querySelector(".fer-screen");
    this.full = root.querySelector(".fer-full");
    this.peekBox = root.querySelector(".fer-peek");
    this.listen();
  }

  listen() {
    const { video } = this;
    video.addEventListener("error", () => this.fail());
    video.addEventListener("loadedmetadata", () => video.videoWidth || this.fail()); // sound alone
    video.addEventListener("loadeddata", () => this.mark(video.currentTime));
    video.addEventListener("play", () => this.run());
    video.addEventListener("pause", () => this.tell(video.currentTime));
    video.addEventListener("seeked", () => this.arrived());
    for (const ready of ["loadedmetadata", "seeked"]) this.peeked.addEventListener(ready, () => this.peek());
    this.onMoment = ({ detail }) => detail.view === this.data.view && detail.by !== this && this.seek(toS(detail.x));
    this.onHover = ({ detail }) => detail.view === this.data.view && this.hover(detail);
    window.addEventListener("fer-moment", this.onMoment);
    window.addEventListener("fer-hover", this.onHover);
    // The browser's own would show the film without its marks. An iPhone has no other.
    this.full.hidden = !document.fullscreenEnabled;
    this.full.addEventListener("click", () => this.fill());
    this.screen.addEventListener("fullscreenchange", () => this.nameFull());
    this.resizes = new ResizeObserver(() => this.mark(video.currentTime));
    this.resizes.observe(this.stage);
  }

  fills() {
    return this.root.getRootNode().fullscreenElement === this.screen;
  }

  fill() {
    const done = this.fills() ? document.exitFullscreen() : this.screen.requestFullscreen();
    done.catch((error) => console.debug(error));
  }

  nameFull() {
    this.full.title = this.fills() ? "Leave full screen" : "Full screen";
    this.full.setAttribute("aria-label", this.full.title);
  }

  update() {
    const { data, video } = this;
    if (this.url !== data.url) {
      this.url = video.src = data.url;
      this.show(true);
      // As wide as there is room, and no higher than fits beside the chart, or on the screen.
      this.stage.style.setProperty("--fer-ratio", data.width / data.height);
      this.stage.style.setProperty("--fer-most", `${data.most_px}px`);
      video.setAttribute("aria-label", data.title);
    }
    if (data.moment_s !== this.moment && data.moment_s !== null && !data.mine) this.seek(data.moment_s);
    this.moment = data.moment_s;
    this.mark(video.currentTime);
  }

  // Somebody else chose this moment.
  seek(t_s) {
    if (Math.abs(this.video.currentTime - t_s) < 2 * JUST_PAST_S) return;
    this.led = true; // no answer to those who asked for it
    this.video.currentTime = t_s + JUST_PAST_S;
  }

  arrived() {
    const { video } = this;
    this.shown(video.currentTime);
    if (video.paused && !this.led) this.tell(video.currentTime);
    this.led = false;
  }

  shown(t_s) {
    this.mark(t_s);
    if (!this.led) this.say(t_s);
  }

  // While it plays: each frame that the browser shows.
  run() {
    const { video } = this;
    this.led = false;
    const next = (_now, frame) => {
      if (video.paused) return;
      this.shown(frame?.mediaTime ?? video.currentTime);
      wait();
    };
    const wait = () =>
      video.requestVideoFrameCallback ? video.requestVideoFrameCallback(next) : requestAnimationFrame(() => next());
    wait();
  }

  say(t_s) {
    window.dispatchEvent(
      new CustomEvent("fer-moment", { detail: { view: this.data.view, by: this, x: toMs(t_s) } }),
    );
  }

  // The boxes of the frame shown at t_s, between two of the table's on the way from one to the other.
  boxes(t_s) {
    const { frames, hold_s } = this.data;
    let [low, high] = [0, frames.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle][0] <= t_s + 2 * JUST_PAST_S) low = middle + 1;
      else high = middle;
    }
    if (!low || t_s - frames[low - 1][0] > hold_s) return [];
    const [begin_s, faces] = frames[low - 1];
    const [end_s, next] = frames[low] ?? [Infinity, []];
    const part = end_s - begin_s > hold_s ? 0 : Math.min(1, Math.max(0, (t_s - begin_s) / (end_s - begin_s)));
    return faces.map((face) => {
      const later = next.find(([track]) => track === face[0]) ?? face;
      const box = [1, 2, 3, 4].map((i) => face[i] + part * (later[i] - face[i]));
      return { box, color: face[5], label: face[6] };
    });
  }

  mark(t_s) {
    const { canvas, data } = this;
    const scale = window.devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = `600 13px ${getComputedStyle(this.root).fontFamily}`;
    const found = this.video.readyState < 1 ? [] : this.boxes(t_s);
    // For tests, and for those who ask what is drawn.
    this.stage.dataset.marks = found.map(({ label }) => data.labels[label]).join("; ");
    for (const { box, color, label } of found) {
      const [x, y, w, h] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
      for (const [line, style] of [[5, "rgb(0 0 0 / 55%)"], [3, data.colors[color]]]) {
        pen.lineWidth = line;
        pen.strokeStyle = style;
        pen.strokeRect(x, y, w, h);
      }
      const text = data.labels[label];
      const wide = pen.measureText(text).width + 12;
      const left = Math.max(0, Math.min(x - 2, width - wide));
      const top = y > 24 ? y - 24 : Math.min(y + h + 2, height - 22);
      pen.fillStyle = "rgb(0 0 0 / 72%)";
      pen.fillRect(left, top, wide, 22);
      pen.fillStyle = data.colors[color];
      pen.fillRect(left, top, 4, 22);
      pen.fillStyle = "#FFFFFF";
      pen.fillText(text, left + 8, top + 15);
    }
  }

  hover({ x, at }) {
    if (x === null || this.broken) {
      this.wanted = null;
      this.peekBox.hidden = true;
      return;
    }
    this.peeked.src ||= this.url;
    const left = Math.max(8, Math.min(at - PEEK_PX / 2, window.innerWidth - PEEK_PX - 8));
    this.peekBox.style.left = `${left}px`;
    this.peekBox.style.bottom = `${window.innerHeight - Math.max(this.root.getBoundingClientRect().top, 160) + 4}px`;
    this.wanted = toS(x);
    if (!this.peeked.seeking) this.peek();
  }

  // One seek at a time: the next begins where the last one ended, with what is wanted by then.
  peek() {
    const { peeked, wanted } = this;
    if (wanted === null) return;
    if (wanted === this.sought) {
      this.peekBox.querySelector("span").textContent = clock(wanted);
      this.peekBox.hidden = false;
    } else if (peeked.readyState > 0) {
      this.sought = wanted;
      peeked.currentTime = wanted + JUST_PAST_S;
    }
  }

  fail() {
    this.show(false);
    this.sorry();
  }

  // The film, or a sentence instead.
  show(plays) {
    this.broken = !plays;
    this.stage.hidden = !plays;
    this.root.querySelector(".fer-sorry").hidden = plays;
  }

  remove() {
    window.removeEventListener("fer-moment", this.onMoment);
    window.removeEventListener("fer-hover", this.onHover);
    this.resizes.disconnect();
    for (const video of [this.video, this.peeked]) {
      video.removeAttribute("src");
      video.load(); // lets go of its connection
    }
  }
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector(".fer-film");
  const film = (root.ferFilm ??= new Film(root));
  film.data = data;
  film.tell = (t_s) => setTriggerValue("moment", t_s);
  film.sorry = () => setStateValue("unplayable", data.url);
  film.update();
  return () => film.remove();
}
