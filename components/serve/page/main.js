// The page's behaviour: typing sets the mathematics and asks the model, Enter keeps the answer, Ctrl+Enter solves.

import { Asker, fetchAbout, Refusal } from "./asking.js";
import { copyText } from "./copying.js";
import { forgetHistory, loadHistory, remember, saveTheme } from "./storage.js";
import * as view from "./view.js";

const TYPING_PAUSE = 120; // ms until what was typed is sent
const ERROR_PAUSE = 700; // ms until a half-typed integrand is called wrong
const TICK = 100; // ms between two looks at the clock while solving
const KEYS = ["^", "(", ")", "+", "-", "*", "/", "sqrt(", "exp(", "ln(", "sin(", "cos(", "tan(", "pi"];
const FACES = { "sqrt(": "√", pi: "π", "*": "×", "-": "−" };

const byId = (id) => document.getElementById(id);
const input = byId("integrand");
const live = new Asker(); // for the text at hand
const solver = new Asker();
let answer = null; // the server's last word on the text at hand
let typing = 0;
let complaining = 0;
let recalled = -1; // how far back in the history the arrow keys have gone

// Asking

function onInput() {
  clearTimeout(typing);
  clearTimeout(complaining);
  solver.stop();
  view.clearError();
  view.clearFinding();
  view.markStale();
  answer = null;
  typing = setTimeout(look, TYPING_PAUSE);
}

/** Show what is typed. Resolves to the answer, or to null where there is none. */
async function look({ patient = true } = {}) {
  const text = input.value.trim();
  live.stop();
  if (text === "") return showNothing();
  try {
    return accept(await live.ask({ integrand: text }));
  } catch (error) {
    return refuse(error, text, patient);
  }
}

function showNothing() {
  view.clearReading();
  view.clearPrediction();
  return null;
}

function accept(received) {
  answer = received;
  view.clearError();
  view.showReading(received);
  view.showPrediction(received);
  return received;
}

/** Complain, but not about every letter on the way to a whole integrand, and not about a question that was replaced. */
async function refuse(error, text, patient) {
  if (!(error instanceof Refusal)) {
    if (error.name === "AbortError") return null;
    throw error;
  }
  view.clearPrediction();
  const complain = () => {
    const offset = input.value.length - input.value.trimStart().length;
    const place = error.position === null ? null : error.position + offset;
    view.showError(capitalised(error.message), input.value, place);
  };
  if (!patient) {
    complain();
    view.announce(error.message);
    return null;
  }
  complaining = setTimeout(complain, ERROR_PAUSE);
  await preview(text);
  return null;
}

/** A text whose brackets are still open is shown with them closed. */
async function preview(text) {
  const open = text.split("(").length - text.split(")").length;
  if (open <= 0) return;
  try {
    view.showReading(await live.ask({ integrand: text + ")".repeat(open) }));
  } catch (error) {
    if (!(error instanceof Refusal) && error.name !== "AbortError") throw error;
  }
}

async function predict() {
  clearTimeout(typing);
  clearTimeout(complaining);
  if (input.value.trim() === "") {
    view.showError("Type an integrand first.", "", null);
    view.announce("Type an integrand first.");
    input.focus();
    return;
  }
  const received = answer?.integrand === input.value.trim() ? answer : await look({ patient: false });
  if (received === null) return;
  keep(received);
  view.announce(`${view.percent(received.probability)} ${byId("positive").textContent}. ${received.record.sentence}`);
}

async function solve() {
  if (byId("solve").disabled) return;
  await predict();
  if (answer === null) return;
  const started = performance.now();
  const clock = setInterval(() => view.showProgress((performance.now() - started) / 1000), TICK);
  view.clearFinding();
  view.showProgress(0);
  view.announce("Integrating.");
  try {
    const { integrand } = answer;
    const received = await solver.ask({ integrand, solve: true });
    if (integrand !== input.value.trim()) return;
    accept(received);
    keep(received);
    view.showFinding(received.solution);
    byId("algebra").scrollIntoView({ block: "nearest" });
    const { headline, antiderivative } = received.solution;
    view.announce(`${headline} ${antiderivative?.sympy ?? ""}`);
  } catch (error) {
    if (error instanceof Refusal) view.showError(capitalised(error.message), "", null);
    else if (error.name !== "AbortError") throw error;
  } finally {
    clearInterval(clock);
    view.clearProgress();
  }
}

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Keeping

