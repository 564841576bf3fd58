// Scores texts with the JavaScript package: `node score.mjs MODEL TEXTS.json` prints JSON.
import { readFileSync } from "node:fs";
import { Classifier, Reader, readBundle } from "../../js/src/index.js";

const [model, texts] = process.argv.slice(2);
const ort = await import("../../js/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
ort.env.wasm.numThreads = 1;
const classifier = await Classifier.open(ort, await readBundle(model));
const reader = classifier.network.carries ? new Reader(classifier) : null;
const list = JSON.parse(readFileSync(texts, "utf-8"));
const predictions = await classifier.classify(list);
const readings = [];
for (const text of reader ? list.slice(0, 20) : []) readings.push(await reader.read(text));
const ids = list.map((text) => classifier.tokenizer.encode(text).ids);
console.log(JSON.stringify({ classes: classifier.classes, predictions, readings, ids }));
