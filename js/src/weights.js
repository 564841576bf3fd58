// The arrays that a graph leaves out, because `model.safetensors` holds them.
//
// Shapes: V words, E embedding, H hidden, X inputs of a layer, D directions.

/** Two extra inputs, and two extra states, keep the ranges of an int8 layer fixed. */
const ANCHORS = 2;
/** PyTorch's places of the gates in ONNX's order: input, output, forget, candidate. */
const GATES = [0, 3, 1, 2];
const DIRECTIONS = ["ahead", "back"];
const MATRICES = { w: "weight_ih_l0", r: "weight_hh_l0" };

/** Returns the number of anchors of a graph. */
export function anchorsOf(graph) {
  return graph.of("DynamicQuantizeLSTM").length ? ANCHORS : 0;
}

/**
 * Returns the arrays that a graph leaves out, by their names.
 * @param {import("./onnx.js").Graph} graph
 * @param {Map | null} weights the arrays of `model.safetensors`.
 * @returns {Map<string, Int8Array | Float32Array>}
 */
export function outsideArrays(graph, weights) {
  const arrays = new Map();
  for (const { name, shape } of graph.missing) {
    if (!weights?.has("embedding.weight")) {
      throw new Error("Expected model.safetensors, found none; copy it.");
    }
    arrays.set(name, name === "table" ? table(weights, anchorsOf(graph)) : layer(weights, name, shape[0]));
  }
  return arrays;
}

function table(weights, anchors) {
  const embedding = weights.get("embedding.weight");
  return anchors ? quantised(embedding) : embedding.data;
}

/** Returns `w0` [D, 4H, X], `r0` [D, 4H, H] or `b0` [D, 8H], or those of a later layer. */
function layer(weights, name, directions) {
  const [kind, number] = [name[0], name.slice(1)];
  const kinds = kind === "b" ? ["bias_ih_l0", "bias_hh_l0"] : [MATRICES[kind]];
  const parts = DIRECTIONS.slice(0, directions).flatMap((direction) =>
    kinds.map((each) => inOrder(weights.get(`${direction}.${number}.${each}`).data)),
  );
  const joined = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, index) => joined.set(part, index * part.length));
  return joined;
}

/** Returns the rows of an array in the order of ONNX. */
function inOrder(data) {
  const size = data.length / GATES.length;
  const ordered = new Float32Array(data.length);
  GATES.forEach((gate, place) => ordered.set(data.subarray(gate * size, (gate + 1) * size), place * size));
  return ordered;
}

/** Returns an embedding [V, E] as int8 [V, E + 2]; the last two columns are the anchors. */
function quantised({ shape: [rows, columns], data }) {
  let largest = 1e-12;
  for (const value of data) largest = Math.max(largest, Math.abs(value));
  const step = Math.fround(largest / 127);
  const width = columns + ANCHORS;
  const quantisedTable = new Int8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      quantisedTable[row * width + column] = toEven(Math.fround(data[row * columns + column] / step));
    }
    quantisedTable[row * width + columns] = 127;
    quantisedTable[row * width + columns + 1] = -127;
  }
  return quantisedTable;
}

/** Rounds to the nearest whole number, and from the middle to the even one. */
function toEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
