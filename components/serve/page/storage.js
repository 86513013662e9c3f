// What this browser remembers. Storage may be switched off or full; then nothing is remembered, and nothing breaks.

const HISTORY = "intclass.history";
const THEME = "intclass.theme";
const LONGEST = 30;

export function saveTheme(theme) {
  write(THEME, theme);
}

/** The integrands asked before, the latest first: {integrand, probability, label, solution}. */
export function loadHistory() {
  try {
    const entries = JSON.parse(localStorage.getItem(HISTORY) ?? "[]");
    return Array.isArray(entries) ? entries.filter((entry) => typeof entry?.integrand === "string") : [];
  } catch {
    return [];
  }
}

/** Put an entry first; an earlier one of the same integrand gives way, but what was solved stays known. */
export function remember(entry) {
  const entries = loadHistory();
  const earlier = entries.find((each) => each.integrand === entry.integrand);
  const merged = { ...entry, solution: entry.solution ?? earlier?.solution };
  const others = entries.filter((each) => each !== earlier);
  write(HISTORY, JSON.stringify([merged, ...others].slice(0, LONGEST)));
}

export function forgetHistory() {
  write(HISTORY, "[]");
}

function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not remembered.
  }
}
