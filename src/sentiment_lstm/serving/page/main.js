// Starts the page: opens the engine, follows the text, and shows each reading everywhere.

import { byId, element, percent, plural, prefersStill } from "./dom.js";
import { showCard } from "./card.js";
import { axisOf } from "./classes.js";
import { Editor, showLegend } from "./editor.js";
import { EXAMPLES } from "./examples.js";
import { Files } from "./files.js";
import { showPhrases } from "./phrases.js";
import { Picture } from "./picture.js";
import { merged, placed, shifted, unitsOf } from "./reading.js";
import { Replay } from "./replay.js";
import { keepThreshold, keptThreshold } from "./threshold.js";
import { showVerdict, spoken } from "./verdict.js";

const EXPLAIN_AFTER = 350; // ms without typing; more for long texts, which take longer to explain
const MS_PER_TOKEN = 3;
const TELL_AFTER = 900;

const editor = new Editor(byId("text"), byId("mirror"));
const nothing = { label: null, score: null, probabilities: [], classes: [], familiarity: null };
// `steps` count code points, as the engine does. `placed` are the same steps in UTF-16 units; they
// are moved with an edit until the engine has read it.
// `position`: how many steps are shown.
const page = { text: "", steps: [], placed: [], reading: nothing, position: 0, threshold: 0.6 };
let engine = null;
let files = null;
let isFirst = true;
let busy = false;
let wanted = "";
let animated = false; // replay the next reading
let explaining = new AbortController();
const timers = {};
const picture = new Picture(view);
const replay = new Replay({
  onStep: setPosition,
  onChange: (isPlaying) => (byId("replay-text").textContent = isPlaying ? "Stop" : "Replay"),
});

function later(name, milliseconds, action) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, milliseconds);
}

// The view that the pictures draw.
function view() {
  const { classes, label } = page.reading;
  const followed = Math.max(0, classes.indexOf(label));
  return { text: editor.text, steps: page.placed, axis: axisOf(classes), followed, classes, position: page.position };
}

// --- The text and its reading -------------------------------------------------------------------

function onInput() {
  replay.stop();
  animated = false;
  wanted = editor.text;
  page.placed = shifted(page.placed, page.text, wanted);
  page.text = wanted;
  page.position = page.placed.length;
  editor.paint(view());
  byId("notice").hidden = true;
  if (wanted.length >= editor.field.maxLength) showNotice("The field holds at most 50,000 characters. The rest is left out.");
  follow();
}

// Reads the newest text until the reading is up to date: at most one text is on its way.
async function follow() {
  if (busy || !engine) return;
  busy = true;
  let read = null;
  while (read !== wanted) {
    const started = performance.now();
    read = wanted;
    try {
      const answer = await readPatiently(read);
      if (answer === null) read = null; // the model changed, or there is a newer text
      else take(read, answer, performance.now() - started);
    } catch (error) {
      Object.assign(page, { placed: [], position: 0, reading: nothing });
      show();
      showNotice(error.message);
    }
  }
  if (animated && !prefersStill()) replay.play(page.placed.length);
  animated = false;
  busy = false;
}

// A model that reads in both directions gives a verdict on the whole text and no steps.
async function readWhole(text, error) {
  const [whole] = await engine.classify([text]);
  if (whole.error) throw error;
  showNotice(error.message);
  return { from: 0, steps: [], classes: engine.info.classes, familiarity: null, ...whole };
}

// Tries again if the engine is busy. Returns null if there is a newer text by then.
async function readPatiently(text) {
  try {
    return await engine.read(text);
  } catch (error) {
    if (error.type === "Validation") return readWhole(text, error);
    if (error.type !== "Overloaded") throw error;
    showNotice("The server is busy. Trying again.", { passing: true });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return wanted === text ? readPatiently(text) : null;
  }
}

function take(text, answer, milliseconds) {
  if (byId("notice").dataset.passing) byId("notice").hidden = true;
  page.steps = merged(page.steps, answer);
  page.reading = answer;
  page.text = editor.text;
  page.placed = shifted(placed(page.steps, text), text, page.text);
  page.position = page.placed.length;
  if (engine.info.classes?.length !== answer.classes.length) engine.info.classes = answer.classes;
  showFacts(milliseconds);
  show();
  later("explain", EXPLAIN_AFTER + MS_PER_TOKEN * page.steps.length, explain);
  later("tell", TELL_AFTER, () => tell(spoken(page.reading, page.threshold)));
}

