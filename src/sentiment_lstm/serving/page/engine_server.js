// The engine on a server: one WebSocket for the text being typed, requests for all else.

import { fetchWithKey, renewKey, subprotocols } from "./key.js";
import { merged } from "./reading.js";

const LONGEST_WAIT = 35_000; // ms until a socket without an answer is closed; the service's own deadline is shorter
const LONGEST_HANDSHAKE = 8_000;
const RETRIES = 6;
const TOO_LARGE = 1009; // the code of a closed WebSocket

class EngineError extends Error {
  constructor(message, { type = "", status = 0, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { type, status, retryAfter });
  }
}

// `onStatus` is called with {state: "ready"}, or with {state: "lost", seconds} when the server is
// gone. This engine also has `use(name)`, which changes to another model of the server.
export async function open({ onStatus = () => {} } = {}) {
  const base = new URL(".", document.baseURI);
  const info = await informationOf(base);
  const socket = new LiveSocket(base, onStatus);
  return {
    info,
    read: (text) => socket.read(text.toWellFormed()),
    explain: (text, options = {}) => explain(base, text.toWellFormed(), { model: info.name, ...options }),
    classify: (texts, { signal } = {}) => patiently(() => classify(base, texts, info.name, signal), signal),
    use: (name) => {
      Object.assign(info, info.models.find((model) => model.name === name));
      socket.use(name);
    },
  };
}

// {name, classes, models, ...} of the first model.
async function informationOf(base) {
  const info = await (await post(base, "info", { method: "GET" })).json();
  const models = info.models ?? [{ name: info.model_id, classes: [] }];
  return { ...info, models, ...models[0] };
}

async function explain(base, text, { label = null, against = null, model, signal } = {}) {
  const body = JSON.stringify({ inputs: text, label, against, model });
  return (await post(base, "explain", { body, type: "application/json", signal })).json();
}

async function classify(base, texts, model, signal) {
  const body = texts.map((text) => `${JSON.stringify({ text: text.toWellFormed() })}\n`).join("");
  const path = `batch?model=${encodeURIComponent(model)}`;
  const answer = await post(base, path, { body, type: "application/x-ndjson", signal });
  const lines = (await answer.text()).split("\n").filter((line) => line !== "");
  if (lines.length !== texts.length) {
    throw new EngineError("The server's answer ended early.", { status: 503 });
  }
  return lines.map((line) => {
    const row = JSON.parse(line);
    return row.error ? { label: null, score: null, probabilities: null, error: row.error } : row;
  });
}

async function post(base, path, { method = "POST", body, type, signal }) {
  const headers = type ? { "Content-Type": type } : {};
  const answer = await fetchWithKey(new URL(path, base), { method, body, headers, signal });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  const message = problem.error ?? `The server answered ${answer.status}.`;
  throw new EngineError(message, { type: problem.error_type, status: answer.status, retryAfter });
}

// Tries again after a while if the server is busy or gone. Any other error is final.
async function patiently(request, signal) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      const passing = [429, 503].includes(error.status) || error instanceof TypeError;
      if (signal?.aborted || !passing || attempt === RETRIES) throw error;
      await pause(1000 * (error.retryAfter ?? Math.min(2 ** attempt / 2, 8)), signal);
    }
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

// Reads texts over WS /stream. While the server is gone, the newest text waits, and the socket
// tries again after 0.5 s, 1 s, ... 8 s.
class LiveSocket {
  constructor(base, onStatus) {
    this.info = new URL("info", base);
    this.address = new URL("stream", base);
    this.address.protocol = base.protocol === "https:" ? "wss:" : "ws:";
    this.onStatus = onStatus;
    this.socket = null;
    this.waiting = null;
    this.version = 0;
    this.failures = 0;
    this.timer = null;
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  // The answer to a text, or null if a newer text overtook it.
  read(text) {
    this.waiting?.resolve(null);
    this.version += 1;
    return new Promise((resolve, reject) => {
      this.waiting = { version: this.version, text, resolve, reject };
      if (this.socket?.readyState === WebSocket.OPEN) this.send();
      else if (!this.socket && !this.timer) this.connect();
    });
  }

  // Goes on with another model, on a new connection. A text that waits has no answer.
  use(model) {
    this.waiting?.resolve(null);
    this.waiting = null;
    this.address.searchParams.set("model", model);
    if (!this.socket) return;
    clearTimeout(this.patience);
    this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  send() {
    const { version, text } = this.waiting;
    this.socket.send(JSON.stringify({ version, text }));
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.socket?.close(), LONGEST_WAIT);
  }

  connect() {
    this.timer = null;
    const socket = new WebSocket(this.address, subprotocols());
    let wasOpen = false;
    this.socket = socket;
    this.patience = setTimeout(() => socket.close(), LONGEST_HANDSHAKE);
    this.steps = []; // what the server has sent; a new connection has sent nothing
    this.from = 0; // the first step that the caller lacks
    socket.onopen = () => {
      wasOpen = true;
      clearTimeout(this.patience);
      this.failures = 0;
      this.onStatus({ state: "ready" });
      if (this.waiting) this.send();
    };
    socket.onmessage = (message) => this.receive(JSON.parse(message.data));
    socket.onclose = (event) => this.lose(event.code, wasOpen);
  }

  receive(answer) {
    if (answer.steps) {
      this.steps = merged(this.steps, answer);
      this.from = Math.min(this.from, answer.from);
    }
    if (answer.version !== this.waiting?.version) return; // overtaken
    clearTimeout(this.patience);
    const { resolve, reject } = this.waiting;
    this.waiting = null;
    if (answer.error) reject(new EngineError(answer.error, { type: answer.error_type }));
    else {
      resolve({ ...answer, from: this.from, steps: this.steps.slice(this.from) });
      this.from = this.steps.length;
    }
  }

  async lose(code, wasOpen) {
    clearTimeout(this.patience);
    if (code === TOO_LARGE) {
      this.waiting?.reject(new EngineError("The text is too long for the server.", { type: "Validation" }));
      this.waiting = null;
    }
    this.socket = null;
    const seconds = Math.min(2 ** this.failures / 2, 8);
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), 1000 * seconds);
    if (wasOpen) return; // servers close idle connections
    if (await renewKey(this.info)) this.retryNow();
    else if (this.socket?.readyState !== WebSocket.OPEN) this.onStatus({ state: "lost", seconds });
  }

  retryNow() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.connect();
  }
}
