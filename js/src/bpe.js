// Byte-pair encoding of a word: its characters are merged in the order in which merges were learnt.

/** Merges the characters of words into subwords. */
export class Merges {
  /**
   * @param {Map<string, number>} vocabulary ids of tokens.
   * @param {[string, string][]} merges pairs of tokens, the first learnt first.
   * @param {number} unknown the id of an unknown character.
   */
  constructor(vocabulary, merges, unknown) {
    this.vocabulary = vocabulary;
    this.unknown = unknown;
    this.size = vocabulary.size;
    this.ranks = new Map();
    this.merged = new Int32Array(merges.length);
    merges.forEach(([first, second], rank) => {
      const key = this.key(vocabulary.get(first), vocabulary.get(second));
      const id = vocabulary.get(first + second);
      if (!Number.isInteger(key) || id === undefined) throw new Error(damaged());
      this.ranks.set(key, rank);
      this.merged[rank] = id;
    });
  }

  key(first, second) {
    return first * this.size + second;
  }

  /**
   * Returns the subwords of a word.
   * @param {string} word
   * @returns {{ids: number[], lengths: number[]}} ids and numbers of characters.
   */
  of(word) {
    const ids = Array.from(word, (character) => this.vocabulary.get(character) ?? this.unknown);
    const lengths = ids.map(() => 1);
    const next = ids.map((_, index) => index + 1);
    const before = ids.map((_, index) => index - 1);
    const heap = new Heap();
    const propose = (index) => {
      const after = next[index];
      if (index < 0 || after >= ids.length) return;
      const rank = this.ranks.get(this.key(ids[index], ids[after]));
      if (rank !== undefined) heap.push(rank, index, ids[index], ids[after]);
    };
    for (let index = 0; index < ids.length; index++) propose(index);
    for (let best = heap.pop(); best; best = heap.pop()) {
      const { rank, index, first, second } = best;
      const after = next[index];
      const isOld = !lengths[index] || after >= ids.length;
      if (isOld || ids[index] !== first || ids[after] !== second) continue;
      ids[index] = this.merged[rank];
      lengths[index] += lengths[after];
      lengths[after] = 0;
      next[index] = next[after];
      if (next[index] < ids.length) before[next[index]] = index;
      propose(before[index]);
      propose(index);
    }
    const kept = ids.map((_, index) => index).filter((index) => lengths[index]);
    return { ids: kept.map((index) => ids[index]), lengths: kept.map((index) => lengths[index]) };
  }
}

/** A heap of proposed merges: the lowest rank first, then the leftmost. */
class Heap {
  constructor() {
    this.items = [];
  }

  push(rank, index, first, second) {
    const items = this.items;
    items.push({ rank, index, first, second });
    for (let at = items.length - 1; at; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(items[at], items[parent])) break;
      [items[at], items[parent]] = [items[parent], items[at]];
      at = parent;
    }
  }

  pop() {
    const items = this.items;
    const top = items[0];
    const last = items.pop();
    if (!items.length) return top;
    items[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && isBefore(items[child], items[least])) least = child;
      }
      if (least === at) return top;
      [items[at], items[least]] = [items[least], items[at]];
      at = least;
    }
  }
}

function isBefore(a, b) {
  return a.rank < b.rank || (a.rank === b.rank && a.index < b.index);
}

function damaged() {
  return "Expected merges of known tokens in tokenizer.json, found others; copy the model again.";
}
