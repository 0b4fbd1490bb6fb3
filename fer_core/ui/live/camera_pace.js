// Has the browser send as many pictures a second as the dashboard can analyse (camera_pace.py).
//
// Encoding a picture that is then left out costs as much as one that is looked at. The connection
// belongs to streamlit-webrtc's frame, which is of the same origin; it is noted when it is made.

const POLL_MS = 250;

function noteConnections(page) {
  const connections = page.RTCPeerConnection?.prototype;
  if (!connections || connections.ferNoted) return;
  const createOffer = connections.createOffer;
  connections.createOffer = function (...wishes) {
    page.ferConnection = this;
    return createOffer.apply(this, wishes);
  };
  connections.ferNoted = true;
}

async function keepTo({ fps, bits_per_s }, connection) {
  for (const sender of connection.getSenders()) {
    if (sender.track?.kind !== "video") continue;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) continue;
    for (const each of parameters.encodings) {
      Object.assign(each, { maxFramerate: fps, maxBitrate: bits_per_s });
    }
    await sender.setParameters(parameters);
    connection.ferFps = fps;
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fer-camera-pace");
  root.ferPace = data;
  const look = () => {
    const page = document.querySelector('iframe[src*="streamlit_webrtc"]')?.contentWindow;
    if (!page) return;
    noteConnections(page);
    const connection = page.ferConnection;
    if (connection?.connectionState !== "connected") return;
    if (connection.ferFps === root.ferPace.fps) return;
    // A browser that cannot do it sends all pictures, and the dashboard leaves some out.
    keepTo(root.ferPace, connection).catch((error) => console.debug(error));
  };
  // Streamlit may call this again for the same node: one timer is enough.
  root.ferTimer ??= setInterval(look, POLL_MS);
  look();
  return () => clearInterval(root.ferTimer);
}
