// MathML from the server, made into elements. Nothing but the elements and attributes below gets through.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const ELEMENTS = new Set(
  "math mrow mi mn mo ms mtext mspace mfrac msup msub munder msqrt mroot mtable mtr mtd".split(" "),
);
const ATTRIBUTES = new Set(["display", "width", "form", "stretchy", "minsize"]);

/** A `math` element for markup such as `<math><mi>x</mi></math>`; throws on anything else. */
export function mathematics(markup) {
  const parsed = new DOMParser().parseFromString(markup, "text/xml").documentElement;
  return copied(parsed);
}

function copied(node) {
  if (!ELEMENTS.has(node.localName)) throw new Error(`no MathML: ${node.localName}`);
  const element = document.createElementNS(MATHML, node.localName);
  for (const { name, value } of node.attributes) if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
  for (const child of node.childNodes) {
    element.append(child.nodeType === Node.TEXT_NODE ? child.data : copied(child));
  }
  return element;
}
