// Scores the texts of a file in chunks, counts the answers and writes the table of the scores.

import { written } from "./csv.js";
import { isUnsure } from "./verdict.js";

const FIRST = 32; // texts of the first chunk, so that the first scores come soon
const MOST = 256; // texts of the other chunks
const LETTERS = 200_000; // of a chunk

function* chunksOf(texts) {
  let chunk = [];
  let letters = 0;
  let most = FIRST;
  for (const text of texts) {
    if (chunk.length === most || (chunk.length > 0 && letters + text.length > LETTERS)) {
      yield chunk;
      [chunk, letters, most] = [[], 0, MOST];
    }
    chunk.push(text);
    letters += text.length;
  }
  if (chunk.length > 0) yield chunk;
}

// Scores all texts; `onRows` gets each chunk's results, in order.
export async function scoreAll(engine, texts, { signal, onRows }) {
  for (const chunk of chunksOf(texts)) {
    signal.throwIfAborted();
    const results = await engine.classify(chunk, { signal });
    signal.throwIfAborted();
    onRows(results);
  }
}

// What a result counts as: an index in `classes`, "unsure", or "none" if it has no label.
export function groupOf(result, classes, threshold) {
  if (result.label === null || result.label === undefined) return "none";
  return isUnsure(result, threshold) ? "unsure" : classes.indexOf(result.label);
}

// How many results each group has.
export function countsOf(results, classes, threshold) {
  const counts = new Map([...classes.keys(), "unsure", "none"].map((group) => [group, 0]));
  for (const result of results) {
    const group = groupOf(result, classes, threshold);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}

// The CSV of the scored rows: all columns of the file, the label (empty below the threshold), its
// score, and the probability of each class.
export function scoresAsCsv({ columns, rows }, results, classes, threshold) {
  const added = ["predicted_label", "predicted_score", ...classes.map((name) => `probability_${name}`)];
  const header = [...columns, ...added.map((name) => unused(name, columns))];
  const number = (value) => (typeof value === "number" ? Number(value.toFixed(4)) : "");
  const lines = results.map((result, index) => {
    const sure = typeof groupOf(result, classes, threshold) === "number";
    const probabilities = classes.map((_, place) => number(result.label === null ? "" : result.probabilities?.[place]));
    const cells = columns.map((_, place) => rows[index][place] ?? "");
    const label = result.labels?.join("|") ?? result.label; // as `predict` joins several labels
    return [...cells, sure ? label : "", number(result.score), ...probabilities];
  });
  return `\ufeff${written([header, ...lines])}`; // the mark tells spreadsheets that it is UTF-8
}

function unused(name, columns) {
  return columns.includes(name) ? unused(`${name}_new`, columns) : name;
}