function keep({ integrand, probability, label, solution }) {
  remember({ integrand, probability, label, solution: solution?.label });
  recalled = -1;
  view.showHistory(loadHistory(), pick);
  const address = new URL(location.href);
  address.search = `?${new URLSearchParams({ q: integrand })}`;
  history.replaceState(null, "", address);
  document.title = `${integrand} · Will it integrate?`;
}

/** An example or an earlier integrand takes the stage. */
function pick(integrand) {
  input.value = integrand;
  onInput();
  byId("ask").scrollIntoView({ block: "start" });
  return predict();
}

function recall(step) {
  const entries = loadHistory();
  recalled = Math.min(Math.max(recalled + step, -1), entries.length - 1);
  input.value = entries[recalled]?.integrand ?? "";
  onInput();
}

async function copy(button) {
  const texts = {
    latex: () => answer?.latex,
    sympy: () => answer?.sympy,
    link: () => `${location.origin}/?${new URLSearchParams({ q: input.value.trim() })}`,
    "antiderivative-latex": () => answer?.solution?.antiderivative?.latex,
    "antiderivative-sympy": () => answer?.solution?.antiderivative?.sympy,
  };
  const text = texts[button.dataset.copy]();
  if (!text) return view.announce("There is nothing to copy yet.");
  const label = button.textContent;
  try {
    await copyText(text);
    button.textContent = "Copied";
    view.announce("Copied.");
  } catch (error) {
    button.textContent = "Not copied";
    view.announce(`Not copied: ${error.message}`);
  }
  button.disabled = true; // or a second press would take the note for the label
  setTimeout(() => Object.assign(button, { textContent: label, disabled: false }), 1200);
}

// Keys and looks

function onKey(event) {
  if (event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    solve();
  } else if (event.key === "Escape") {
    solver.stop();
  } else if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    input.focus();
  }
}

function onArrow(event) {
  const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!step || event.isComposing) return;
  event.preventDefault();
  recall(step);
}

function insert(text) {
  input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
  input.focus();
  onInput();
}

function addKeys() {
  byId("keys").append(
    ...KEYS.map((text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "key";
      button.textContent = FACES[text] ?? text.replace(/(?<=\w)\($/, "");
      button.setAttribute("aria-label", text);
      button.addEventListener("click", () => insert(text));
      return button;
    }),
  );
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function labelTheme() {
  byId("theme").setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
}

function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  saveTheme(theme);
  labelTheme();
}

async function start() {
  addKeys();
  labelTheme();
  input.addEventListener("input", onInput);
  input.addEventListener("keydown", onArrow);
  document.addEventListener("keydown", onKey);
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    predict();
  });
  byId("solve").addEventListener("click", solve);
  byId("cancel").addEventListener("click", () => solver.stop());
  byId("theme").addEventListener("click", switchTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", labelTheme);
  byId("forget").addEventListener("click", () => {
    forgetHistory();
    view.showHistory([], pick);
    input.focus();
  });
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
  view.showHistory(loadHistory(), pick);
  view.clearReading();
  try {
    const about = await fetchAbout();
    view.showAbout(about);
    view.showPairs(about.pairs, pick);
  } catch (error) {
    view.showError(error instanceof Refusal ? error.message : "The server cannot be reached.", "", null);
    return;
  }
  const asked = new URLSearchParams(location.search).get("q") ?? input.value;
  if (asked.trim()) {
    input.value = asked;
    await look({ patient: false }); // not kept: a link that was opened is no question that was asked
  }
  document.body.dataset.ready = "";
}

start();
