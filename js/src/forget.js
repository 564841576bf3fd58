// Computes the forget gate of the first layer, which no output of a graph holds.
import { meanSigmoidGraph } from "./onnx.js";

const FORGET = 2; // the gates of ONNX: input, output, forget, candidate
const ANCHORS = 2;

/** The forget gate of the first layer, forward: its mean over the units. */
export class ForgetGate {
  /** @param {import("./network.js").Network} network of one direction. */
  constructor(network) {
    const { graph, lstm, hiddenSize, stateWidth } = network;
    const array = (position) => graph.arrays.get(lstm.inputs[position]);
    const [w, r] = [array(1), array(2)];
    const width = 4 * stateWidth;
    const first = FORGET * stateWidth;
    this.network = network;
    this.inputs = w.shape[1] - ANCHORS;
    this.step = graph.arrays.get(graph.of("DequantizeLinear")[0].inputs[1]).data()[0];
    const weight = new Float32Array((this.inputs + hiddenSize) * hiddenSize);
    const block = { width, first, hiddenSize };
    copyBlock(weight, 0, w.data(), array(8).data(), this.inputs, block);
    copyBlock(weight, this.inputs, r.data(), array(10).data(), hiddenSize, block);
    const biases = array(3).data();
    const bias = Float32Array.from({ length: hiddenSize }, (_, unit) => {
      return biases[first + unit] + biases[width + first + unit];
    });
    this.file = meanSigmoidGraph(weight, bias);
  }

  /**
   * Returns the mean of the gate at each token, from 0 to 1.
   * @param {number[]} ids of T tokens.
   * @param {Float32Array} before the hidden state before the first token, [H].
   * @param {Float32Array} states the hidden states after each token, [T, H + 2].
   */
  async means(ids, before, states) {
    const { ort, hiddenSize, stateWidth, table } = this.network;
    this.session ??= ort.InferenceSession.create(this.file);
    const width = this.inputs + hiddenSize;
    const x = new Float32Array(ids.length * width);
    ids.forEach((id, index) => {
      const row = id * (this.inputs + ANCHORS);
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

/** Copies the columns of the forget gate of an int8 matrix to rows from `at` on, as numbers. */
function copyBlock(weight, at, matrix, scales, rows, { width, first, hiddenSize }) {
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hiddenSize; unit++) {
      const value = matrix[row * width + first + unit] * scales[first + unit];
      weight[(at + row) * hiddenSize + unit] = value;
    }
  }
}
