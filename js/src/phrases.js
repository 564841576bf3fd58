// Cuts a text into clauses, and a clause into phrases such as "not bad at all", as
// `interpret.phrases` of the Python package does. A part of a text is [first, end) of word indices.
import { FUNCTION_WORDS } from "./patterns.js";

const SENTENCE_END = /[.!?;\u2026\u3002\uff01\uff1f\u061f\u0964]["'\u2019\u201d)\]]*$/;
const CLAUSE_END = /[,:()[\]"\u201c\u201d\u2013\u2014\u3001\uff0c\uff1a]$|^--$/;
const BREAK = /<br\s*\/?>|\n/i;
const OPENERS = new Set(
  "but although though yet however while because which and except".split(" "),
);
const LEAST = 3; // the words of a clause before one of these words ends it
const MOST_WORDS = 6;
const LENGTH_COST = 0.03;
const MIXED_COST = 2;
const START_COST = 0.5;
const AHEAD = new Set(
  (
    "not no never without hardly barely scarcely neither nor cannot " +
    "very so too really quite rather extremely pretty absolutely totally completely almost most " +
    "more less least even still only just such all every each any some " +
    "but although though yet however despite"
  ).split(" "),
);
const BEHIND = new Set(["up", "out", "off", "down", "away", "apart", "over"]);
const FUNCTIONS = new Set(FUNCTION_WORDS.split(" "));
const ENDING = /['\u2019](s|m|re|ve|d|ll)$/;
const SPOKEN = /[\p{L}\p{N}]/u;
const BETWEEN = new Set([",", ";", ":", "(", "-", "\u2013", "\u2014"]);
const SHORT = 50; // in a text of at most this many words, function words pass on everything
const PASSED = 0.4; // the part that they pass on in a longer text

/**
 * Returns the sentences of a text. A line break ends a sentence, too.
 * @param {{text: string, start: number, end: number}[]} words
 * @param {string[]} characters the code points of the text.
 */
export function sentencesOf(words, characters) {
  const ends = words.map((_, index) => index).filter((at) => endsSentence(words, characters, at));
  return cut(words.length, ends.map((index) => index + 1));
}

/**
 * Returns the clauses of a text. Arguments as `sentencesOf`.
 */
export function clausesOf(words, characters) {
  const cuts = [0];
  words.forEach(({ text, start }, index) => {
    if (OPENERS.has(text.toLowerCase()) && index - cuts.at(-1) >= LEAST) cuts.push(index);
    const isDash = text === "-" && /\s/.test(characters[start - 1] ?? "");
    const ends = endsSentence(words, characters, index);
    if (isDash || CLAUSE_END.test(text) || ends) cuts.push(index + 1);
  });
  return cut(words.length, cuts);
}

function endsSentence(words, characters, index) {
  const { text, end } = words[index];
  const following = characters.slice(end, words[index + 1]?.start).join("");
  return SENTENCE_END.test(text) || BREAK.test(following);
}

/** Cuts words before each index of `cuts`. */
function cut(count, cuts) {
  return pairs([...new Set([0, ...cuts, count])].sort((a, b) => a - b));
}

/**
 * Passes the attributions of function words on to the next content word of the clause, or to the
 * last one. That of a comma goes to the next clause. The sum stays the same.
 * @param {number[]} values the attribution of each word.
 * @param {string[]} words
 * @param {[number, number][]} clauses
 */
export function passToContentWords(values, words, clauses) {
  const result = [...values];
  const passed = words.length <= SHORT ? 1 : PASSED;
  const isContent = words.map((word) => !isFunctionWord(word));
  for (const [first, end] of clauses) {
    const last = isContent.lastIndexOf(true, end - 1);
    for (let index = first; index < end; index++) {
      if (isContent[index]) continue;
      const limit = BETWEEN.has(words[index]) ? words.length : end;
      const following = isContent.indexOf(true, index + 1);
      const fallback = last >= first ? last : index;
      const owner = following >= 0 && following < limit ? following : fallback;
      result[owner] += passed * values[index];
      result[index] -= passed * values[index];
    }
  }
  return result;
}

/**
 * Returns the phrases of a text, in order: their words, without function words at the start and
 * punctuation at the end, and the sum of all their attributions.
 * @param {string[]} words
 * @param {[number, number][]} clauses
 * @param {number[]} values the attribution of each word.
 */
export function phrasesOf(words, clauses, values) {
  const strongest = Math.max(0, ...values.map(Math.abs)) || 1;
  const relative = values.map((value) => value / strongest);
  const parts = clauses.flatMap((clause) => bestCut(groupsOf(words, clause), words, relative));
  const starts = [0, ...parts.slice(0, -1).map((part) => startAfter(part, words)), words.length];
  return parts.map((part, index) => ({
    words: trimmed(part, words),
    attribution: sum(values.slice(starts[index], starts[index + 1])),
  }));
}

/** Returns where the next phrase starts: a comma before "but" counts with "but". */
function startAfter([first, end], words) {
  while (end - first > 1 && BETWEEN.has(words[end - 1])) end--;
  return end;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Returns groups of words that are never cut, such as "was not bad". */
function groupsOf(words, [first, end]) {
  let edges = [first];
  for (let index = first; index < end; index++) {
    const isLast = index + 1 >= end;
    if (!goesAhead(words[index].toLowerCase()) && !isLast && !goesBehind(words[index + 1])) {
      edges.push(index + 1);
    }
  }
  if (words.slice(edges.at(-1), end).every(isFunctionWord)) {
    edges = [edges[0], ...edges.slice(1, -1)]; // a pronoun at the end, such as "it"
  }
  return pairs([...edges, end]);
}

function goesAhead(word) {
  if (BEHIND.has(word)) return false;
  return isFunctionWord(word) || AHEAD.has(word) || word.replaceAll("\u2019", "'").endsWith("n't");
}

function goesBehind(word) {
  return BEHIND.has(word.toLowerCase()) || !SPOKEN.test(word);
}

/** Returns the phrases of a clause with the lowest cost. */
function bestCut(groups, words, values) {
  const costs = [0];
  const starts = [0];
  for (let last = 0; last < groups.length; last++) {
    let best = [Infinity, Infinity];
    for (let first = last; first >= 0; first--) {
      const part = [groups[first][0], groups[last][1]];
      if (first < last && part[1] - part[0] > MOST_WORDS + 1) break;
      const cost = costs[first] + costOf(part, first > 0, words, values);
      if (cost <= best[0]) best = [cost, first];
    }
    costs.push(best[0]);
    starts.push(best[1]);
  }
  const parts = [];
  for (let end = groups.length; end; ) {
    const first = starts[end];
    parts.unshift([groups[first][0], groups[end - 1][1]]);
    end = first;
  }
  return parts;
}

function costOf([first, end], inside, words, values) {
  const own = values.slice(first, end);
  const spoken = words.slice(first, end).filter((word) => SPOKEN.test(word)).length;
  if (spoken > MOST_WORDS) return end - first > 1 ? Infinity : 1;
  const size = sum(own.map(Math.abs));
  const mixed = size - Math.abs(sum(own));
  const startsBadly = inside && !goesAhead(words[first].toLowerCase());
  return 1 + LENGTH_COST * spoken ** 2 + MIXED_COST * mixed + (startsBadly ? START_COST : 0);
}

function isFunctionWord(word) {
  const plain = word.toLowerCase().replace(ENDING, "");
  return FUNCTIONS.has(plain) || !SPOKEN.test(plain);
}

function trimmed([first, end], words) {
  while (end - first > 1 && !SPOKEN.test(words[end - 1])) end--;
  while (end - first > 1 && isFunctionWord(words[first])) first++;
  return [first, end];
}

function pairs(edges) {
  return edges.slice(1).map((edge, index) => [edges[index], edge]);
}
