// Scores how familiar a text looks to a model: 0 is unlike the training texts, 1 is like them.
// Evidence is counted in tenths of a nat.

const STEPS = 10;
const LEAST = -20;
const [LEAST_OF_WORD, MOST_OF_WORD] = [-40, 10];
const OF_EACH_WORD = -1;
const ZERO = "0".charCodeAt(0);

/** The evidence of each token. */
export class Familiarity {
  /** @param {{offset: number, evidence: string, starts: string}} table from `config.json`. */
  constructor({ offset, evidence, starts }) {
    this.offset = offset;
    this.evidence = Int8Array.from(evidence, (digit) => digit.charCodeAt(0) - ZERO + LEAST);
    this.starts = Uint8Array.from(evidence, (_, id) => {
      const digit = parseInt(starts[id >> 2], 16);
      return (digit >> (3 - (id & 3))) & 1;
    });
  }

  /** Reads the table of a bundle's provenance; null if there is none of this size. */
  static of(provenance, tokens) {
    const table = provenance?.familiarity;
    const fits =
      typeof table?.offset === "number" &&
      table.evidence?.length === tokens &&
      table.starts?.length === 2 * Math.ceil(tokens / 8);
    return fits ? new Familiarity(table) : null;
  }

  /** Returns the familiarity of a text. */
  text(ids) {
    const running = this.read();
    let familiarity = 0;
    for (const id of ids) familiarity = running(id);
    return familiarity;
  }

  /** Returns a function that adds a token id and returns the familiarity of the text so far. */
  read() {
    let before = 0;
    let word = null;
    const total = () =>
      word === null
        ? 0
        : before + Math.min(MOST_OF_WORD, Math.max(LEAST_OF_WORD, word)) + OF_EACH_WORD;
    return (id) => {
      if (word === null || this.starts[id]) {
        before = total();
        word = 0;
      }
      word += this.evidence[id];
      const nats = Math.min(50, Math.max(-50, total() / STEPS + this.offset));
      return 1 / (1 + Math.exp(-nats));
    };
  }
}
