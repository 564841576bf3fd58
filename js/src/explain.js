// Explains a score: which words of a text moved it, and how far.
//
// Leaves out each word in turn, and measures how the score changes (Li, Monroe & Jurafsky 2016,
// "Understanding Neural Networks through Representation Erasure"). In a long text other words say
// the same, so a single word changes little. So each word is left out of several contexts: the whole
// text if it is short, its sentence and its clause. The result is the mean change in log-odds.
import { isEmpty } from "./cleaning.js";
import { clausesOf, passToContentWords, phrasesOf, sentencesOf } from "./phrases.js";
import { columnsOf } from "./probabilities.js";
import { UNKNOWN_ID } from "./tokenizer.js";

const METHOD = "occlusion in contexts";
const WHOLE = 15_000; // tokens that are read at most for the context of the whole text
const MOST_WORDS = 40; // a longer sentence or clause is cut into contexts of this size
const MOST_TOKENS = 50_000;
const MOST_MOVED = 0.9; // the values on one side shrink by at most this part
const LEAST_CHANGE = 0.01; // of the log-odds; below it, the ratio of both changes is inexact
const SLOPE = 0.25; // the largest slope of a probability by its log-odds

/**
 * Returns how far the words and phrases of a text move the probability of a label.
 * @param {import("./classifier.js").Classifier} classifier
 * @param {string} text
 * @param {object} options
 * @param {string | null} [options.label] the class to explain; by default the most probable one.
 * @param {string | null} [options.against] another class to compare it with.
 * @param {object} [options.scoring] as the options of `Network.score`.
 */
export async function explain(classifier, text, { label = null, against = null, scoring } = {}) {
  if (typeof text !== "string") throw new TypeError(`Expected a text, found ${typeof text}.`);
  const { classes, tokenizer } = classifier;
  const encoded = tokenizer.encode(text);
  if (encoded.ids.length > MOST_TOKENS) {
    throw new RangeError(`Expected a text of at most ${MOST_TOKENS} tokens; give a part of it.`);
  }
  const logits = (texts) => classifier.network.score(texts, scoring);
  const [whole, nothing] = await logits([encoded, kept(encoded, [])]);
  const probabilities = classifier.calibrated(whole);
  const named = label ?? classes[probabilities.indexOf(Math.max(...probabilities))];
  const target = new Target(classifier, named, against, classifier.familiarityOf(encoded.ids));
  const score = target.f(whole);
  const result = { label: named, against, score, method: METHOD, classes };
  const none = { words: [], phrases: [], completeness_error: null };
  if (isEmpty(text)) return { ...result, ...none, label: null, score: null };

  const characters = [...text];
  const groups = wordsOf(tokenizer, encoded);
  const words = groups.map((group) => written(group, encoded, characters));
  const texts = words.map((word) => word.text);
  const clauses = clausesOf(words, characters);
  const contexts = contextsOf(groups, [...sentencesOf(words, characters), ...clauses]);
  const effects = await effectsOf(logits, encoded, groups, contexts, target);
  const own = scaled(effects, target, whole, nothing);
  const values = passToContentWords(own, texts, clauses);
  const phrases = phrasesOf(texts, clauses, values).map(({ words: [first, end], attribution }) => ({
    ...written([groups[first][0], groups[end - 1][1]], encoded, characters),
    attribution,
  }));
  return {
    ...result,
    words: words.map((word, index) => ({ ...word, attribution: values[index] })),
    phrases,
    completeness_error: Math.abs(sum(values) - (score - target.f(nothing))),
  };
}

/** The explained values: f, a probability or a difference of two, and its log-odds g. */
class Target {
  constructor(classifier, label, against, familiarity) {
    const { classes } = classifier;
    this.classifier = classifier;
    this.familiarity = familiarity; // of the whole text: its score shrinks, and so do all changes
    this.label = classes.indexOf(label);
    this.against = classes.indexOf(against);
    const names = classes.join(", ");
    if (this.label < 0) {
      throw new RangeError(`Expected a class among ${names}, found ${label}: name one.`);
    }
    if (against !== null && (this.against < 0 || this.against === this.label)) {
      throw new RangeError(`Expected another class among ${names}, found ${against}: name one.`);
    }
  }

