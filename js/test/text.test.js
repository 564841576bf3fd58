// Tokens and features are those of the Python package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Merges } from "../src/bpe.js";
import { isEmpty, partsOf } from "../src/cleaning.js";
import { hashesOf } from "../src/hashing.js";
import { Spelling } from "../src/spelling.js";
import { Tokenizer } from "../src/tokenizer.js";
import { NAMES, folder, json, vectors } from "./models.js";

function tokenizerOf(name) {
  const { text } = json(new URL("config.json", folder(name)));
  const file = json(new URL("tokenizer.json", folder(name)));
  return new Tokenizer(file, { correctSlips: text.correct_slips });
}

for (const name of NAMES) {
  test(`${name} gets the ids and spans of Python`, () => {
    const tokenizer = tokenizerOf(name);
    vectors.texts.forEach((text, index) => {
      const { ids, starts, ends } = tokenizer.encode(text);
      const spans = starts.flatMap((start, token) => [start, ends[token]]);
      const expected = vectors.models[name].texts[index];
      assert.deepEqual({ text, ids, spans }, { text, ids: expected.ids, spans: expected.spans });
    });
  });
}

test("features have the hashes of Python", () => {
  for (const { words, hashes } of vectors.features) assert.deepEqual(hashesOf(words).hashes, hashes);
});

test("a text without white space is one part, and tags separate parts", () => {
  const texts = partsOf("a<br/>b c").map(({ text, start }) => [text, start]);
  assert.deepEqual(texts, [["a", 0], ["b", 6], ["c", 8]]);
});

test("a text of white space is empty, one of invisible characters is not", () => {
  assert.ok(isEmpty("") && isEmpty(" \u3000\u0085\n"));
  assert.ok(!isEmpty("\u200b"));
});

test("merges go on with the first learnt pair, the leftmost first", () => {
  const vocabulary = new Map(["<pad>", "<unk>", "a", "b", "ab", "aa", "aab"].map((t, id) => [t, id]));
  const merges = new Merges(vocabulary, [["a", "b"], ["a", "a"], ["a", "ab"]], 1);
  assert.deepEqual(merges.of("aab"), { ids: [6], lengths: [3] });
  assert.deepEqual(merges.of("aaa?"), { ids: [5, 2, 1], lengths: [2, 1, 1] });
});

test("a slip is one inner letter that is missing, doubled or swapped", () => {
  const spelling = new Spelling(["<pad>", "<unk>", "performance", "short"], "");
  const slips = ["perfomance", "perfoormance", "perfromance", "PERFROMANCE", "performance"];
  for (const slip of slips) assert.equal(spelling.meant(slip), 2, slip);
  for (const other of ["erformance", "performanc", "perrfoormance", "sohrt", "p\u00e9rfromance"]) {
    assert.equal(spelling.meant(other), undefined, other);
  }
});

test("the keys of a pipeline may stand in another order, and other steps are refused", () => {
  const file = json(new URL("tokenizer.json", folder("tiny")));
  file.pre_tokenizer = Object.fromEntries(Object.entries(file.pre_tokenizer).reverse());
  assert.equal(new Tokenizer(file).encode("good").ids.length, 1);
  file.normalizer.normalizers[0].pattern.Regex = "(a+)+$";
  assert.throws(() => new Tokenizer(file), /another way to clean texts/);
});

test("hostile texts take linear time", () => {
  const tokenizer = tokenizerOf("default");
  const texts = ["<", "<a", "a.", "http://a", "&lt;", "@a", "\u0301", "a\u0301", "x", "'a", "1,"];
  const started = performance.now();
  for (const text of texts) tokenizer.encode(text.repeat(50_000 / text.length));
  assert.ok(performance.now() - started < 20_000);
});