// Shows the time from the key to the answer. The first time is left out: it includes the connection.
function showFacts(milliseconds) {
  const speed = `, answered in ${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
  const tokens = page.steps.length;
  byId("facts").textContent = tokens === 0 ? "" : `${plural(tokens, "token")}${isFirst ? "" : speed}`;
  isFirst = false;
}

function show() {
  const now = view();
  editor.paint(now);
  showLegend({ ...now, classes: now.steps.length > 0 ? now.classes : [] });
  picture.show();
  const atEnd = page.position >= page.placed.length;
  const step = now.steps[page.position - 1];
  const reading = atEnd || !step ? page.reading : { ...step, classes: now.classes, familiarity: null, labels: page.reading.labels };
  byId("so-far").hidden = atEnd;
  showVerdict(reading, page.threshold);
}

function tell(sentence) {
  byId("live").textContent = sentence;
}

// A passing notice ends with the next answer, any other with the next key.
function showNotice(sentence, { passing = false } = {}) {
  byId("notice").dataset.passing = passing ? "yes" : "";
  byId("notice").textContent = sentence;
  byId("notice").hidden = false;
}

// --- The replay -----------------------------------------------------------------------------------

function setPosition(position) {
  page.position = Math.min(position, page.placed.length);
  show();
}

function scrub(event) {
  if (page.placed.length === 0) return;
  replay.stop();
  setPosition(picture.stepsUpTo(event));
}

// --- The phrases --------------------------------------------------------------------------------

async function explain() {
  explaining.abort();
  const { text, reading } = page;
  const note = byId("phrases-note");
  if (reading.score === null || !engine.explain) {
    byId("phrases").replaceChildren();
    note.textContent = reading.score === null ? "They appear when you stop typing." : "";
    return;
  }
  explaining = new AbortController();
  const { signal } = explaining;
  // With an axis, the phrases are explained between its two ends, whatever the verdict is.
  const axis = axisOf(reading.classes);
  const sides = axis ? { label: axis.highName, against: axis.lowName } : {};
  try {
    const explanation = await engine.explain(text, { ...sides, signal });
    if (signal.aborted || text !== editor.text) return;
    const units = unitsOf(text);
    const select = ({ start, end }) => editor.select(units(start), units(end));
    const shown = showPhrases(byId("phrases"), explanation, select);
    note.textContent = shown ? "A longer bar means a stronger effect. Choose a phrase to select it in the text." : "No phrase moved the verdict much.";
  } catch (error) {
    if (signal.aborted) return;
    byId("phrases").replaceChildren();
    note.textContent = error.message;
    if (error.retryAfter) later("explain", 1000 * error.retryAfter, explain);
  }
}

// --- Everything around --------------------------------------------------------------------------

function setText(text, { replayed = false } = {}) {
  editor.field.value = text;
  onInput();
  animated = replayed;
}

function setThreshold(threshold) {
  page.threshold = threshold;
  byId("threshold").value = threshold;
  byId("threshold-value").textContent = `${Math.round(100 * threshold)}%`;
  show();
  files?.refresh();
}

function onStatus({ state, seconds, fraction }) {
  const texts = {
    ready: engine?.info.name ? `Model ${engine.info.name}` : "Ready",
    lost: `Server unreachable, next try in ${seconds} s`,
    loading: `Loading the model${fraction ? `: ${percent(fraction)}` : ""}`,
  };
  const before = byId("connection").dataset.state;
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = texts[state] ?? state;
  if (state === "lost" && before !== "lost") tell("The server is unreachable. Your text stays here.");
  if (state === "ready" && before === "lost") tell("The server is back.");
}

function cardAddress() {
  const address = new URL("card.md", document.baseURI);
  if (engine?.use) address.searchParams.set("model", engine.info.name);
  return address;
}

// With several models, a list chooses one. The text is read again.
function showModels() {
  const models = engine.info.models ?? [];
  byId("models-field").hidden = models.length < 2;
  const options = models.map(({ name }) => element("option", { value: name, selected: name === engine.info.name }, name));
  byId("models").replaceChildren(...options);
  byId("models").onchange = (event) => {
    files.stop();
    engine.use(event.target.value);
    Object.assign(page, { steps: [], placed: [], reading: nothing });
    onStatus({ state: "ready" });
    setText(editor.text);
  };
}

function listen() {
  editor.field.addEventListener("input", onInput);
  byId("clear").onclick = () => {
    setText("");
    editor.field.focus();
  };
  byId("replay").onclick = () => {
    if (!replay.isPlaying) return replay.play(page.placed.length);
    replay.stop();
    setPosition(Infinity);
  };
  byId("position").oninput = (event) => {
    replay.stop();
    setPosition(Number(event.target.value));
  };
  byId("curve").addEventListener("pointermove", (event) => event.pointerType === "mouse" && scrub(event));
  byId("curve").addEventListener("pointerdown", scrub);
  byId("curve").addEventListener("pointerleave", () => replay.isPlaying || setPosition(Infinity));
  byId("threshold").oninput = (event) => {
    setThreshold(Number(event.target.value));
    keepThreshold(page.threshold);
  };
  byId("show-card").onclick = () => showCard(cardAddress());
  byId("close-card").onclick = () => byId("card").close();
}

function showExamples() {
  const chips = EXAMPLES.map(({ name, text }) => {
    const button = element("button", { type: "button", class: "chip", title: text, onclick: () => setText(text, { replayed: true }) }, name);
    return element("li", {}, button);
  });
  byId("examples").replaceChildren(...chips);
}

async function openEngine() {
  const settings = await (await fetch(new URL("engine.json", document.baseURI))).json();
  const isServer = settings.engine !== "browser";
  const module = isServer ? "./engine_server.js" : new URL(settings.module, document.baseURI).href;
  byId("show-docs").hidden = !isServer;
  byId("privacy").textContent = isServer ? "The rows go to this server and nowhere else." : "The rows stay on your device.";
  const { open } = await import(module);
  return open({ onStatus });
}

async function start() {
  listen();
  showExamples();
  setThreshold(keptThreshold());
  try {
    engine = await openEngine();
  } catch (error) {
    byId("connection").dataset.state = "lost";
    byId("connection-text").textContent = "No model";
    showNotice(`The model cannot be opened: ${error.message}`);
    return;
  }
  onStatus({ state: "ready" });
  showModels();
  files = new Files({ engine, threshold: () => page.threshold, onText: showRow, tell });
  const first = editor.text || EXAMPLES[0].text; // the browser may have kept what was typed
  setText(first);
}

function showRow(text) {
  setText(text, { replayed: true });
  byId("paper").scrollIntoView({ block: "center" });
}

start();
