// Runs in every frame of the page, before its own scripts. Measures how long a picture is on its
// way: the fake camera numbers its pictures by a row of black and white cells along their bottom
// edge (benchmarks/_camera.py), and this reads the numbers as the camera gives them and as the
// annotated pictures come back, decoded. It does so in a worker: charts may keep the page busy.
(() => {
  const reader = () => {
    const CELLS = 12; // white, black, nine bits, parity
    // The numbers come again after ten seconds: a time as old as that is one the reader missed.
    const LONGEST_MS = 8000;
    const takenMs = new Map(); // number -> when the camera gave it
    let waysMs = []; // from the camera to the page, one for each new picture
    let shown = 0;
    let last = -1;

    const numberIn = async (picture) => {
      const { x, y, width, height } = picture.visibleRect;
      const rect = { x, y: y + 2 * Math.round(0.48 * height), width, height: 2 };
      const bytes = new Uint8Array(picture.allocationSize({ rect }));
      const [brightness] = await picture.copyTo(bytes, { rect }); // the first plane of I420 and NV12
      const cells = Array.from({ length: CELLS }, (_, i) =>
        Number(bytes[brightness.offset + Math.round(((i + 0.5) * width) / CELLS)] > 127),
      );
      const [white, black, ...bits] = cells;
      const parity = bits.pop();
      const ones = bits.reduce((sum, bit) => sum + bit, 0);
      if (!white || black || parity !== ones % 2) return -1;
      return bits.reduce((number, bit) => 2 * number + bit, 0);
    };

    const sides = {
      camera: (number, nowMs) => takenMs.set(number, nowMs),
      page: (number, nowMs) => {
        shown += 1;
        if (number === last || !takenMs.has(number)) return;
        last = number;
        const wayMs = nowMs - takenMs.get(number);
        if (wayMs < LONGEST_MS) waysMs.push(wayMs);
      },
    };

    const watch = async (pictures, side) => {
      for (const source = pictures.getReader(); ; ) {
        const { value, done } = await source.read();
        if (done) return;
        const nowMs = performance.now();
        const number = await numberIn(value);
        value.close();
        sides[side](number, nowMs);
      }
    };

    self.onmessage = ({ data }) => {
      if (data.pictures) {
        watch(data.pictures, data.side);
        return;
      }
      self.postMessage({ waysMs, shown });
      waysMs = [];
      shown = 0;
    };
  };

  const media = navigator.mediaDevices;
  if (!media) return;
  const code = new Blob([`(${reader})()`], { type: "text/javascript" });
  let worker;

  const watch = (stream, side) => {
    const track = stream.getVideoTracks()[0].clone();
    const pictures = new MediaStreamTrackProcessor({ track, maxBufferSize: 10 }).readable;
    worker ??= new Worker(URL.createObjectURL(code));
    worker.postMessage({ pictures, side }, [pictures]);
  };

  const ask = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    watch(stream, "camera");
    return stream;
  };

  let watched;
  setInterval(() => {
    const stream = document.querySelector("video")?.srcObject;
    if (!stream || stream === watched || !stream.getVideoTracks().length) return;
    watched = stream;
    watch(stream, "page");
  }, 100);

  // What was seen since this was last called.
  window.ferSeen = () =>
    new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage({});
    });
})();
