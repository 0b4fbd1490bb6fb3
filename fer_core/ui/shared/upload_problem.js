// Tells Python why a file did not get through (upload_problem.py): a status, "none" where the
// connection broke, "" where nothing is wrong.
//
// Streamlit 1.67 shows a red file, and what its HTTP client throws only to who points at it:
// "AxiosError: Request failed with status code 503".

const ALERTS = '[data-testid="stFileUploader"] [role="alert"]';
const THROWN = /AxiosError(?:.*status code (\d{3}))?/;

function problem() {
  for (const alert of document.querySelectorAll(ALERTS)) {
    const thrown = alert.textContent.match(THROWN);
    if (thrown) return thrown[1] ?? "none";
  }
  return "";
}

export default function ({ parentElement, setStateValue }) {
  const root = parentElement.querySelector(".fer-upload-problem");
  const tell = () => {
    const now = problem();
    if (now === (root.ferTold ?? "")) return;
    root.ferTold = now;
    setStateValue("problem", now);
  };
  // Streamlit calls this again for the same node, without an end to the call before, when the page
  // gets other colours.
  root.ferWatch?.disconnect();
  const watch = (root.ferWatch = new MutationObserver(tell));
  watch.observe(document.body, { childList: true, subtree: true });
  tell();
  return () => watch.disconnect();
}
