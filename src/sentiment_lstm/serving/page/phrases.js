// The phrases that mattered, as bars to both sides; each one selects its place in the text.

import { element } from "./dom.js";
import { kindOf, markOf } from "./classes.js";

const MOST = 6;
const FAINT = 0.05; // of the strongest phrase

// The strongest phrases: {text, start, end, attribution, towards}. `towards` is the name of a
// class, or "" if the phrase speaks against the verdict, but for no single class.
export function strongest(explanation) {
  const { label, against, classes, phrases, words } = explanation;
  const parts = phrases.length > 0 ? phrases : words;
  const other = against ?? (classes.length === 2 ? classes.find((name) => name !== label) : "");
  const most = Math.max(0, ...parts.map((part) => Math.abs(part.attribution)));
  return parts
    .filter((part) => Math.abs(part.attribution) > Math.max(FAINT * most, 0.005))
    .sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution))
    .slice(0, MOST)
    .map((part) => ({
      ...part,
      towards: part.attribution > 0 ? label : other,
      fraction: Math.abs(part.attribution) / most,
    }));
}

export function showPhrases(list, explanation, onSelect) {
  const { classes, label } = explanation;
  const rows = strongest(explanation).map((phrase) => {
    const { towards } = phrase;
    const kind = towards ? kindOf(towards, classes) : "middle";
    const side = towards ? `${markOf(towards, classes)} ${towards}` : `against ${label}`;
    const fill = element("span", { class: "fill" });
    fill.style.setProperty("--fraction", phrase.fraction);
    const button = element(
      "button",
      { type: "button", title: "Select in the text", onclick: () => onSelect(phrase) },
      element("span", { class: "phrase" }, phrase.text),
      element("span", { class: "side" }, side),
      element("span", { class: "bar", "aria-hidden": "true" }, fill),
      element("span", { class: "amount" }, Math.abs(phrase.attribution).toFixed(2)),
    );
    const direction = kind === "first" || !towards ? "left" : "right";
    return element("li", { class: `${kind} ${direction}` }, button);
  });
  list.replaceChildren(...rows);
  return rows.length;
}
