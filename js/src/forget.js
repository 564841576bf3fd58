// Computes the forget gate of the first layer, which no output of a graph holds.
import { meanSigmoidGraph } from "./onnx.js";

const FORGET = 2; // the gates of ONNX: input, output, forget, candidate

/** The forget gate of the first layer, forward: its mean over the units. */
export class ForgetGate {
  /** @param {import("./network.js").Network} network of one direction. */
  constructor(network) {
    const { graph, lstm, hiddenSize, stateWidth, anchors, firstLayer } = network;
    const [w, r, biases] = firstLayer;
    const width = 4 * stateWidth;
    const first = FORGET * stateWidth;
    this.network = network;
    this.inputs = w.length / width - anchors;
    const constant = (name) => graph.arrays.get(name).data();
    this.step = anchors ? constant(graph.of("DequantizeLinear")[0].inputs[1])[0] : 1;
    const [ofInput, ofState] = anchors
      ? [int8Weights(w, constant(lstm.inputs[8])), int8Weights(r, constant(lstm.inputs[10]))]
      : [floatWeights(w, this.inputs), floatWeights(r, hiddenSize)];
    const weight = Float32Array.from({ length: (this.inputs + hiddenSize) * hiddenSize }, (_, place) => {
      const [input, unit] = [Math.floor(place / hiddenSize), first + (place % hiddenSize)];
      return input < this.inputs ? ofInput(input, unit) : ofState(input - this.inputs, unit);
    });
    const bias = Float32Array.from({ length: hiddenSize }, (_, unit) => {
      return biases[first + unit] + biases[width + first + unit];
    });
    this.file = meanSigmoidGraph(weight, bias);
  }

  /**
   * Returns the mean of the gate at each token, from 0 to 1.
   * @param {number[]} ids of T tokens.
   * @param {Float32Array} before the hidden state before the first token, [H].
   * @param {Float32Array} states the hidden states after each token, [T, `stateWidth`].
   */
  async means(ids, before, states) {
    const { ort, hiddenSize, stateWidth, anchors, table } = this.network;
    this.session ??= ort.InferenceSession.create(this.file);
    const width = this.inputs + hiddenSize;
    const x = new Float32Array(ids.length * width);
    ids.forEach((id, index) => {
      const row = id * (this.inputs + anchors);
      const start = index * width;
      for (let input = 0; input < this.inputs; input++) x[start + input] = table[row + input] * this.step;
      const from = (index - 1) * stateWidth;
      x.set(index ? states.subarray(from, from + hiddenSize) : before, start + this.inputs);
    });
    const session = await this.session;
    const feeds = { x: new ort.Tensor("float32", x, [ids.length, width]) };
    return (await this.network.inTurn(() => session.run(feeds))).mean.data;
  }
}

/** Returns a function: (input, unit) -> weight, for an int8 matrix [X, 4H] with a scale per unit. */
function int8Weights(matrix, scales) {
  return (input, unit) => matrix[input * scales.length + unit] * scales[unit];
}

/** Returns a function: (input, unit) -> weight, for a matrix [4H, X]. */
function floatWeights(matrix, inputs) {
  return (input, unit) => matrix[unit * inputs + input];
}
