// Runs a bundle's graph. Knows token ids and states, no text.
//
// Shapes: B texts, T tokens, H hidden, D directions, W = D x H, U output units.
import { Graph } from "./onnx.js";
import { anchorsOf, outsideArrays } from "./weights.js";

const PIECE = 2048; // the most tokens read at once; a longer text is read in pieces
const BATCH_TOKENS = 4000;
const POOLED = {
  last: [],
  "max+mean": ["W", "W", 1],
  "max+mean+last": ["W", "W", 1],
  attention: [1, "W", 1],
};

/** A model's graph in ONNX Runtime. */
export class Network {
  /**
   * @param {object} ort the module of ONNX Runtime.
   * @param {object} model the section `model` of `config.json`.
   * @param {Uint8Array} data the file of the graph.
   * @param {Map | null} arrays those of `model.safetensors`; null if the graph holds everything.
   */
  static async open(ort, model, data, arrays) {
    const graph = new Graph(data);
    const outside = outsideArrays(graph, arrays);
    const network = new Network(ort, model, graph, arrays?.get("wide.weight") ?? null);
    const [table, ...layer] = [graph.of("Gather")[0].inputs[0], ...network.lstm.inputs.slice(1, 4)];
    const dataOf = (name) => outside.get(name) ?? graph.arrays.get(name).data();
    network.table = dataOf(table);
    network.firstLayer = layer.map(dataOf); // W, R and B of the operator LSTM
    const bytes = graph.toBytes(network.hiddenNames, outside);
    network.session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: "all" });
    return network;
  }

  constructor(ort, model, graph, wide) {
    this.ort = ort;
    this.turn = Promise.resolve();
    this.graph = graph;
    this.wide = wide;
    this.hiddenSize = model.hidden;
    this.carries = !model.bidirectional;
    this.pooling = model.pooling;
    const lstms = graph.of("DynamicQuantizeLSTM", "LSTM");
    this.lstm = lstms[0];
    this.hiddenNames = [...new Set([lstms[0].outputs[0], lstms.at(-1).outputs[0]])];
    this.anchors = anchorsOf(graph);
    this.stateWidth = this.hiddenSize + this.anchors;
    this.shapes = this.stateShapes(model);
    const [, weight, bias] = graph.of("Gemm")[0].inputs.map((name) => graph.arrays.get(name));
    this.output = { weight: weight.data(), bias: bias.data() };
    this.units = this.output.bias.length;
  }

  /** Returns the shapes of the state; -1 stands for the number of texts. */
  stateShapes(model) {
    const directions = model.bidirectional ? 2 : 1;
    const shapes = {};
    for (let layer = 0; layer < model.layers; layer++) {
      for (const name of "hc") shapes[`${name}${layer}`] = [directions, -1, this.hiddenSize];
    }
    const width = directions * this.hiddenSize;
    POOLED[model.pooling].forEach((size, index) => {
      shapes[`pooled${index}`] = [-1, size === "W" ? width : size];
    });
    if (this.wide) shapes.wide_sum = [-1, this.wide.shape[1]];
    return shapes;
  }

  /** Returns the state before the first token: zeros, except a maximum of minus infinity. */
  start(texts = 1) {
    const state = {};
    for (const [name, shape] of Object.entries(this.shapes)) {
      const sizes = shape.map((size) => (size < 0 ? texts : size));
      const values = new Float32Array(sizes.reduce((product, size) => product * size, 1));
      state[name] = { data: name === "pooled0" ? values.fill(-Infinity) : values, sizes };
    }
    return state;
  }

  /**
   * Reads the next piece of each text.
   * @param {{ids: number[], features: number[][] | null}[]} texts at least one token each.
   * @param {object} state the state before the piece; it stays as it is.
   * @param {boolean} inside whether to return the hidden states too.
   * @returns {Promise<{logits: Float32Array, state: object, hidden: Float32Array[]}>} logits
   *   [B, U]; hidden states [T, D, B, `stateWidth`] of the first and the last layer.
   */
  async read(texts, state = this.start(texts.length), inside = false) {
    const longest = Math.max(...texts.map(({ ids }) => ids.length));
    const ids = new BigInt64Array(texts.length * longest);
    texts.forEach((text, row) => {
      text.ids.forEach((id, index) => (ids[row * longest + index] = BigInt(id)));
    });
    const { Tensor } = this.ort;
    const lengths = Int32Array.from(texts, (text) => text.ids.length);
    const feeds = {
      ids: new Tensor("int64", ids, [texts.length, longest]),
      lengths: new Tensor("int32", lengths, [texts.length]),
    };
    for (const [name, { data, sizes }] of Object.entries(this.withFeatures(state, texts))) {
      feeds[name] = new Tensor("float32", data, sizes);
    }
    const names = Object.keys(state);
    const wanted = ["logits", ...names.map((name) => `${name}_out`)];
    if (inside) wanted.push(...this.hiddenNames);
    const results = await this.inTurn(() => this.session.run(feeds, wanted));
    const next = {};
    for (const name of names) {
      const { data, dims } = results[`${name}_out`];
      next[name] = { data, sizes: [...dims] };
    }
    const logits = results.logits.data;
    if (!logits.every(Number.isFinite)) {
      throw new Error("Expected finite scores, found others: copy the whole model again.");
    }
    return { logits, state: next, hidden: this.hiddenNames.map((name) => results[name]?.data) };
  }

  /** Returns the logits of the summary of a text, without those of a wide path. */
  outputOf(summary) {
    const { weight, bias } = this.output;
    const logits = new Float32Array(bias.length);
    for (let unit = 0, at = 0; unit < bias.length; unit++) {
      let sum = bias[unit];
      for (let place = 0; place < summary.length; place++) sum += weight[at++] * summary[place];
      logits[unit] = sum;
    }
    return logits;
  }

  /** Calls a function when earlier runs have ended. */
  inTurn(run) {
    const result = this.turn.then(run);
    this.turn = result.catch(() => {});
    return result;
  }

  withFeatures(state, texts) {
    if (!this.wide) return state;
    const sums = state.wide_sum.data.slice();
    texts.forEach(({ features }, row) => {
      for (const own of features) this.addFeatures(sums, row * this.units, own);
    });
    return { ...state, wide_sum: { data: sums, sizes: state.wide_sum.sizes } };
  }

  /** Adds the weights of features to the sums of a text that start at `offset`. */
  addFeatures(sums, offset, features) {
    const { data } = this.wide;
    for (const feature of features) {
      for (let unit = 0; unit < this.units; unit++) {
        sums[offset + unit] += data[feature * this.units + unit];
      }
    }
  }

  /**
   * Returns the logits of texts, an array of U numbers for each.
   * @param {{ids: number[], features: number[][] | null}[]} texts
   * @param {object} options
   * @param {number} [options.batchTokens] the most tokens of a batch, padding included.
   * @param {() => Promise<void>} [options.between] is awaited before each batch; it may throw.
   */
  async score(texts, { batchTokens = BATCH_TOKENS, between = async () => {} } = {}) {
    const rows = [];
    for (const batch of this.batches(texts, batchTokens)) {
      await between();
      const logits = await this.scoreBatch(batch.map((index) => texts[index]));
      batch.forEach((index, row) => {
        rows[index] = logits.slice(row * this.units, (row + 1) * this.units);
      });
    }
    return rows;
  }

  async scoreBatch(texts) {
    if (!this.carries || texts[0].ids.length <= PIECE) return (await this.read(texts)).logits;
    const [text] = texts;
    let result;
    for (let start = 0; start < text.ids.length; start += PIECE) {
      result = await this.read([pieceOf(text, start, start + PIECE)], result?.state);
    }
    return result.logits;
  }

  /** Groups texts of nearly equal length, the shortest first. A long text is alone. */
  batches(texts, batchTokens) {
    const order = texts.map((_, index) => index);
    const length = (index) => texts[index].ids.length;
    order.sort((a, b) => length(a) - length(b));
    const batches = [];
    for (const index of order) {
      const batch = batches.at(-1);
      const fits = batch && (batch.length + 1) * length(index) <= batchTokens;
      if (fits && length(index) <= PIECE) batch.push(index);
      else batches.push([index]);
    }
    return batches;
  }
}

/** Returns the tokens of a text from `start` to before `end`, with their features. */
export function pieceOf({ ids, features }, start, end) {
  return { ids: ids.slice(start, end), features: features?.slice(start, end) ?? null };
}
