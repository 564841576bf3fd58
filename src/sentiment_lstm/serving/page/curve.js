// The picture of a reading: the running verdict as a curve with its turning points, the words on
// its axis, and the forget gate under it.

import { capitalized, percent, svg } from "./dom.js";
import { kindOf, markOf, valueOf } from "./classes.js";
import { turningPoints, wordAt, wordsOf } from "./reading.js";

const TOP = 26;
const GATE = 46; // height of the forget gate's bars
const GAP = 52; // between the curve and the gate, with the names of the lower pole and of the gate
const SIDE = 2;
const SLANT = 52; // degrees
const SLANTED = 84; // height of slanted words
const LEVEL = 26; // height of words that stand level
const LETTER = 7.2; // mean width of a letter on the axis
const LONGEST = 14; // letters of a word on the axis

// Draws into `picture`, an svg element of the page. `view`: {text, steps, axis, followed, classes,
// position, width}. Returns where the steps stand: the left edge of the first, the width of each.
export function drawCurve(picture, view) {
  const layout = layoutOf(view);
  const { width, height } = layout;
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("height", height);
  picture.replaceChildren(
    gradient(layout),
    guides(view, layout),
    frame(view, layout),
    line(view, layout),
    gate(view, layout),
    words(view, layout),
    turns(view, layout),
    cursor(view, layout),
  );
  return { left: layout.left, slot: layout.slot };
}

// A text that may have several labels may have none so far.
const nameOf = (label) => label ?? "no label";

// Describes the picture in words, for screen readers.
export function describeCurve({ text, steps, axis, classes, followed }) {
  if (steps.length === 0) return "Empty: there is no text.";
  const words = wordsOf(steps, text);
  const settled = turningPoints(steps.map((step) => step.label));
  const last = steps.at(-1);
  const subject = axis ? "The running verdict" : `The probability of ${classes[followed]}`;
  const changes = settled.map((index) => `turns ${nameOf(steps[index].label)} at “${wordAt(words, index)}”`);
  const parts = [`starts ${nameOf(steps[0].label)}`, ...changes, `ends ${nameOf(last.label)} with ${percent(last.score)}`];
  return `${subject} over ${words.length} words: ${parts.join(", ")}.`;
}

function layoutOf({ steps, text, width, axis }) {
  const words = wordsOf(steps, text);
  const left = leftOf(words, steps.length, width);
  const slot = (width - left - SIDE) / Math.max(steps.length, 1);
  const widths = words.map((word) => Math.min(word.text.length, LONGEST) * LETTER + 8);
  const level = words.every((word, index) => widths[index] <= (word.to - word.from + 1) * slot);
  const plot = width < 560 ? 150 : 190; // height of the curve
  const gateTop = TOP + plot + GAP;
  const wordsTop = gateTop + GATE;
  const low = axis ? -1 : 0;
  return {
    width,
    words,
    left,
    level,
    slot,
    plot,
    gateTop,
    wordsTop,
    height: wordsTop + (level ? LEVEL : SLANTED),
    x: (index) => left + (index + 0.5) * slot,
    y: (value) => TOP + plot * (1 - (value - low) / (1 - low)),
  };
}

// Slanted words reach to the left, so the first ones need room there.
function leftOf(words, steps, width) {
  const slot = (width - 2 * SIDE) / Math.max(steps, 1);
  const reach = Math.cos((SLANT * Math.PI) / 180) * LETTER;
  const needs = words.slice(0, 6).map((word) => {
    return Math.min(word.text.length, LONGEST) * reach - ((word.from + word.to + 1) / 2) * slot;
  });
  return slot > 60 ? SIDE : Math.round(Math.max(SIDE, ...needs.map((need) => need + 4)));
}

function gradient({ y, plot }) {
  const stop = (offset, kind) => svg("stop", { offset, class: `stop-${kind}` });
  const paint = { id: "poles", gradientUnits: "userSpaceOnUse", x1: 0, x2: 0, y1: y(1), y2: y(1) + plot };
  const stops = [stop(0.1, "last"), stop(0.5, "middle"), stop(0.9, "first")];
  return svg("defs", {}, svg("linearGradient", paint, ...stops));
}

function frame({ axis, classes, followed }, { width, y, gateTop }) {
  const rule = (value, kind) => svg("line", { class: kind, x1: SIDE, x2: width - SIDE, y1: y(value), y2: y(value) });
  const name = (text, top, kind) => svg("text", { class: `pole ${kind}`, x: SIDE, y: top }, text);
  const low = axis ? -1 : 0;
  const upper = axis ? axis.highName : classes[followed] ?? "";
  const labels = [name(`${markOf(upper, classes)} ${upper}`, y(1) - 9, kindOf(upper, classes))];
  if (axis) labels.push(name(`${markOf(axis.lowName, classes)} ${axis.lowName}`, y(low) + 16, "first"));
  const middle = axis ? rule(0, "rule zero") : rule(0.5, "rule zero");
  const gateName = svg("text", { class: "pole gate-name", x: SIDE, y: gateTop - 8 }, "forget gate: memory kept at each word");
  return svg("g", {}, rule(1, "rule"), middle, rule(low, "rule"), ...labels, gateName);
}

function line({ steps, axis, followed, position }, { x, y }) {
  if (steps.length === 0) return svg("g");
  const points = steps.map((step, index) => [x(index), y(valueOf(step.probabilities, axis, followed))]);
  const read = points.slice(0, position);
  const group = svg("g");
  if (position < steps.length) group.append(svg("path", { class: "curve ahead", d: smooth(points) }));
  if (read.length > 0) {
    const path = smooth(read);
    const area = `${path}L${read.at(-1)[0]} ${y(0)}L${read[0][0]} ${y(0)}Z`;
    group.append(svg("path", { class: "area", d: area }), svg("path", { class: "curve", d: path }));
  }
  return group;
}

