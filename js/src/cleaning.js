// Cleans a part of a text and cuts it into tokens. A part is a run of characters without white
// space and tags. Positions count code points of the part. Knows no vocabulary.
import {
  DOTTED_I,
  NEWER_REPLACEMENTS,
  NO_TOKEN_CHARACTERS,
  OLDER_REPLACEMENTS,
  SPACES,
  TAG,
  TOKEN,
  WORD_CHARACTERS,
} from "./patterns.js";

/** The first character of a subword that starts a word. */
export const WORD_START = "\u2581";

const EVERY_TAG = pattern(TAG);
const EVERY_TOKEN = pattern(TOKEN);
const ASCII = /^[\0-\x7f]*$/;
// The same pattern without other characters: it takes a hundredth of the time.
const EVERY_ASCII_TOKEN = pattern(TOKEN, "0-9A-Za-z", "\\0-\\x20\\x7f");
// U+0085 is white space in Unicode but "..." in Windows-1252, so it does not end a part.
const EVERY_PART = new RegExp(`(?:\\u{85}|[^${SPACES}])+`, "gu");
const ONLY_SPACES = new RegExp(`^[${SPACES}]*$`, "u");
const LONE_SURROGATE = /\p{Cs}/gu;
const PLAIN = /^[!-~]+$/;
const CHANGED = /[<&`@]|:\/\/|www\./i;

/** Whether a text holds nothing but white space. Such a text has no label and no score. */
export function isEmpty(text) {
  return ONLY_SPACES.test(text);
}

/** Replaces lone surrogates, which UTF-8 cannot encode, by U+FFFD. */
export function withoutSurrogates(text) {
  return text.replace(LONE_SURROGATE, "\ufffd");
}

/**
 * Cuts a text at white space and tags. No token crosses them.
 * @param {string} text without lone surrogates.
 * @returns {{text: string, start: number}[]} the parts; `start` counts UTF-16 units of the text.
 */
export function partsOf(text) {
  const parts = [];
  let start = 0;
  for (const tag of text.includes("<") ? text.matchAll(EVERY_TAG) : []) {
    addParts(parts, text.slice(start, tag.index), start);
    start = tag.index + tag[0].length;
  }
  addParts(parts, start ? text.slice(start) : text, start);
  return parts;
}

function addParts(parts, text, start) {
  for (const part of text.matchAll(EVERY_PART)) {
    parts.push({ text: part[0], start: start + part.index });
  }
}

/**
 * Returns the cleaning that a `tokenizer.json` describes.
 * @param {object} normalizer the value of the key `normalizer`.
 * @returns {(part: string) => Clean} cleans a part.
 */
export function cleaningOf(normalizer) {
  for (const newer of [true, false]) {
    for (const lowercase of [true, false]) {
      if (isSame(normalizer, asJson(newer, lowercase))) return cleaner(newer, lowercase);
    }
  }
  throw new Error(
    "Expected a tokenizer of this package, found another way to clean texts; take the file " +
      "tokenizer.json that was saved with the model.",
  );
}

/** Whether two values of JSON are equal, in whatever order their keys stand. */
export function isSame(a, b) {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  const keys = Object.keys(a);
  const isFull = keys.length === Object.keys(b).length && Array.isArray(a) === Array.isArray(b);
  return isFull && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

/** Returns the pattern of tokens as `tokenizer.json` holds it. */
export function splitAsJson() {
  return { type: "Split", pattern: { Regex: TOKEN }, behavior: "Removed", invert: true };
}

function asJson(newer, lowercase) {
  const replace = ([Regex, content]) => ({ type: "Replace", pattern: { Regex }, content });
  const steps = [...(newer ? NEWER_REPLACEMENTS : []), ...OLDER_REPLACEMENTS].map(replace);
  steps.push({ type: "NFC" });
  if (lowercase) steps.push(...(newer ? [replace(DOTTED_I)] : []), { type: "Lowercase" });
  return { type: "Sequence", normalizers: steps };
}

function cleaner(newer, lowercase) {
  const pairs = [...(newer ? NEWER_REPLACEMENTS : []), ...OLDER_REPLACEMENTS];
  const steps = pairs.map(([source, content]) => [pattern(source), content]);
  const dotted = newer ? DOTTED_I[0] : null;
  return (part) => {
    if (PLAIN.test(part) && !CHANGED.test(part)) {
      return new Clean(lowercase ? part.toLowerCase() : part, null, null);
    }
    let clean = Clean.of(part);
    for (const [every, content] of steps) clean = clean.replaced(every, content);
    clean = clean.composed();
    return lowercase ? clean.lower(dotted) : clean;
  };
}

/**
 * A clean part. `starts` and `ends` hold, for each UTF-16 unit of `text`, the code points of the
 * raw part that it came from. They are null if both texts are plain ASCII of equal length.
 */
class Clean {
  constructor(text, starts, ends) {
    this.text = text;
    this.starts = starts;
    this.ends = ends;
  }

  static of(part) {
    const starts = [];
    let position = 0;
    for (const character of part) {
      for (let unit = 0; unit < character.length; unit++) starts.push(position);
      position++;
    }
    return new Clean(part, starts, starts.map((start) => start + 1));
  }

  /** Replaces matches. The new characters take the span of the last character of the match. */
  replaced(every, content) {
    if (this.text.search(every) < 0) return this;
    const result = new Clean("", [], []);
    let done = 0;
    for (const match of this.text.matchAll(every)) {
      result.add(this, done, match.index);
      done = match.index + match[0].length;
      for (const unit of content) result.push(unit, this.starts[done - 1], this.ends[done - 1]);
    }
    result.add(this, done, this.text.length);
    return result;
  }

  /** Applies Unicode NFC. A composed letter takes the span of its first part. */
  composed() {
    const normal = this.text.normalize("NFC");
    if (normal === this.text) return this;
    const owners = [];
    let unit = 0;
    for (const character of this.text) {
      for (const _ of character.normalize("NFD")) owners.push(unit);
      unit += character.length;
    }
    const result = new Clean("", [], []);
    let letter = 0;
    for (const character of normal) {
      result.push(character, this.starts[owners[letter]], this.ends[owners[letter]]);
      letter += [...character.normalize("NFD")].length;
    }
    return result;
  }

  /** Lowers each letter, so that a sigma does not depend on its position in the word. */
  lower(dotted) {
    const result = new Clean("", [], []);
    let unit = 0;
    for (const character of this.text) {
      const low = character === dotted ? DOTTED_I[1] : character.toLowerCase();
      result.push(low, this.starts[unit], this.ends[unit]);
      unit += character.length;
    }
    return result;
  }

  /** Returns the tokens: their text and their span in the raw part. */
  tokens() {
    const every = ASCII.test(this.text) ? EVERY_ASCII_TOKEN : EVERY_TOKEN;
    return Array.from(this.text.matchAll(every), ({ 0: text, index }) => ({
      text,
      start: this.starts ? this.starts[index] : index,
      end: this.ends ? this.ends[index + text.length - 1] : index + text.length,
      unit: index,
    }));
  }

  push(characters, start, end) {
    this.text += characters;
    for (let unit = 0; unit < characters.length; unit++) {
      this.starts.push(start);
      this.ends.push(end);
    }
  }

  add(other, from, to) {
    this.text += other.text.slice(from, to);
    for (let unit = from; unit < to; unit++) {
      this.starts.push(other.starts[unit]);
      this.ends.push(other.ends[unit]);
    }
  }
}

/** Turns a pattern of the library `tokenizers` into one of JavaScript. */
function pattern(source, words = WORD_CHARACTERS, others = NO_TOKEN_CHARACTERS) {
  const own = source
    .replaceAll("(?i:https?)", "[Hh][Tt][Tt][Pp][Ss\\u017f]?") // a long s is an s, too
    .replaceAll("(?i:www)", "[Ww]{3}")
    .replaceAll("\\p{L}\\p{M}\\p{N}", words)
    .replaceAll("\\s\\p{Cc}\\p{Cf}", others);
  return new RegExp(own, "gu");
}
