// The keys of the live page, its presenter's view, and the look of streamlit-webrtc's controls.
//
// A key presses a button that is on the page, so that there is one way to do a thing. The camera's
// own buttons are in a frame of the same origin, or in the shadow root of the snapshots.

const POLL_MS = 100;
const START_STOP = /(Start|Stop)$/;
const TYPING = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])";
const PRESSABLE = `${TYPING}, a, button, input, summary, [role=button], [role=radio], [role=tab]`;

function stage() {
  return document.querySelector(".st-key-live_stage");
}

function cameraFrame() {
  return stage()?.querySelector('iframe[src*="streamlit_webrtc"]')?.contentDocument ?? undefined;
}

function cameraButton() {
  const isolated = stage()?.querySelectorAll('[data-testid="stBidiComponentIsolated"]') ?? [];
  const places = [cameraFrame(), ...[...isolated].map((each) => each.shadowRoot), stage()];
  const buttons = places.flatMap((place) => [...(place?.querySelectorAll("button") ?? [])]);
  return buttons.find((each) => START_STOP.test(each.textContent.trim()) && !each.disabled);
}

const KEYS = {
  " ": () => cameraButton()?.click(),
  m: () => stage()?.querySelector(".st-key-live_moment button")?.click(),
  "?": () => document.querySelector(".st-key-live_keys button")?.click(),
};

function onKey(event) {
  if (event.key === "Escape") return present(false);
  const act = KEYS[event.key.toLowerCase()];
  if (!act || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const focused = event.composedPath()[0];
  if (focused.closest?.(event.key === " " ? PRESSABLE : TYPING)) return;
  event.preventDefault(); // else Space scrolls
  act();
}

// Fills the screen with the picture and what the faces show. Where there is no full screen, as on
// an iPhone, it fills the window.
function present(on) {
  for (const page of [document, cameraFrame()]) {
    page?.documentElement.classList.toggle("fer-presenting", on);
  }
  const theme = getComputedStyle(document.querySelector(".fer-stage-keys") ?? document.body);
  const ground = theme.getPropertyValue("--st-background-color");
  document.documentElement.style.setProperty("--fer-ground", ground);
  if (on) stage()?.requestFullscreen?.().catch((error) => console.debug(error));
  else if (document.fullscreenElement) document.exitFullscreen();
}

function onPress(event) {
  if (event.target.closest?.(".st-key-live_present button")) present(true);
  if (event.target.closest?.(".fer-leave")) present(false);
}

function onFullscreen() {
  if (!document.fullscreenElement) present(false);
}

// The rules that load the page's fonts, for another document.
function fontRules() {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  return rules
    .filter((rule) => rule instanceof CSSFontFaceRule)
    .map(({ cssText, parentStyleSheet }) =>
      cssText.replace(/url\("([^"]+)"\)/g, (_, url) => {
        const base = parentStyleSheet.href ?? document.baseURI;
        return `url("${new URL(url, base).href}")`;
      }),
    )
    .join("\n");
}

// Streamlit's buttons look like this; `.MuiButton-…` are names that MUI documents.
function frameRules(root) {
  const style = getComputedStyle(root);
  const theme = (name) => style.getPropertyValue(`--st-${name}`);
  return `
    .fer-dressed { font-family: ${theme("font")}; font-size: ${theme("base-font-size")}; }
    .fer-dressed :is(.MuiButton-root, .MuiTypography-root, .MuiInputBase-root, .MuiFormLabel-root) {
      font-family: inherit; letter-spacing: normal; text-transform: none;
    }
    .fer-dressed .MuiButton-root.MuiButton-root {
      font-size: 0.875rem; font-weight: 400; line-height: 1.6; min-height: 2.5rem; min-width: 0;
      padding: 0.25rem 0.75rem; border-radius: ${theme("button-radius")};
      border: 1px solid ${theme("border-color")}; box-shadow: none;
      color: ${theme("text-color")}; background: ${theme("background-color")};
    }
    .fer-dressed .MuiButton-root.MuiButton-contained {
      color: ${theme("background-color")}; background: ${theme("primary-color")};
      border-color: ${theme("primary-color")};
    }
    .fer-dressed .MuiButton-root.Mui-disabled { opacity: 0.5; }
    .fer-dressed .MuiButton-root:hover { filter: brightness(0.93); }
    .fer-dressed .MuiButton-root:focus-visible { outline: 2px solid ${theme("primary-color")};
      outline-offset: 1px; }
    .fer-dressed .MuiPaper-root:not(.MuiAlert-root) {
      box-sizing: border-box; aspect-ratio: 4 / 3; display: grid; place-items: center;
      border-radius: 0.5rem; color: ${theme("text-color")};
      background: color-mix(in srgb, currentcolor 5%, transparent);
    }
    .fer-dressed .MuiBox-root:is(:has(> video), :has(> .MuiPaper-root)) { padding-top: 0; }
    .fer-presenting .MuiButton-root { visibility: hidden; }
  `;
}

function dress(root) {
  const page = cameraFrame();
  if (!page?.head) return;
  const rules = frameRules(root);
  if (page.ferRules === rules) return;
  if (!page.ferSheet) {
    page.ferSheet = page.createElement("style");
    page.ferFonts = page.createElement("style");
    page.ferFonts.textContent = fontRules();
    page.head.append(page.ferFonts, page.ferSheet);
    page.addEventListener("keydown", onKey);
  }
  page.documentElement.classList.add("fer-dressed");
  page.ferSheet.textContent = page.ferRules = rules;
}

export default function ({ parentElement }) {
  const root = parentElement.querySelector(".fer-stage-keys");
  // Streamlit may call this again for the same node.
  if (!root.ferTimer) {
    root.ferTimer = setInterval(dress, POLL_MS, root);
    dress(root);
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onPress, { capture: true });
    document.addEventListener("fullscreenchange", onFullscreen);
  }
  return () => {
    clearInterval(root.ferTimer);
    document.removeEventListener("keydown", onKey);
    document.removeEventListener("click", onPress, { capture: true });
    document.removeEventListener("fullscreenchange", onFullscreen);
    present(false);
  };
}
