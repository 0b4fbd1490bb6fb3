// Sends snapshots of the camera over the page's own connection, and shows what comes back marked.
//
// One snapshot at a time: the next is taken when Python has answered the last (data.answered), and
// not before as much time has passed again as the answer took. A slow line or a busy machine thus
// gets fewer snapshots, and no queue.

const MOST_WIDTH = 640;
const MOST_HEIGHT = 480;
const QUALITY = 0.7;
const SHORTEST_MS = 200;
const LONGEST_MS = 1000;
// An answer that is lost, as when the connection drops or another part of the page is run in its
// place, must not end the session. Not always after the same time: the page polls twice a second, and
// what met a poll once would meet the next, too.
const lostMs = () => 8_000 + 2_000 * Math.random();

const BY_ERROR = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "no_camera",
  OverconstrainedError: "no_camera",
  NotReadableError: "busy",
  AbortError: "busy",
};

class Snapshots {
  constructor(root) {
    this.root = root;
    this.video = root.querySelector("video");
    this.picture = root.querySelector("img");
    this.hint = root.querySelector(".fer-hint");
    this.button = root.querySelector("button");
    this.note = root.querySelector(".fer-note");
    this.canvas = document.createElement("canvas");
    this.run = 0; // when this run began, in ms since 1970; 0 while stopped
    this.sent = 0;
    this.answered = -1;
    this.button.addEventListener("click", () => (this.run ? this.stop() : this.start()));
    this.button.disabled = false; // from now on a click is heard
    this.onVisible = () => this.schedule(0);
    document.addEventListener("visibilitychange", this.onVisible);
  }

  async start() {
    this.button.disabled = true;
    this.say("");
    try {
      // Not there at all on a page that is neither local nor opened over https.
      if (!navigator.mediaDevices) throw new DOMException("", "insecure");
      const size = { width: { ideal: MOST_WIDTH }, height: { ideal: MOST_HEIGHT } };
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { ...size, facingMode: "user" },
        audio: false,
      });
      if (!this.root.isConnected) return this.release(); // the page was left meanwhile
      this.video.srcObject = this.stream;
      await this.video.play();
    } catch (error) {
      this.release();
      this.say(this.data.sentences[BY_ERROR[error.name] ?? "insecure"]);
      return;
    } finally {
      this.button.disabled = false;
    }
    this.stream.getVideoTracks()[0].addEventListener("ended", () => {
      this.stop();
      this.say(this.data.sentences.no_camera);
    });
    this.sent = 0;
    this.answered = -1;
    this.began = performance.now();
    this.setRun(Date.now());
  }

  stop() {
    clearTimeout(this.timer);
    this.release();
    this.setRun(0);
  }

  setRun(run) {
    this.run = run;
    this.button.textContent = run ? "Stop" : "Start";
    this.button.setAttribute("aria-pressed", String(Boolean(run)));
    this.hint.hidden = Boolean(run);
    this.video.hidden = !run;
    this.picture.hidden = true;
    this.setStateValue("run", run);
  }

  release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
  }

  say(sentence) {
    this.note.textContent = sentence;
  }

  // Python has taken what was sent, or is ready for the first.
  update(data) {
    this.data = data;
    if (!this.run || data.run !== this.run) return;
    this.say(data.problem);
    if (data.picture) {
      this.picture.src = `data:image/jpeg;base64,${data.picture}`;
      this.picture.hidden = false;
    }
    if (data.answered <= this.answered || data.answered < this.sent) return;
    this.answered = data.answered;
    const tookMs = this.sent ? performance.now() - this.sentAt : 0;
    const periodMs = Math.min(Math.max(2 * tookMs, SHORTEST_MS), LONGEST_MS);
    this.schedule(this.sent ? Math.max(0, periodMs - tookMs) : 0);
  }

  schedule(inMs) {
    if (!this.run) return;
    const waiting = this.sent > this.answered;
    const leftMs = waiting ? lostMs() - (performance.now() - this.sentAt) : 0;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), Math.max(inMs, leftMs));
  }

  send() {
    if (!this.run || document.hidden) return; // onVisible goes on
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, MOST_WIDTH / videoWidth, MOST_HEIGHT / videoHeight);
    this.canvas.width = Math.round(videoWidth * scale);
    this.canvas.height = Math.round(videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.sentAt = performance.now();
    this.sent += 1;
    this.setTriggerValue("snapshot", {
      run: this.run,
      number: this.sent,
      t_s: (this.sentAt - this.began) / 1000,
      jpeg: this.canvas.toDataURL("image/jpeg", QUALITY).split(",")[1],
    });
    this.schedule(0); // unless it is answered before
  }

  end() {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.release();
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-snapshots");
  // Streamlit calls this again with each new data: the camera must not be opened anew.
  root.fer ??= new Snapshots(root);
  Object.assign(root.fer, { setStateValue, setTriggerValue });
  root.fer.update(data);
  return () => root.fer.end();
}
