// 32-bit hashes of words, of pairs of words and of character n-grams: the features of a wide path.
// The highest bit of a hash is 1 for n-grams, and 0 for words and pairs.

const SHORTEST = 2; // lengths of n-grams in characters, with the marks at both ends of the word
const LONGEST = 5;
const MOST_LETTERS = 500; // only this many characters of a word give n-grams
const PAIR = 0x9e3779b1;
const ALL_BITS = 0xffffffff;
const WORD_BITS = 0x7fffffff;
const NGRAM = 0x80000000;
const LETTER = /^[\p{L}\p{N}]/u;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});
const utf8 = new TextEncoder();

/** Continues a CRC-32 without its last inversion. */
function feed(crc, bytes) {
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return crc;
}

/** Returns the hash of a word: the CRC-32 of its UTF-8 bytes that goes on from 1. */
function wordHash(word) {
  return ((feed(ALL_BITS ^ 1, utf8.encode(word)) ^ ALL_BITS) & WORD_BITS) >>> 0;
}

/** Returns the hash of a pair of neighbouring words from the words' hashes. */
export function pairHash(before, after) {
  return ((Math.imul(before, PAIR) + after) & WORD_BITS) >>> 0;
}

/**
 * Returns the hashes of a part's words, pairs and n-grams.
 * @param {string[]} words the words and marks of the part.
 */
export function hashesOf(words) {
  const hashes = [];
  const own = words.map(wordHash);
  words.forEach((word, index) => {
    hashes.push(own[index]);
    if (index) hashes.push(pairHash(own[index - 1], own[index]));
    if (LETTER.test(word)) addNgrams(word, hashes);
  });
  return { hashes, first: own[0], last: own.at(-1) };
}

function addNgrams(word, hashes) {
  const letters = ["<", ...[...word].slice(0, MOST_LETTERS), ">"];
  const bytes = letters.map((letter) => utf8.encode(letter));
  for (let start = 0; start < bytes.length; start++) {
    let crc = ALL_BITS;
    for (let size = 1; size <= LONGEST && start + size <= bytes.length; size++) {
      crc = feed(crc, bytes[start + size - 1]);
      if (size >= SHORTEST) hashes.push(((crc ^ ALL_BITS) | NGRAM) >>> 0);
    }
  }
}

/** Returns the position of a hash in a rising array, or -1. */
export function positionOf(hash, rising) {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] < hash) low = middle + 1;
    else high = middle;
  }
  return low < rising.length && rising[low] === hash ? low : -1;
}
