// Scores a text after each token while it is typed. The unchanged start of the text is not read
// again.
import { isEmpty } from "./cleaning.js";
import { ForgetGate } from "./forget.js";
import { pieceOf } from "./network.js";

const PIECE = 64; // tokens between two kept states
const TAIL = 8; // a state is kept this many tokens before the end, where people usually type
const MOST_CHECKPOINTS = 512;

/** Reads the versions of one text. */
export class Reader {
  /** @param {import("./classifier.js").Classifier} classifier of one direction. */
  constructor(classifier) {
    if (!classifier.network.carries) {
      const message =
        "Expected a model of one direction to read a text token by token, found one of two: " +
        "name another model.";
      throw Object.assign(new Error(message), { type: "Validation" }); // as the service's errors
    }
    this.classifier = classifier;
    this.network = classifier.network;
    this.forgetGate = new ForgetGate(this.network);
    this.turn = Promise.resolve();
    this.clear();
  }

  clear() {
    this.encoded = { ids: [], starts: [], ends: [], features: [] };
    this.characters = [];
    this.steps = [];
    this.logits = [];
    this.gates = [];
    const hidden = new Float32Array(this.network.hiddenSize);
    this.checkpoints = [{ at: 0, state: this.network.start(), hidden }];
  }

  /**
   * Reads a text and returns what has changed.
   * @param {string} text
   * @returns {Promise<object>} `steps` replace those of the text before from the index `from` on.
   */
  read(text) {
    const answer = this.turn.then(() => this.readNext(text)); // one text after the other
    this.turn = answer.catch(() => {});
    return answer;
  }

  async readNext(text) {
    if (typeof text !== "string") throw new TypeError(`Expected a text, found ${typeof text}.`);
    const { classes } = this.classifier;
    if (isEmpty(text)) {
      const { label, score, probabilities } = this.classifier.nothing();
      this.clear();
      return { from: 0, steps: [], label, score, probabilities, classes, familiarity: null };
    }
    const encoded = this.classifier.tokenizer.encode(text);
    const characters = [...text];
    const from = this.unchanged(encoded);
    const same = this.sameSteps(encoded, characters, from);
    await this.readTokens(encoded, from);
    const { steps, familiarity } = this.stepsOf(encoded, characters, same);
    this.steps = [...this.steps.slice(0, same), ...steps];
    Object.assign(this, { encoded, characters });
    const { label, score, probabilities } = this.steps.at(-1);
    return { from: same, steps, label, score, probabilities, classes, familiarity };
  }

  /** Returns how many tokens at the start are those that were read before. */
  unchanged({ ids, features }) {
    const before = this.encoded;
    const most = Math.min(ids.length, before.ids.length);
    let index = 0;
    const isSame = () =>
      ids[index] === before.ids[index] &&
      (!features || String(features[index]) === String(before.features[index]));
    while (index < most && isSame()) index++;
    return index;
  }

  /** Returns how many steps at the start stay the same, with their characters. */
  sameSteps({ starts, ends }, characters, most) {
    for (let index = 0; index < most; index++) {
      const { start, end, text } = this.steps[index];
      const isSame = start === starts[index] && end === ends[index];
      if (!isSame || text !== characters.slice(start, end).join("")) return index;
    }
    return most;
  }

  /** Reads the tokens from the index `from` on, from the last state before it. */
  async readTokens(encoded, from) {
    this.checkpoints = this.checkpoints.filter(({ at }) => at <= from);
    this.logits.length = this.gates.length = from;
    const count = encoded.ids.length;
    let { at, state, hidden } = this.checkpoints.at(-1);
    if (at === count) return;
    const size = this.network.pooling === "attention" ? 1 : PIECE;
    const stops = new Set([from, count - TAIL, count]);
    while (at < count) {
      let end = at + 1;
      while (end < count && end - at < size && !stops.has(end)) end++;
      const piece = pieceOf(encoded, at, end);
      const result = await this.network.read([piece], state, true);
      this.addLogits(piece, state, result, at);
      hidden = await this.addGates(piece, hidden, result.hidden[0], at);
      state = result.state;
      at = end;
      if (at < count) this.keep({ at, state, hidden });
    }
  }

  keep(checkpoint) {
    this.checkpoints.push(checkpoint);
    if (this.checkpoints.length > MOST_CHECKPOINTS) {
      this.checkpoints = this.checkpoints.filter((_, index) => index % 2 === 0); // the first stays
    }
  }

  /** Computes the logits after each token of a piece from the hidden states. */
  addLogits({ ids, features }, state, result, at) {
    if (this.network.pooling === "attention") {
      this.logits[at] = result.logits;
      return;
    }
    const { hiddenSize, stateWidth, units } = this.network;
    const pooling = new Pooling(this.network, state);
    const wide = state.wide_sum?.data.slice();
    const states = result.hidden.at(-1);
    ids.forEach((_, index) => {
      const first = index * stateWidth;
      const summary = pooling.add(states.subarray(first, first + hiddenSize));
      const logits = this.network.outputOf(summary);
      if (wide) {
        this.network.addFeatures(wide, 0, features[index]);
        for (let unit = 0; unit < units; unit++) logits[unit] += wide[unit];
      }
      this.logits[at + index] = logits;
    });
  }

  /** Computes the gate at each token of a piece. Returns the last hidden state. */
  async addGates({ ids }, before, states, at) {
    const gates = await this.forgetGate.means(ids, before, states);
    gates.forEach((gate, index) => (this.gates[at + index] = gate));
    const { hiddenSize, stateWidth } = this.network;
    const last = (ids.length - 1) * stateWidth;
    return states.slice(last, last + hiddenSize);
  }

  stepsOf({ ids, starts, ends }, characters, from) {
    const running = this.classifier.familiarity?.read();
    const steps = [];
    let familiarity = null;
    ids.forEach((id, index) => {
      familiarity = running ? running(id) : null;
      if (index < from) return;
      const { label, score, probabilities } = this.classifier.answer(this.logits[index], familiarity);
      const [start, end, forget] = [starts[index], ends[index], this.gates[index]];
      const text = characters.slice(start, end).join("");
      steps.push({ text, start, end, label, score, probabilities, forget });
    });
    return { steps, familiarity };
  }
}

/** Pools the hidden states of a text, one after the other. */
class Pooling {
  constructor({ hiddenSize, pooling }, state) {
    this.hiddenSize = hiddenSize;
    this.kinds = pooling.split("+");
    if (!this.kinds.includes("max")) return;
    this.highest = state.pooled0.data.slice();
    this.total = Float64Array.from(state.pooled1.data);
    [this.count] = state.pooled2.data;
  }

  /** Adds a hidden state [H], and returns the summary of the text so far. */
  add(h) {
    if (!this.highest) return h;
    const width = this.hiddenSize;
    const summary = new Float32Array(width * this.kinds.length);
    this.count++;
    for (let unit = 0; unit < width; unit++) {
      this.highest[unit] = Math.max(this.highest[unit], h[unit]);
      this.total[unit] += h[unit];
      summary[unit] = this.highest[unit];
      summary[width + unit] = this.total[unit] / this.count;
      if (this.kinds.length > 2) summary[2 * width + unit] = h[unit];
    }
    return summary;
  }
}
