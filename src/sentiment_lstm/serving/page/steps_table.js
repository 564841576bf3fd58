// The reading as a table: each word with the verdict after it.

import { byId, element, percent } from "./dom.js";

export function showTable({ steps, classes }) {
  const names = ["word", ...classes, "forget gate"];
  byId("steps-names").replaceChildren(...names.map((name) => element("th", { scope: "col" }, name)));
  const rows = steps.map(({ text, probabilities, forget }) => {
    const gate = typeof forget === "number" ? forget.toFixed(2) : "–";
    const cells = [...probabilities.map(percent), gate].map((cell) => element("td", { class: "number" }, cell));
    return element("tr", {}, element("th", { scope: "row" }, text), ...cells);
  });
  byId("steps").replaceChildren(...rows);
}
