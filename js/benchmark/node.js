// Measures the package in node, and the package `sentiment` (AFINN) on the same reviews:
// `node node.js MODEL TEXTS.json [onnxruntime-node's folder]` prints JSON. TEXTS.json holds `reviews` and `long`.
import { readFileSync } from "node:fs";
import { load } from "../src/index.js";
import { measure } from "./measure.js";

const [model, file, native] = process.argv.slice(2);
const { reviews, long } = JSON.parse(readFileSync(file, "utf-8"));
const ort = native ? (await import(`${native}/dist/index.js`)).default : undefined;
let started = performance.now();
const classify = await load({ model, ort });
await classify(reviews[0]);
const first = performance.now() - started;
const reader = classify.reader();
const engine = { classify, read: (text) => reader.read(text) };
const results = { first_answer_ms: first, ...(await measure(engine, reviews, long)) };
const { default: Sentiment } = await import("sentiment");
const sentiment = new Sentiment();
started = performance.now();
const scores = reviews.map((review) => sentiment.analyze(review).score);
const seconds = (performance.now() - started) / 1000;
const afinn = { scores, reviews_per_second: reviews.length / seconds };
console.log(JSON.stringify({ ...results, afinn }));
