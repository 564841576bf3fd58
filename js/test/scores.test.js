// Scores are those of the Python package. The tests skip without `onnxruntime-web`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyWith, Classifier, load, readBundle, Reader } from "../src/index.js";
import { NAMES, folder, vectors } from "./models.js";

const ort = await import("onnxruntime-web/wasm").catch(() => null);
if (ort) ort.env.wasm.numThreads = 1;
const skip = ort ? false : "onnxruntime-web is not installed";
const CLOSE = 1e-3; // another processor may round a value of int8 in the other direction
const TEXT = "The food was great, but the service was terrible and slow.";

function near(actual, expected, tolerance, what) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, index) => {
    assert.ok(Math.abs(value - expected[index]) <= tolerance, `${what}: ${actual} ${expected}`);
  });
}

async function open(name) {
  return Classifier.open(ort, await readBundle(folder(name)));
}

for (const name of NAMES) {
  test(`${name} gives the probabilities of Python`, { skip }, async () => {
    const classifier = await open(name);
    const predictions = await classifier.classify(vectors.texts);
    const { classes, texts } = vectors.models[name];
    assert.deepEqual(classifier.classes, classes);
    predictions.forEach(({ label, probabilities, familiarity }, index) => {
      near(probabilities, texts[index].probabilities, CLOSE, vectors.texts[index]);
      assert.equal(label, texts[index].label);
      if (texts[index].familiarity) near([familiarity], [texts[index].familiarity], 1e-5, "");
    });
  });
}

test("a text is scored alone as it is in a list", { skip }, async () => {
  const classify = await load({ model: folder("default"), ort });
  const alone = await classify(TEXT);
  const [, among] = await classify(["Good.", TEXT, "word ".repeat(3000)]);
  near(alone.probabilities, among.probabilities, 1e-5, TEXT);
  assert.deepEqual(classify.classes, ["negative", "neutral", "positive"]);
});

test("a long text is read in pieces", { skip }, async () => {
  const classifier = await open("default");
  const text = "It was not bad at all. ".repeat(400);
  const reader = new Reader(classifier);
  const [whole] = await classifier.classify([text]);
  near((await reader.read(text)).probabilities, whole.probabilities, 1e-4, "pieces");
});

test("a reader sends what has changed, and ends with the score of the whole text", { skip }, async () => {
  const classifier = await open("default");
  const reader = new Reader(classifier);
  const texts = [
    "It was",
    "It was not bad",
    "It was not b\u0301ad \u{1f600}!",
    `${TEXT} `.repeat(20),
    `${TEXT} `.repeat(10) + "But " + `${TEXT} `.repeat(10),
    "  It was",
    "\u200b",
    "  ",
    "It was",
  ];
  let steps = [];
  for (const text of texts) {
    const answer = await reader.read(text);
    steps = [...steps.slice(0, answer.from), ...answer.steps];
    const [whole] = await classifier.classify([text]);
    assert.equal(answer.label, whole.label);
    near(answer.probabilities, whole.probabilities, 1e-5, text);
    if (whole.familiarity) near([answer.familiarity], [whole.familiarity], 1e-9, text);
    const characters = [...text];
    for (const { text: token, start, end, forget } of steps) {
      assert.equal(characters.slice(start, end).join(""), token);
      assert.ok(forget > 0 && forget < 1);
    }
    const fresh = await new Reader(classifier).read(text);
    assert.deepEqual(steps.map(({ text: token }) => token), fresh.steps.map(({ text: token }) => token));
    fresh.steps.forEach((step, index) => {
      near(steps[index].probabilities, step.probabilities, 1e-5, text);
      near([steps[index].forget], [step.forget], 1e-5, text);
    });
  }
});

test("texts that come at once are read one after the other", { skip }, async () => {
  const reader = new Reader(await open("default"));
  const texts = ["It was", "It was not", "It was not bad."];
  const answers = await Promise.all(texts.map((text) => reader.read(text)));
  assert.deepEqual(answers.map(({ from, steps }) => [from, steps.length]), [[0, 2], [2, 1], [3, 2]]);
});

test("an edit keeps what stands before it", { skip }, async () => {
  const reader = new Reader(await open("default"));
  await reader.read("It was not bad at all.");
  const { from, steps } = await reader.read("It was not bad at last.");
  assert.equal(from, 5);
  assert.equal(steps.map(({ text }) => text).join(" "), "last .");
});

test("an explanation has the words and the phrases", { skip }, async () => {
  const classify = classifyWith(await open("default"));
  const options = { label: "positive", against: "negative" };
  const { words, phrases, score, method } = await classify.explain(TEXT, options);
  const { probabilities } = await classify(TEXT);
  assert.ok(method.length > 0);
  near([score], [probabilities[2] - probabilities[0]], 1e-5, "score");
  assert.equal(words.map(({ text }) => text).join(" "), TEXT.replace(/([,.])/g, " $1"));
  const worst = [...words].sort((a, b) => a.attribution - b.attribution)[0];
  assert.equal(worst.text, "terrible");
  assert.ok(phrases.some(({ text }) => text.includes("terrible")));
  const empty = await classify.explain(" ");
  assert.deepEqual([empty.label, empty.score, empty.words], [null, null, []]);
});

test("an empty text has no label; with several labels per text, each probability is 0", () => {
  const nothing = (multiLabel) => Classifier.prototype.nothing.call({ classes: ["a", "b"], multiLabel });
  const common = { label: null, score: null, familiarity: null, unknown: 1 };
  assert.deepEqual(nothing(false), { ...common, probabilities: [0.5, 0.5] });
  assert.deepEqual(nothing(true), { ...common, probabilities: [0, 0], labels: [], scores: [] });
});

test("an explanation has the low score of an unfamiliar text", { skip }, async () => {
  const classify = classifyWith(await open("default"));
  const unfamiliar = "xzqv wqkz pqrz";
  const { score, words, completeness_error } = await classify.explain(unfamiliar);
  const prediction = await classify(unfamiliar);
  assert.ok(prediction.familiarity < 0.5);
  near([score], [prediction.score], 1e-5, "score");
  assert.ok(words.every(({ attribution }) => Math.abs(attribution) < 0.1));
  assert.ok(completeness_error < 1e-6);
});

test("wrong arguments are refused with a sentence", { skip }, async () => {
  const classify = classifyWith(await open("tiny"));
  await assert.rejects(classify([1]), /every text to be a string, found number at 0/);
  await assert.rejects(classify(7), /a list of texts/);
  await assert.rejects(classify("a", { abstainBelow: 1 }), /abstainBelow/);
  await assert.rejects(classify.explain("a", { label: "bad" }), /a class among negative, positive/);
  assert.equal((await classify("good", { abstainBelow: 0.9999 })).label, null);
});

test("a bundle without a graph is one sentence", async () => {
  const read = async (url) => new TextEncoder().encode(url.href.endsWith("config.json") ? '{"graphs": []}' : "{}");
  const message = /^Error: Expected a graph in .*, found none: add one with `sentiment-lstm export --only int8`\.$/;
  await assert.rejects(readBundle("https://films.example/mine", read), message);
});

test("a folder without a bundle is one sentence", async () => {
  const folder = new URL("./nothing/", import.meta.url);
  await assert.rejects(readBundle(folder), /^Error: Expected .*nothing.*, found no such file\./);
});
