// Turns a text into token ids, with the span of each token, as `text.tokenizer` of the Python
// package does. Knows no model.
import { Merges } from "./bpe.js";
import {
  WORD_START,
  cleaningOf,
  isSame,
  partsOf,
  splitAsJson,
  withoutSurrogates,
} from "./cleaning.js";
import { hashesOf, pairHash, positionOf } from "./hashing.js";
import { ACCENT, Spelling } from "./spelling.js";

export const UNKNOWN_ID = 1;
const MOST_CACHED = 100_000; // parts
const METASPACE = {
  type: "Metaspace",
  replacement: WORD_START,
  prepend_scheme: "always",
  split: false,
};

/** A pipeline of cleaning and cutting, with its vocabulary. */
export class Tokenizer {
  /**
   * @param {object} json the content of `tokenizer.json`.
   * @param {{correctSlips?: boolean, hashes?: Uint32Array | null}} options whether typing slips are
   *   corrected; the rising hashes of the features of a wide path.
   */
  constructor(json, { correctSlips = false, hashes = null } = {}) {
    this.clean = cleaningOf(json.normalizer);
    this.vocabulary = new Map(Object.entries(json.model.vocab));
    this.tokens = [];
    for (const [token, id] of this.vocabulary) this.tokens[id] = token;
    this.isBpe = json.model.type === "BPE";
    checkSplit(json.pre_tokenizer, this.isBpe);
    this.wholeWordsFirst = json.model.ignore_merges === true;
    this.merges = this.isBpe
      ? new Merges(this.vocabulary, json.model.merges, UNKNOWN_ID)
      : null;
    const mark = this.isBpe ? WORD_START : "";
    this.begins = this.tokens.map((token) => token.startsWith(mark));
    this.spelling = correctSlips ? new Spelling(this.tokens, mark) : null;
    this.hashes = hashes;
    this.known = new Map();
  }

  /** Returns the ids of a text. A text without tokens is one unknown token with span (0, 0). */
  encode(text) {
    const raw = withoutSurrogates(text);
    const parts = partsOf(raw);
    const counter = new CodePoints(raw);
    const result = { ids: [], starts: [], ends: [], features: this.hashes ? [] : null };
    let lastWord = null;
    for (const { text: part, start } of parts) {
      const known = this.part(part);
      const first = counter.at(start);
      for (let index = 0; index < known.ids.length; index++) {
        result.ids.push(known.ids[index]);
        result.starts.push(first + known.starts[index]);
        result.ends.push(first + known.ends[index]);
        if (this.hashes) result.features.push(NO_FEATURES);
      }
      if (known.words) lastWord = this.addFeatures(result.features, known.words, lastWord);
    }
    if (!result.ids.length) {
      result.ids.push(UNKNOWN_ID);
      result.starts.push(0);
      result.ends.push(0);
      if (this.hashes) result.features.push(NO_FEATURES);
    }
    return result;
  }

  /** Adds the features of a part to its last token. Returns the hash of its last word. */
  addFeatures(features, words, lastWord) {
    const pair = lastWord === null ? -1 : this.feature(pairHash(lastWord, words.first));
    const own = pair < 0 ? words.features : [pair, ...words.features];
    if (own.length && features.length) features[features.length - 1] = own;
    return words.last;
  }

  feature(hash) {
    return positionOf(hash, this.hashes);
  }

  /** Returns the tokens of a part, from the cache if it is known. */
  part(part) {
    let known = this.known.get(part);
    if (known === undefined) {
      known = this.cut(part);
      if (this.known.size >= MOST_CACHED) this.known.clear();
      this.known.set(part, known);
    }
    return known;
  }

  cut(part) {
    const clean = this.clean(part);
    const words = clean.tokens();
    const tokens = { ids: [], starts: [], ends: [], words: null };
    for (const word of words) this.addWord(tokens, clean, word);
    if (this.spelling) this.correct(part, tokens);
    if (this.hashes && words.length) {
      const plain = words.map(({ text }) => text.replace(WORD_START, ""));
      const { hashes, first, last } = hashesOf(plain);
      const features = hashes.map((hash) => this.feature(hash)).filter((index) => index >= 0);
      tokens.words = { first, last, features };
    }
    return tokens;
  }

  addWord(tokens, clean, word) {
    const marked = this.isBpe && !word.text.startsWith(WORD_START);
    const text = marked ? WORD_START + word.text : word.text;
    const id = this.isBpe && !this.wholeWordsFirst ? undefined : this.vocabulary.get(text);
    if (id !== undefined || !this.isBpe) {
      push(tokens, id ?? UNKNOWN_ID, word.start, word.end);
      return;
    }
    const spans = charactersOf(clean, word);
    const { ids, lengths } = this.merges.of(text);
    let position = marked ? -1 : 0; // of the mark, which stands before the first character
    ids.forEach((subword, index) => {
      const first = spans[Math.max(position, 0)];
      position += lengths[index];
      push(tokens, subword, first[0], spans[Math.max(position - 1, 0)][1]);
    });
  }

  /** Replaces the tokens of a word that the vocabulary lacks by its correction. */
  correct(part, tokens) {
    const characters = [...part];
    const { ids, starts, ends } = tokens;
    const kept = { ids: [], starts: [], ends: [] };
    for (let first = 0, next; first < ids.length; first = next) {
      next = first + 1;
      while (next < ids.length && !this.begins[ids[next]]) next++;
      const isKnown = next - first === 1 && ids[first] !== UNKNOWN_ID;
      const end = ends[next - 1];
      const isAccented = end < characters.length && ACCENT.test(characters[end]);
      const id =
        isKnown || isAccented
          ? undefined
          : this.spelling.meant(characters.slice(starts[first], end).join(""));
      if (id !== undefined) push(kept, id, starts[first], end);
      else for (let index = first; index < next; index++) {
        push(kept, ids[index], starts[index], ends[index]);
      }
    }
    Object.assign(tokens, kept);
  }
}

const NO_FEATURES = [];

function push(tokens, id, start, end) {
  tokens.ids.push(id);
  tokens.starts.push(start);
  tokens.ends.push(end);
}

/** Returns the span of each character of a word. */
function charactersOf(clean, word) {
  const spans = [];
  let unit = word.unit;
  for (const character of word.text) {
    spans.push(clean.starts ? [clean.starts[unit], clean.ends[unit]] : [unit, unit + 1]);
    unit += character.length;
  }
  return spans;
}

/** Counts code points up to rising positions of a text. */
class CodePoints {
  constructor(text) {
    this.text = text;
    this.isPlain = !/[\ud800-\udbff]/.test(text);
    this.unit = 0;
    this.count = 0;
  }

  at(unit) {
    if (this.isPlain) return unit;
    for (; this.unit < unit; this.count++) {
      this.unit += this.text.codePointAt(this.unit) > 0xffff ? 2 : 1;
    }
    return this.count;
  }
}

function checkSplit(value, isBpe) {
  const expected = isBpe
    ? { type: "Sequence", pretokenizers: [splitAsJson(), METASPACE] }
    : splitAsJson();
  if (!isSame(value, expected)) {
    throw new Error(
      "Expected a tokenizer of this package, found another way to cut texts; take the file " +
        "tokenizer.json that was saved with the model.",
    );
  }
}
