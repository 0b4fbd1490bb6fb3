// The component of face_diagram.py: a drawing for each face, and a note below them.

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".fer-diagrams");
  while (list.children.length < data.faces.length) list.append(makeDiagram(parentElement));
  while (list.children.length > data.faces.length) list.lastElementChild.remove();
  data.faces.forEach((face, i) => fillDiagram(list.children[i], face));
  parentElement.querySelector(".fer-moves-note").textContent = data.note;
}
