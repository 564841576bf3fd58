// The package's interface: `const classify = await load(); await classify("Not bad at all.")`.
import { Classifier } from "./classifier.js";
import { explain } from "./explain.js";
import { readBundle } from "./files.js";
import { Reader } from "./reader.js";
import { openRuntime } from "./runtime.js";

export { Classifier, explain, readBundle, Reader };

const DEFAULT_MODEL = new URL("../model/", import.meta.url);

/**
 * Opens a saved model.
 * @param {object} options
 * @param {string | URL} [options.model] the folder of a bundle; the package's own by default.
 * @param {object} [options.ort] the module of ONNX Runtime; `onnxruntime-web/wasm` by default.
 * @returns {Promise<import("./index.js").Classify>}
 */
export async function load({ model = DEFAULT_MODEL, ort } = {}) {
  const [runtime, files] = await Promise.all([ort ?? openRuntime(), readBundle(model)]);
  return classifyWith(await Classifier.open(runtime, files));
}

/** Returns the function that `load` returns, from an open classifier. */
export function classifyWith(classifier) {
  const classify = async (texts, options) => {
    if (typeof texts !== "string") return classifier.classify(texts, options);
    return (await classifier.classify([texts], options))[0];
  };
  return Object.assign(classify, {
    classes: classifier.classes,
    languages: classifier.languages,
    explain: (text, options) => explain(classifier, text, options),
    reader: () => new Reader(classifier),
  });
}
