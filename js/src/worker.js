// Scores texts in a worker, so that they do not block the page. `engine_browser.js` talks to it.
import { Classifier } from "./classifier.js";
import { downloader, keepOnly } from "./download.js";
import { explain } from "./explain.js";
import { readBundle } from "./files.js";
import { Reader } from "./reader.js";
import { openRuntime } from "./runtime.js";

// Most tokens of a batch. A typed text waits until the current batch has been read.
const EXPLAINED = 1000;
const CLASSIFIED = 2000;

let classifier;
let reader;
const stopped = new Set();

const METHODS = {
  open: async (id, settings) => {
    classifier = await open(settings, (bytes) => postMessage({ id, bytes }));
    await classifier.classify(["A first text."]); // the first one takes longer
    const { classes, languages } = classifier;
    return { classes, languages };
  },
  read: (_, text) => (reader ??= new Reader(classifier)).read(text),
  explain: (id, text, options) => {
    return explain(classifier, text, { ...options, scoring: scoring(id, EXPLAINED) });
  },
  classify: (id, texts) => classifier.classify(texts, { scoring: scoring(id, CLASSIFIED) }),
};

onmessage = async ({ data: { id, method, values, stop } }) => {
  if (stop) {
    stopped.add(id);
    return;
  }
  try {
    postMessage({ id, value: await METHODS[method](id, ...values) });
  } catch (error) {
    postMessage({ id, error: error.message, type: error.type });
  } finally {
    stopped.delete(id);
  }
};

/** Opens the model. */
async function open({ model, packed, runtime }, onBytes) {
  const read = downloader({ packed, onBytes });
  const [ort, files] = await Promise.all([openRuntime(runtime, read), readBundle(model, read)]);
  const opened = await Classifier.open(ort, files);
  if (runtime) keepOnly([model, runtime.folder]);
  return opened;
}

/** Lets other messages in between two batches, and stops when the page says so. */
function scoring(id, batchTokens) {
  const between = async () => {
    await nextTask();
    if (stopped.has(id)) throw new Error("Stopped.");
  };
  return { batchTokens, between };
}

/** Waits for the messages that have come. A timer would wait longer. */
function nextTask() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
