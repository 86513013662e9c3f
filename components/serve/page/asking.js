// The server's two endpoints. A newer question of the same kind makes an older one's answer unwanted.

/** A refusal or failure; `position` is where in the integrand the reader stopped, or null. */
export class Refusal extends Error {
  constructor(message, position = null) {
    super(message);
    this.position = position;
  }
}

export async function fetchAbout() {
  return receive(await fetch("/page/about"));
}

/** Asks one question at a time: a new one aborts the one under way, which then throws an AbortError. */
export class Asker {
  #controller = null;

  async ask(question) {
    this.stop();
    const controller = new AbortController();
    this.#controller = controller;
    const body = JSON.stringify(question);
    try {
      const response = await fetch("/page/answer", { method: "POST", body, signal: controller.signal });
      return await receive(response);
    } catch (error) {
      if (error instanceof Refusal || error.name === "AbortError") throw error;
      throw new Refusal("The server cannot be reached. Is it still running?");
    }
  }

  stop() {
    this.#controller?.abort();
    this.#controller = null;
  }
}

async function receive(response) {
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw new Refusal(content.error ?? `The server answered ${response.status}.`, content.position ?? null);
}
