// The section that scores a file: choosing it, progress, the distribution, the rows, the download.

import { byId, capitalized, count, element, percent, plural } from "./dom.js";
import { kindOf, markOf } from "./classes.js";
import { decoded, named, tableOf, textColumn } from "./csv.js";
import { countsOf, groupOf, scoreAll, scoresAsCsv } from "./scoring.js";

const LARGEST = 100_000_000; // bytes
const SHOWN = 50; // rows of the table
const PAUSE = 300; // ms between two countings of all rows while they are scored

export class Files {
  // `threshold()` gives the user's threshold; `onText(text)` shows a row's text in the editor.
  constructor({ engine, threshold, onText, tell }) {
    Object.assign(this, { engine, threshold, onText, tell, job: null, counted: 0 });
    byId("file").onchange = (event) => this.open(event.target.files[0]);
    byId("column").onchange = (event) => this.#start(this.job.table, Number(event.target.value));
    byId("named").onchange = (event) => this.#rename(event.target.checked);
    byId("stop").onclick = () => this.stop();
    byId("download").onclick = () => this.#download();
    this.#acceptDrops();
  }

  // Stops the scoring, for instance because the model changes.
  stop() {
    this.job?.abort.abort();
  }

  #acceptDrops() {
    const holdsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    let depth = 0; // dragging over a child leaves its parent
    const hover = (change) => {
      depth = Math.max(0, depth + change);
      document.body.classList.toggle("dragging", depth > 0);
    };
    addEventListener("dragenter", (event) => holdsFile(event) && hover(1));
    addEventListener("dragleave", (event) => holdsFile(event) && hover(-1));
    addEventListener("dragover", (event) => holdsFile(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      hover(-depth);
      this.open(event.dataTransfer.files[0]);
      byId("files").scrollIntoView({ block: "start" });
    });
  }

  async open(file) {
    if (!file) return;
    byId("file").value = "";
    this.job?.abort.abort();
    try {
      if (file.size > LARGEST) {
        throw new Error(`Expected a file of at most 100 MB, found ${Math.round(file.size / 1e6)} MB: use “sentiment-lstm predict --input”.`);
      }
      const bytes = await file.arrayBuffer();
      if (new Uint8Array(bytes, 0, Math.min(4, bytes.byteLength)).join() === "80,75,3,4") {
        throw new Error("Expected a text file, found a workbook or archive: save it as CSV.");
      }
      const table = tableOf(file.name, decoded(bytes));
      if (table.rows.length === 0) throw new Error(`Expected rows in ${file.name}, found none.`);
      this.#start({ ...table, name: file.name }, textColumn(table));
    } catch (error) {
      this.#fail(error);
    }
  }

  #rename(asNames) {
    const { table } = this.job;
    const other = named({ rows: table.raw, separator: table.separator }, asNames);
    this.#start({ ...table, ...other }, textColumn(other));
  }

  async #start(table, column) {
    this.job?.abort.abort();
    const classes = [...(this.engine.info.classes ?? [])]; // the user may choose another model later
    const job = { table, column, classes, results: [], abort: new AbortController(), filter: null, started: performance.now() };
    this.job = job;
    this.#showFile(job);
    this.#showProgress("running");
    const texts = table.rows.map((row) => row[column] ?? "");
    try {
      await scoreAll(this.engine, texts, {
        signal: job.abort.signal,
        onRows: (results) => {
          job.results.push(...results);
          this.#showProgress("running");
        },
      });
      if (this.job === job) this.#finish();
    } catch (error) {
      if (this.job !== job) return;
      if (job.abort.signal.aborted) this.#showProgress("stopped");
      else this.#fail(error);
    }
  }

  #finish() {
    this.#showProgress("done");
    this.tell(`${plural(this.job.results.length, "row")} scored.`);
  }

  #fail(error) {
    byId("file-error").textContent = error.message;
    byId("file-error").hidden = false;
    byId("stop").hidden = true;
    this.tell(error.message);
  }

  #showFile({ table, column }) {
    byId("file-error").hidden = true;
    byId("job").hidden = false;
    byId("file-name").textContent = table.name;
    byId("file-rows").textContent = plural(table.rows.length, "row");
    const options = table.columns.map((name, index) => element("option", { value: index, selected: index === column }, name));
    byId("column").replaceChildren(...options);
    byId("column-field").hidden = table.columns.length < 2;
    byId("named").checked = table.named;
    byId("named-field").hidden = !/\.(csv|tsv)$/i.test(table.name);
  }

  #showProgress(state) {
    const { results, table, started } = this.job;
    const [read, all] = [results.length, table.rows.length];
    const bar = byId("progress");
    [bar.max, bar.value] = [all, read];
    const rate = read / ((performance.now() - started) / 1000);
    const left = read > 0 ? `, about ${plural(Math.ceil((all - read) / rate), "second")} left` : "";
    const texts = {
      running: `${count(read)} of ${plural(all, "row")}${left}`,
      stopped: `Stopped after ${count(read)} of ${plural(all, "row")}`,
      done: `${plural(all, "row")} scored, ${count(Math.round(rate))} a second`,
    };
    byId("progress-text").textContent = texts[state];
    byId("job").dataset.state = state;
    byId("stop").hidden = state !== "running";
    byId("download").disabled = read === 0 || state === "running";
    if (state === "running" && read > 0 && performance.now() - this.counted < PAUSE) return;
    this.counted = performance.now();
    this.refresh();
  }

  // Shows the distribution and the rows again, after new results or another threshold.
  refresh() {
    if (!this.job || this.job.results.length === 0) {
      byId("distribution").replaceChildren();
      byId("rows").replaceChildren();
      return;
    }
    const classes = this.#classes();
    const counts = countsOf(this.job.results, classes, this.threshold());
    const groups = [...counts].filter(([group, number]) => number > 0 || typeof group === "number");
    const rows = groups.map(([group, number]) => this.#groupRow(group, number, classes));
    const hadFocus = document.activeElement?.dataset?.group;
    byId("distribution").replaceChildren(...rows);
    if (hadFocus) byId("distribution").querySelector(`[data-group="${hadFocus}"]`)?.focus();
    this.#showRows(classes);
  }

  // The classes of the model that scored the rows; else the labels of the results.
  #classes() {
    if (this.job.classes.length > 0) return this.job.classes;
    return [...new Set(this.job.results.map((result) => result.label))].filter((label) => label !== null);
  }

  #groupRow(group, number, classes) {
    const isClass = typeof group === "number";
    const name = isClass ? classes[group] : { unsure: "not sure", none: "no label" }[group];
    const mark = isClass ? markOf(name, classes) : { unsure: "?", none: "–" }[group];
    const fraction = number / this.job.results.length;
    const fill = element("span", { class: "fill" });
    fill.style.setProperty("--fraction", fraction);
    const toggle = () => {
      this.job.filter = this.job.filter === group ? null : group;
      this.refresh();
    };
    const button = element(
      "button",
      { type: "button", "aria-pressed": String(this.job.filter === group), "data-group": group, title: "Show only these rows", onclick: toggle },
      element("span", { class: "name" }, element("span", { class: "mark", "aria-hidden": "true" }, mark), ` ${name}`),
      element("span", { class: "bar", "aria-hidden": "true" }, fill),
      element("span", { class: "value" }, `${count(number)} `, element("span", { class: "quiet" }, percent(fraction))),
    );
    return element("li", { class: `class ${isClass ? kindOf(name, classes) : "middle"}` }, button);
  }

  #showRows(classes) {
    const { results, table, column, filter } = this.job;
    const rows = [];
    for (let index = 0; index < results.length && rows.length < SHOWN; index += 1) {
      const group = groupOf(results[index], classes, this.threshold());
      if (filter !== null && filter !== group) continue;
      rows.push(this.#row(index, table.rows[index][column] ?? "", results[index], group, classes));
    }
    byId("rows").replaceChildren(...rows);
    const name = filter === null ? "rows" : typeof filter === "number" ? `rows with “${classes[filter]}”` : filter === "unsure" ? "rows below the threshold" : "rows without a label";
    byId("rows-caption").textContent = `First ${rows.length} ${name}. Choose a text to see how it is read.`;
  }

  #row(index, text, { label, score, error }, group, classes) {
    const short = text.length > 180 ? `${text.slice(0, 179)}…` : text;
    const button = element("button", { type: "button", class: "as-text", onclick: () => this.onText(text) }, short.trim() || "(empty)");
    const verdict = group === "none" ? (error ?? "–") : group === "unsure" ? `? ${label}` : `${markOf(label, classes)} ${capitalized(label)}`;
    return element(
      "tr",
      { class: group === "none" || group === "unsure" ? "middle" : kindOf(label, classes) },
      element("td", { class: "number" }, count(index + 1)),
      element("td", { class: "text" }, button),
      element("td", { class: "label" }, verdict),
      element("td", { class: "number" }, typeof score === "number" ? percent(score) : ""),
    );
  }

  #download() {
    const { table, results } = this.job;
    const text = scoresAsCsv(table, results, this.#classes(), this.threshold());
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    const name = `${table.name.replace(/\.[^.]+$/, "")}.scores.csv`;
    const link = element("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}
