// Fills the drawn face of face_diagram.py. Put before the script of each component that shows one,
// whose HTML holds the template.

function makeDiagram(root) {
  const diagram = root.querySelector(".fer-face-template").content.firstElementChild.cloneNode(true);
  diagram.ferRegions = [...diagram.querySelectorAll(".fer-region")];
  return diagram;
}

function unitLine({ name, share, note }) {
  const line = document.createElement("li");
  const parts = { name, share, note };
  for (const [part, text] of Object.entries(parts)) {
    if (!text) continue;
    const span = document.createElement("span");
    span.className = `fer-unit-${part}`;
    span.textContent = text;
    line.append(span);
  }
  return line;
}

// `face` is a Diagram of face_diagram.py.
function fillDiagram(diagram, face) {
  face.lit.forEach((value, i) => diagram.ferRegions[i].style.setProperty("fill-opacity", value));
  for (const iris of diagram.querySelectorAll(".fer-iris")) {
    iris.classList.toggle("fer-unknown", !face.irises);
    const [right, down] = face.irises ?? [0, 0];
    // One half of the drawing is the mirror image of the other.
    const mirrored = iris.parentElement.hasAttribute("transform");
    iris.style.transform = `translate(${mirrored ? -right : right}px, ${down}px)`;
  }
  diagram.querySelector("svg").setAttribute("aria-label", face.label);
  const title = diagram.querySelector(".fer-moves-title");
  title.textContent = face.title;
  title.hidden = !face.title;
  diagram.querySelector("ul").replaceChildren(...face.units.map(unitLine));
  diagram.querySelector(".fer-gaze").textContent = face.gaze;
}
