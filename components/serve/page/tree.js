// The expression tree as a picture. Subtrees are put side by side as closely as their outlines allow, each parent
// above the middle of its children (after Reingold and Tilford 1981).

const SVG = "http://www.w3.org/2000/svg";
const ROW = 58; // from one level to the next
const HEIGHT = 34; // of a node
const GAP = 14; // between nodes of one level
const MARGIN = 3;
const SYMBOLS = { add: "+", sub: "−", mul: "×", div: "÷", pow: "^", neg: "−", inv: "1/", sqrt: "√", pi: "π", E: "e" };
const OPERATORS = new Set(["add", "sub", "mul", "div", "pow", "neg", "inv", "sqrt"]);

/** An SVG element for nodes in prefix order, each [word, number of arguments]. */
export function treePicture(nodes) {
  const root = nested(nodes);
  placed(root);
  const all = absolute(root);
  const left = Math.min(...all.map((node) => node.x - node.width / 2)) - MARGIN;
  const right = Math.max(...all.map((node) => node.x + node.width / 2)) + MARGIN;
  const bottom = Math.max(...all.map((node) => node.y)) + HEIGHT / 2 + MARGIN;
  const top = -HEIGHT / 2 - MARGIN;
  const picture = element("svg", { viewBox: `${left} ${top} ${right - left} ${bottom - top}`, role: "img" });
  picture.setAttribute("aria-label", `${all.length} nodes: ${written(root)}`);
  picture.style.maxWidth = `${right - left}px`;
  picture.style.minWidth = `${0.6 * (right - left)}px`; // smaller cannot be read; the frame scrolls
  picture.append(drawn(root));
  return picture;
}

function nested(nodes) {
  let next = 0;
  const take = () => {
    const [word, arity] = nodes[next++];
    const label = SYMBOLS[word] ?? word;
    const width = Math.max(HEIGHT, 9.2 * label.length + 18);
    return { word, label, width, children: Array.from({ length: arity }, take) };
  };
  return take();
}

/** Set each child's `shift` from its parent; returns the outline: [leftmost, rightmost] of each level below. */
function placed(node) {
  const outline = [];
  for (const child of node.children) {
    const below = placed(child);
    child.shift = outline.length ? Math.max(...below.map(([left], i) => (outline[i]?.[1] ?? -Infinity) + GAP - left)) : 0;
    below.forEach(([left, right], i) => {
      outline[i] = [outline[i]?.[0] ?? left + child.shift, right + child.shift];
    });
  }
  const middle = node.children.length ? (node.children[0].shift + node.children.at(-1).shift) / 2 : 0;
  for (const child of node.children) child.shift -= middle;
  return [[-node.width / 2, node.width / 2], ...outline.map(([left, right]) => [left - middle, right - middle])];
}

function absolute(node, x = 0, y = 0) {
  Object.assign(node, { x, y });
  return [node, ...node.children.flatMap((child) => absolute(child, x + child.shift, y + ROW))];
}

/** A group for a subtree, the lines to its children first, so that nodes lie over them. */
function drawn(node) {
  const group = element("g", { class: "subtree" });
  for (const child of node.children) {
    const [top, bottom] = [node.y + HEIGHT / 2, child.y - HEIGHT / 2];
    const half = (top + bottom) / 2;
    group.append(element("path", { d: `M${node.x} ${top}C${node.x} ${half} ${child.x} ${half} ${child.x} ${bottom}` }));
  }
  const box = { x: node.x - node.width / 2, y: node.y - HEIGHT / 2, width: node.width, height: HEIGHT, rx: HEIGHT / 2 };
  const label = element("text", { x: node.x, y: node.y, dy: "0.35em" });
  label.textContent = node.label;
  const face = element("g", { class: `node ${kind(node)}` });
  face.append(element("rect", box), label);
  group.append(...node.children.map(drawn), face);
  return group;
}

function kind(node) {
  if (node.word === "x") return "variable";
  if (OPERATORS.has(node.word)) return "operator";
  return node.children.length ? "function" : "number";
}

function written(node) {
  return node.children.length ? `${node.word}(${node.children.map(written).join(", ")})` : node.word;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
