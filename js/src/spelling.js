// Corrects typing slips: "perfromance" is read as "performance". A long word with an inner letter
// missing, doubled or swapped with the next is close to one word of the vocabulary.

const FREQUENT = 10_000; // a correction is one of the first ids of the vocabulary
const LETTERS = 7; // a shorter word is never corrected
const LONGEST = 40; // longer words are never corrections
const ALPHABET = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const FITS = new RegExp(`^[a-z]{${LETTERS},${LONGEST + 1}}$`);
const ASCII_WORD = /^[A-Za-z]+$/;
/** A combining character that the span of a composed letter leaves out, no variation selector. */
export const ACCENT = /^(?![\ufe00-\ufe0f])\p{M}/u;

/** Looks up the correction of a word. */
export class Spelling {
  /**
   * @param {string[]} tokens the vocabulary, by id.
   * @param {string} mark the prefix of a token that starts a word; empty if every token does.
   */
  constructor(tokens, mark) {
    this.words = new Map();
    tokens.slice(0, FREQUENT).forEach((token, id) => {
      if (!token.startsWith(mark)) return;
      const word = token.slice(mark.length);
      if (word.length <= LONGEST && ASCII_WORD.test(word)) this.words.set(word, id);
    });
  }

  /** Returns the id of the correction, or undefined. Of several, the first in the vocabulary. */
  meant(typed) {
    const low = typed.toLowerCase();
    if (!FITS.test(low)) return undefined;
    let best;
    for (const word of meantBy(low)) {
      const id = this.words.get(word);
      if (id !== undefined && (best === undefined || id < best)) best = id;
    }
    return best;
  }
}

/** Yields the words that turn into `typed` by one slip at an inner letter. */
function* meantBy(typed) {
  const last = typed.length - 1;
  yield typed; // a swap of the last two letters is none
  for (let index = 1; index <= last; index++) {
    for (const letter of ALPHABET) yield typed.slice(0, index) + letter + typed.slice(index);
  }
  for (let index = 1; index < last - 1; index++) {
    if (typed[index] === typed[index + 1]) yield typed.slice(0, index) + typed.slice(index + 1);
  }
  for (let index = 1; index < last - 1; index++) {
    const [before, after] = [typed.slice(0, index), typed.slice(index + 2)];
    yield before + typed[index + 1] + typed[index] + after;
  }
}
