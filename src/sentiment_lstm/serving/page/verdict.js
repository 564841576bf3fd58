// The verdict: the label in words, the probability of each class, and notes on uncertainty.

import { byId, capitalized, element, percent } from "./dom.js";
import { kindOf, markOf } from "./classes.js";

// An empty text has no score. If a text may have several labels, each has a threshold of its own.
export const isUnsure = (reading, threshold) => !reading.labels && reading.score !== null && reading.score < threshold;
const isUnfamiliar = ({ familiarity }) => typeof familiarity === "number" && familiarity < 0.5;

// The verdict in one sentence, for the live region and for the tests.
export function spoken(reading, threshold) {
  const { label, score } = reading;
  if (label === null) return score === null ? "No text." : "No label.";
  const sentence = isUnsure(reading, threshold)
    ? `Not sure. ${capitalized(label)} is likeliest, ${percent(score)}.`
    : `${capitalized(label)}, ${percent(score)}.`;
  return isUnfamiliar(reading) ? `${sentence} The text is unfamiliar.` : sentence;
}

// Shows a reading, or one step of it: {label, score, probabilities, classes, familiarity}.
export function showVerdict(reading, threshold) {
  const { label, score, classes } = reading;
  const unsure = isUnsure(reading, threshold);
  const card = byId("verdict");
  card.dataset.kind = label === null ? "none" : unsure ? "unsure" : kindOf(label, classes);
  byId("mark").textContent = label === null ? "" : unsure ? "?" : markOf(label, classes);
  byId("label").textContent = label === null ? (score === null ? "No text" : "No label") : unsure ? "Not sure" : capitalized(label);
  byId("score").textContent = label === null ? "" : percent(score);
  byId("meaning").textContent = meaning(reading, unsure);
  byId("unfamiliar").hidden = !isUnfamiliar(reading);
  byId("meaning").hidden = isUnfamiliar(reading);
  showBars(reading, threshold);
}

function meaning({ label, score }, unsure) {
  if (label === null && score !== null) return "No label reaches its threshold.";
  if (label === null) return "Type or paste a text, or take an example.";
  if (unsure) return `${capitalized(label)} is likeliest, but below your threshold.`;
  const right = Math.min(99, Math.round(100 * score));
  return `Of 100 answers with this score, about ${right} should be right.`;
}

function showBars({ label, score, probabilities, classes }, threshold) {
  const isEmpty = score === null;
  const list = byId("classes");
  while (list.children.length > classes.length) list.lastChild.remove();
  while (list.children.length < classes.length) list.append(bar());
  classes.forEach((name, index) => {
    const row = list.children[index];
    const probability = isEmpty ? 0 : probabilities[index];
    row.className = `class ${kindOf(name, classes)}${name === label ? " likeliest" : ""}`;
    row.querySelector(".mark").textContent = markOf(name, classes);
    row.querySelector(".word").textContent = name;
    row.querySelector(".value").textContent = isEmpty ? "–" : percent(probability);
    row.querySelector(".fill").style.setProperty("--fraction", probability);
    row.querySelector(".bar").style.setProperty("--threshold", threshold);
  });
}

function bar() {
  return element(
    "li",
    {},
    element("span", { class: "name" }, element("span", { class: "mark", "aria-hidden": "true" }), " ", element("span", { class: "word" })),
    element("span", { class: "bar", "aria-hidden": "true" }, element("span", { class: "fill" })),
    element("span", { class: "value" }),
  );
}
