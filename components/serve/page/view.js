// Puts answers on the page. Texts go in as text, mathematics through mathematics.js; nothing is ever read as HTML.

import { mathematics } from "./mathematics.js";
import { treePicture } from "./tree.js";

const SMALLEST = 0.55; // of the usual size, for an integral that is wider than its stage
const LONGEST_QUOTED = 200; // characters of an integrand that an error shows again

const byId = (id) => document.getElementById(id);
const show = (id, visible) => (byId(id).hidden = !visible);

/** `93 %`; certainty is not rounded up to. */
export function percent(probability) {
  if (probability > 0.99) return "> 99 %";
  if (probability < 0.01) return "< 1 %";
  return `${Math.round(100 * probability)} %`;
}

export function showAbout(about) {
  byId("positive").textContent = about.target === "elementary" ? "for an elementary antiderivative" : `for “${about.positive}”`;
  byId("low-end").textContent = about.negative;
  byId("high-end").textContent = about.positive;
  byId("solver").textContent = about.solver.note;
  byId("about").textContent = `The model: ${about.description}.`;
  byId("curl").textContent = `curl ${location.origin}/v1/models/${about.model}:predict -d '{"instances": ["x*exp(x^2)"]}'`;
  byId("solve").disabled = !about.solver.available;
}

/** The integrand set as mathematics and as a tree. */
export function showReading(answer) {
  byId("integral").replaceChildren(mathematics(answer.integral));
  byId("stage").classList.remove("stale");
  fit();
  const { nodes, size } = answer.tree;
  byId("tree").replaceChildren(nodes.length ? treePicture(nodes) : `${size} nodes are too many to draw.`);
  byId("canonical").textContent = answer.canonical === answer.sympy ? "" : `Brought to one form: ${answer.canonical}`;
}

/** Set a wide integral smaller; beyond a limit the stage scrolls. */
function fit() {
  const [stage, integral] = [byId("stage"), byId("integral")];
  integral.style.fontSize = "";
  const { paddingLeft, paddingRight } = getComputedStyle(stage);
  const room = stage.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  const share = room / integral.scrollWidth;
  if (share < 1) integral.style.fontSize = `${Math.max(share, SMALLEST)}em`;
}

export function showPrediction({ probability, record }) {
  byId("percent").textContent = percent(probability);
  byId("record").textContent = record.sentence;
  byId("detail").textContent = record.detail;
  show("basis", record.detail !== "");
  const scale = byId("scale");
  scale.setAttribute("aria-valuenow", Math.round(100 * probability));
  scale.setAttribute("aria-valuetext", percent(probability));
  scale.style.setProperty("--at", probability);
  scale.style.setProperty("--low", record.low ?? probability);
  scale.style.setProperty("--high", record.high ?? probability);
  show("prediction", true);
  show("waiting", false);
}

/** Nothing is said about an integrand that is not there, or not whole yet. */
export function clearPrediction() {
  show("prediction", false);
  show("waiting", true);
}

/** What stands on the stage belongs to an earlier text. */
export function markStale() {
  byId("stage").classList.add("stale");
}

export function clearReading() {
  byId("integral").replaceChildren(mathematics("<math display='block'><mrow><mo stretchy='true' minsize='1.7em'>∫</mo><mi>f</mi><mo stretchy='false'>(</mo><mi>x</mi><mo stretchy='false'>)</mo><mspace width='0.167em'/><mi>d</mi><mi>x</mi></mrow></math>"));
  byId("stage").classList.add("stale");
  byId("tree").replaceChildren();
  byId("canonical").textContent = "";
}

/** A refusal in words, with the integrand and the place in it where the reader stopped. */
export function showError(message, text, position) {
  const parts = [message];
  if (position !== null && position <= text.length && text.length <= LONGEST_QUOTED) {
    parts[0] = message.replace(/ \(at position \d+\)$/, ":"); // the mark says it better
    const mark = document.createElement("mark");
    mark.textContent = text.slice(position, position + 1) || " ";
    const quoted = document.createElement("code");
    quoted.append(text.slice(0, position), mark, text.slice(position + 1));
    parts.push(quoted);
  }
  byId("error").replaceChildren(...parts);
  show("error", true);
  byId("integrand").setAttribute("aria-invalid", "true");
}

export function clearError() {
  show("error", false);
  byId("error").replaceChildren();
  byId("integrand").removeAttribute("aria-invalid");
}

export function showProgress(seconds) {
  byId("progress").textContent = `Integrating … ${seconds.toFixed(1)} s`;
  for (const id of ["progress", "cancel"]) show(id, true);
  byId("algebra").setAttribute("aria-busy", "true");
}

export function clearProgress() {
  for (const id of ["progress", "cancel"]) show(id, false);
  byId("algebra").removeAttribute("aria-busy");
}

export function showFinding(solution) {
  const { antiderivative } = solution;
  byId("finding").className = solution.label;
  for (const id of ["headline", "special", "how", "agreement"]) byId(id).textContent = solution[id];
  byId("source").textContent = solution.source && `Source: ${solution.source}.`;
  show("antiderivative", antiderivative !== null);
  show("antiderivative-copies", antiderivative !== null);
  if (antiderivative) {
    const long = document.createElement("code");
    long.textContent = antiderivative.sympy;
    byId("antiderivative").replaceChildren(antiderivative.mathml ? mathematics(antiderivative.mathml) : long);
  }
  document.querySelector('[data-copy="antiderivative-latex"]').disabled = !antiderivative?.latex;
  show("finding", true);
  show("solver", false);
}

export function clearFinding() {
  show("finding", false);
  show("solver", true);
}

/** `onPick(integrand)` is called for the example that is chosen. */
export function showPairs(pairs, onPick) {
  byId("pairs").replaceChildren(
    ...pairs.map(({ text, members }) => {
      const item = document.createElement("li");
      const why = document.createElement("p");
      why.textContent = text;
      const row = document.createElement("div");
      row.append(...members.map(({ integrand, mathml }) => choice(integrand, mathematics(mathml), onPick)));
      item.append(row, why);
      return item;
    }),
  );
}

export function showHistory(entries, onPick) {
  show("past", entries.length > 0);
  byId("history").replaceChildren(
    ...entries.map(({ integrand, probability, solution }) => {
      const item = document.createElement("li");
      const text = document.createElement("code");
      text.textContent = integrand;
      const rating = document.createElement("span");
      rating.textContent = percent(probability);
      const word = document.createElement("small");
      word.textContent = solution ?? "";
      const button = choice(integrand, text, onPick);
      button.append(rating, word);
      item.append(button);
      return item;
    }),
  );
}

function choice(integrand, face, onPick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "choice";
  button.append(face);
  button.setAttribute("aria-label", integrand);
  button.addEventListener("click", () => onPick(integrand));
  return button;
}

/** Say it to those who listen instead of looking. */
export function announce(text) {
  byId("status").textContent = text;
}