  f(logits) {
    const row = this.classifier.probabilities(logits, this.familiarity);
    return row[this.label] - (this.against < 0 ? 0 : row[this.against]);
  }

  g(logits) {
    const { temperature, multiLabel } = this.classifier;
    const row = columnsOf(logits, temperature, multiLabel);
    if (this.against >= 0) return row[this.label] - row[this.against];
    if (multiLabel) return row[this.label];
    const rivals = row.filter((_, index) => index !== this.label);
    const highest = Math.max(...rivals);
    const powers = rivals.map((logit) => Math.exp(logit - highest));
    return row[this.label] - highest - Math.log(sum(powers));
  }
}

/** Returns the contexts of a text as lists of word indices. */
function contextsOf(groups, parts) {
  const all = groups.map((_, index) => index);
  const tokens = groups.at(-1)[1];
  const contexts = tokens * groups.length <= WHOLE ? [all] : [];
  for (const [first, end] of parts) {
    for (let start = first; start < end; start += MOST_WORDS) {
      contexts.push(all.slice(start, Math.min(end, start + MOST_WORDS)));
    }
  }
  return contexts;
}

/** Returns how far the log-odds fall without each word, in the mean over its contexts. */
async function effectsOf(logits, encoded, groups, contexts, target) {
  const texts = contexts.flatMap((context) => {
    const without = context.map((left) => context.filter((index) => index !== left));
    return [context, ...without].map((indices) => kept(encoded, indices.map((at) => groups[at])));
  });
  const scores = (await logits(texts)).map((row) => target.g(row));
  const sums = groups.map(() => 0);
  const counts = groups.map(() => 0);
  let next = 0;
  for (const context of contexts) {
    const score = scores[next++];
    for (const index of context) {
      sums[index] += score - scores[next++];
      counts[index]++;
    }
  }
  return sums.map((total, index) => total / counts[index]);
}

/** Turns changes of the log-odds into changes of f that add up to that of the whole text. */
function scaled(effects, target, whole, nothing) {
  const change = target.f(whole) - target.f(nothing);
  const ofOdds = target.g(whole) - target.g(nothing);
  const ratio = Math.abs(ofOdds) > LEAST_CHANGE ? change / ofOdds : SLOPE;
  return balanced(effects.map((effect) => effect * (ratio > 0 ? ratio : SLOPE)), change);
}

/**
 * Returns the values, made to add up to `change`: those on one side of 0 grow and those on the
 * other side shrink. If that is not enough, all are multiplied by one factor.
 */
function balanced(values, change) {
  const size = sum(values.map(Math.abs));
  if (!size) return values.map(() => change / values.length);
  const gap = (change - sum(values)) / size;
  const tilt = Math.min(MOST_MOVED, Math.max(-MOST_MOVED, gap));
  const tilted = values.map((value) => value + tilt * Math.abs(value));
  const factor = change / (sum(tilted) || Infinity);
  if (factor > 0) return tilted.map((value) => value * factor);
  return values.map((value) => (Math.abs(value) * change) / size);
}

/** Returns the token indices of each word as [first, end). */
function wordsOf({ begins }, { ids, starts, ends }) {
  const words = [];
  let lastEnd = 0;
  ids.forEach((id, index) => {
    if (words.length && (!begins[id] || starts[index] < lastEnd)) words.at(-1)[1] = index + 1;
    else words.push([index, index + 1]);
    lastEnd = Math.max(lastEnd, ends[index]);
  });
  return words;
}

function written([first, last], { starts, ends }, characters) {
  const end = Math.max(...ends.slice(first, last));
  return { text: characters.slice(starts[first], end).join(""), start: starts[first], end };
}

/** Returns the text with the tokens of these groups; one unknown token if there is none. */
function kept({ ids, features }, groups) {
  if (!groups.length) return { ids: [UNKNOWN_ID], features: features && [[]] };
  const pick = (values) => groups.flatMap(([first, end]) => values.slice(first, end));
  return { ids: pick(ids), features: features && pick(features) };
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