// A smooth curve through the points that stays between neighbouring points: monotone cubic
// interpolation with limited slopes (Fritsch and Carlson 1980).
function smooth(points) {
  const slopes = points.slice(1).map(([x, y], i) => (y - points[i][1]) / (x - points[i][0]));
  const tangent = (i) => {
    const [before, after] = [slopes[i - 1], slopes[i]];
    if (before === undefined || after === undefined || before * after <= 0) return 0;
    return (2 * before * after) / (before + after);
  };
  let path = `M${points[0].map(rounded).join(" ")}`;
  for (let i = 1; i < points.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const third = (x1 - x0) / 3;
    const ends = [x0 + third, y0 + third * tangent(i - 1), x1 - third, y1 - third * tangent(i), x1, y1];
    path += `C${ends.map(rounded).join(" ")}`;
  }
  return path;
}

const rounded = (number) => Math.round(10 * number) / 10;

// Bars from 0 to 1; one path, because a long text has thousands of them.
function gate({ steps, position }, { x, slot, gateTop, width }) {
  const bar = Math.max(1, Math.min(18, slot * 0.62));
  const bars = (from, to) => {
    return steps.slice(from, to).map(({ forget }, index) => {
      if (typeof forget !== "number") return "";
      const left = rounded(x(from + index) - bar / 2);
      return `M${left} ${gateTop + GATE}v${-rounded(forget * GATE)}h${rounded(bar)}V${gateTop + GATE}Z`;
    }).join("");
  };
  const base = { x1: SIDE, x2: width - SIDE, y1: gateTop + GATE, y2: gateTop + GATE };
  return svg(
    "g",
    {},
    svg("path", { class: "gate", d: bars(0, position) }),
    svg("path", { class: "gate ahead", d: bars(position, steps.length) }),
    svg("line", { class: "rule", ...base }),
  );
}

// Words under the axis. If there is no room for all, turning points and large changes come first.
function words({ steps, axis, followed, position }, { words: all, level, x, slot, wordsTop }) {
  const settled = turningPoints(steps.map((step) => step.label));
  const value = (index) => (index < 0 ? 0 : valueOf(steps[index].probabilities, axis, followed));
  const weight = (word) => {
    const isTurn = settled.some((index) => word.from <= index && index <= word.to);
    const isWord = /[\p{L}\p{N}]/u.test(word.text);
    return (isTurn ? 10 : 0) + (isWord ? Math.abs(value(word.to) - value(word.from - 1)) : -1);
  };
  const room = level ? 0 : 15;
  const chosen = [];
  const candidates = level ? all : all.filter((word) => weight(word) >= 0); // marks need room
  for (const word of [...candidates].sort((a, b) => weight(b) - weight(a))) {
    const middle = x((word.from + word.to) / 2);
    if (chosen.every((other) => Math.abs(other.middle - middle) >= room)) chosen.push({ ...word, middle });
    if (chosen.length > 400) break;
  }
  const group = svg("g");
  for (const word of chosen.sort((a, b) => a.from - b.from)) {
    const written = word.text.length > LONGEST ? `${word.text.slice(0, LONGEST - 1)}…` : word.text;
    const kinds = ["word", level ? "level" : "slanted"];
    if (weight(word) >= 9) kinds.push("turn");
    if (word.from >= position) kinds.push("ahead");
    const [left, top] = [rounded(level ? word.middle : word.middle + 3), wordsTop + (level ? 17 : 12)];
    const turn = level ? null : `rotate(-${SLANT} ${left} ${top})`;
    group.append(svg("text", { class: kinds.join(" "), x: left, y: top, transform: turn }, written));
  }
  return group;
}

// The turning points that have been read, with their place in the picture.
function turned({ steps, axis, followed, position }, { x, y }) {
  return turningPoints(steps.map((step) => step.label)).filter((index) => index < position).map((index) => {
    const { label, probabilities } = steps[index];
    return { label, left: rounded(x(index)), top: rounded(y(valueOf(probabilities, axis, followed))) };
  });
}

function guides(view, layout) {
  const lines = turned(view, layout).map(({ left, top }) => {
    return svg("line", { class: "guide", x1: left, x2: left, y1: top, y2: layout.wordsTop });
  });
  return svg("g", {}, ...lines);
}

function turns(view, layout) {
  const dots = turned(view, layout).map(({ label, left, top }) => {
    const kind = kindOf(label, view.classes);
    return svg("circle", { class: `turn ${kind}`, cx: left, cy: top, r: 5.5 }, svg("title", {}, `turns ${nameOf(label)}`));
  });
  return svg("g", {}, ...dots);
}

function cursor({ steps, axis, followed, position, classes }, { x, y, wordsTop }) {
  const index = position - 1;
  if (index < 0 || steps.length === 0) return svg("g");
  const { probabilities, label } = steps[index];
  const [left, top] = [rounded(x(index)), rounded(y(valueOf(probabilities, axis, followed)))];
  const group = svg("g", {}, svg("circle", { class: `here ${kindOf(label, classes)}`, cx: left, cy: top, r: 7 }));
  if (position < steps.length) group.prepend(svg("line", { class: "cursor", x1: left, x2: left, y1: TOP, y2: wordsTop }));
  return group;
}

// What a step shows, in words.
export function describeStep({ text, steps }, index) {
  const words = wordsOf(steps, text);
  const { label, score, forget } = steps[index];
  const gateText = typeof forget === "number" ? `, forget gate ${forget.toFixed(2)}` : "";
  return `After “${wordAt(words, index)}”: ${capitalized(nameOf(label))} ${percent(score)}${gateText}`;
}
