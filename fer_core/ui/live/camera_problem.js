// Finds out why there is no camera picture, and tells Python a word for it.
//
// streamlit-webrtc 0.79 reports a refused or missing camera nowhere but as text in its own frame
// (which is of the same origin, so that this page may read it). It is replaced by sentences of ours.

const POLL_MS = 500;
// The width that Chromium gives a video before its first picture.
const NO_PICTURE = 2;

const BY_ERROR = [
  [/NotAllowedError|SecurityError/, "refused"],
  [/NotFoundError|OverconstrainedError/, "no_camera"],
  [/NotReadableError|AbortError/, "busy"],
  [/mediaDevices|getUserMedia/, "insecure"],
];

function cameraDocument() {
  const frame = document.querySelector('iframe[src*="streamlit_webrtc"]');
  const page = frame?.contentDocument;
  if (page?.head && !page.getElementById("fer-style")) {
    const style = page.createElement("style");
    style.id = "fer-style";
    // !important: the frame adds a rule of the same weight of its own, now before this one, now after.
    style.textContent = ".MuiAlert-root { display: none !important; }";
    page.head.append(style);
    const note = ({ target }) => {
      const text = target.closest("button")?.textContent;
      if (text === "Start" || text === "Stop") page.ferPressed = text;
    };
    page.addEventListener("click", note, { capture: true });
  }
  return page;
}

// "", "connecting", "playing", or the word for the error that is shown.
function frameState() {
  const page = cameraDocument();
  const alert = page?.querySelector(".MuiAlert-root");
  if (alert) {
    const known = BY_ERROR.find(([pattern]) => pattern.test(alert.textContent));
    return known ? known[1] : "no_connection";
  }
  const video = page?.querySelector("video");
  if (video?.videoWidth > NO_PICTURE) return "playing";
  return video || page?.querySelector(".MuiCircularProgress-root") ? "connecting" : "";
}

// A connection that fails ends the camera as if Stop had been pressed.
function endedByItself() {
  return cameraDocument()?.ferPressed === "Start";
}

// What can be known before Start is pressed.
async function obstacle() {
  if (!window.isSecureContext || !navigator.mediaDevices) return "insecure";
  try {
    const permission = await navigator.permissions.query({ name: "camera" });
    if (permission.state === "denied") return "refused";
  } catch {
    // Not every browser can be asked for this permission; Start will tell.
  }
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.some((device) => device.kind === "videoinput") ? "" : "no_camera";
}

export default function ({ setStateValue, parentElement }) {
  const root = parentElement.querySelector(".fer-camera-problem");
  let told = "";
  let failed = ""; // why the last start failed; stays until the next start
  let before = "";
  const look = async () => {
    const state = frameState();
    const running = state === "connecting" || state === "playing";
    if (state) failed = running ? "" : state;
    else if (before === "playing" && endedByItself()) failed = "connection_lost";
    else if (before === "connecting" && endedByItself()) failed = "no_connection";
    before = state;
    const problem = running ? "" : failed || (await obstacle());
    if (problem === told || !root.isConnected) return;
    told = problem;
    setStateValue("problem", problem);
  };
  // Streamlit may call this again for the same node: one timer is enough.
  if (!root.ferTimer) {
    root.ferTimer = setInterval(look, POLL_MS);
    look();
  }
  return () => clearInterval(root.ferTimer);
}
