// The engine of the page without a server: a model in a worker of the browser.

/**
 * Opens the engine.
 * @param {import("./engine.js").EngineOptions} options
 * @returns {Promise<import("./engine.js").Engine>}
 */
export async function openEngine({ name = "", model, packed, runtime, bytes, onStatus = () => {} }) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const calls = new Calls(worker);
  let received = 0;
  const onBytes = (more) => {
    received += more;
    onStatus({ state: "loading", fraction: bytes ? Math.min(1, received / bytes) : 0 });
  };
  onStatus({ state: "loading", fraction: 0 });
  try {
    const settings = { model: new URL(model, location.href).href, packed, runtime };
    const { classes, languages } = await calls.call("open", [settings], { onBytes });
    return {
      info: { name, classes, languages },
      read: (text) => calls.call("read", [text]),
      explain: (text, { label = null, against = null, signal } = {}) =>
        calls.call("explain", [text, { label, against }], { signal }),
      classify: (texts, { signal } = {}) => calls.call("classify", [texts], { signal }),
      close: () => worker.terminate(),
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Calls methods of a worker. */
class Calls {
  constructor(worker) {
    this.worker = worker;
    this.waiting = new Map();
    this.count = 0;
    worker.onmessage = ({ data }) => this.receive(data);
    worker.onerror = (event) => this.fail(event.message ?? "its module could not be loaded");
  }

  call(method, values, { signal, onBytes } = {}) {
    signal?.throwIfAborted();
    const id = this.count++;
    return new Promise((resolve, reject) => {
      const stop = () => {
        if (!this.waiting.delete(id)) return;
        this.worker.postMessage({ id, stop: true });
        reject(signal.reason);
      };
      const settled = () => signal?.removeEventListener("abort", stop); // a file has many calls
      signal?.addEventListener("abort", stop, { once: true });
      this.waiting.set(id, {
        onBytes,
        resolve: (value) => (settled(), resolve(value)),
        reject: (error) => (settled(), reject(error)),
      });
      this.worker.postMessage({ id, method, values });
    });
  }

  receive({ id, value, error, type, bytes }) {
    const call = this.waiting.get(id);
    if (!call) return;
    if (bytes !== undefined) {
      call.onBytes?.(bytes);
      return;
    }
    this.waiting.delete(id);
    if (error === undefined) call.resolve(value);
    else call.reject(Object.assign(new Error(error), { type }));
  }

  fail(message) {
    for (const { reject } of this.waiting.values()) reject(new Error(`The model stopped: ${message}`));
    this.waiting.clear();
  }
}
