// Reads an ONNX file, a protocol buffer, as far as needed. Adds outputs and arrays to it.

const FLOAT = 1;
const INT64 = 7;
const EXTERNAL = 1;
const IR_VERSION = 10;
const OPSET = 21;
const BYTES = 2; // the kind of a field that holds bytes
const utf8 = new TextEncoder();
const text = new TextDecoder();
const ARRAYS = { 1: Float32Array, 3: Int8Array, 6: Int32Array };

/** A graph: its nodes, its arrays and its inputs. */
export class Graph {
  /** @param {Uint8Array} data an ONNX file of this package. */
  constructor(data) {
    this.fields = fieldsOf(data);
    const graph = this.fields.find(({ number }) => number === 7);
    if (!graph) throw new Error("Expected a graph of this package, found another file.");
    this.parts = fieldsOf(graph.value);
    const parts = (number) =>
      this.parts.filter((part) => part.number === number).map((part) => fieldsOf(part.value));
    this.nodes = parts(1).map(readNode);
    this.arrays = new Map(parts(5).map(readArray));
    this.inputs = parts(11).map((fields) => string(fields, 1));
  }

  /** Returns the nodes of these kinds. */
  of(...kinds) {
    return this.nodes.filter(({ kind }) => kinds.includes(kind));
  }

  /** The arrays that the file leaves out. */
  get missing() {
    return [...this.arrays.values()].filter(({ isMissing }) => isMissing);
  }

  /**
   * Returns the file with more outputs and with the arrays that it left out.
   * @param {string[]} outputs names of float values inside the graph.
   * @param {Map<string, Int8Array | Float32Array>} arrays by name.
   */
  toBytes(outputs, arrays) {
    const parts = this.parts.map((part) => {
      const array = part.number === 5 ? this.arrays.get(string(fieldsOf(part.value), 8)) : null;
      return array?.isMissing ? field(5, tensor({ ...array, data: arrays.get(array.name) })) : part.raw;
    });
    for (const name of outputs) parts.push(field(12, floatValue(name)));
    const graph = field(7, joined(parts));
    return joined(this.fields.map((part) => (part.number === 7 ? graph : part.raw)));
  }
}

function readNode(fields) {
  const names = (number) => all(fields, number).map((bytes) => text.decode(bytes));
  return { kind: string(fields, 4), inputs: names(1), outputs: names(2) };
}

function readArray(fields) {
  const name = string(fields, 8);
  const shape = all(fields, 1);
  const isMissing = all(fields, 14)[0] === EXTERNAL;
  const [type] = all(fields, 2);
  const raw = all(fields, 9)[0];
  // A copy, as the array may start anywhere in the file.
  const data = () => new ARRAYS[type](raw.slice().buffer);
  return [name, { name, shape, type, isMissing, data }];
}

/**
 * Returns the file of a graph that computes the mean of sigmoid(x W + b): x [T, N] gives [T].
 * @param {Float32Array} weight [N, M]
 * @param {Float32Array} bias [M]
 */
export function meanSigmoidGraph(weight, bias) {
  const width = bias.length;
  const arrays = [
    { name: "w", type: FLOAT, shape: [weight.length / width, width], data: weight },
    { name: "b", type: FLOAT, shape: [width], data: bias },
    { name: "units", type: INT64, shape: [1], data: BigInt64Array.of(1n) },
  ];
  const nodes = [
    node("Gemm", ["x", "w", "b"], "values"),
    node("Sigmoid", ["values"], "gates"),
    node("ReduceMean", ["gates", "units"], "mean", { keepdims: 0 }),
  ];
  const graph = joined([
    ...nodes.map((each) => field(1, each)),
    field(2, utf8.encode("mean-sigmoid")),
    ...arrays.map((array) => field(5, tensor(array))),
    field(11, floatValue("x")),
    field(12, floatValue("mean")),
  ]);
  const opset = joined([field(1, new Uint8Array()), field(2, OPSET)]);
  return joined([field(1, IR_VERSION), field(7, graph), field(8, opset)]);
}

function node(kind, inputs, output, options = {}) {
  const numbers = Object.entries(options).map(([name, value]) =>
    field(5, joined([field(1, utf8.encode(name)), field(3, value), field(20, 2)])),
  );
  const names = inputs.map((name) => field(1, utf8.encode(name)));
  return joined([...names, field(2, utf8.encode(output)), field(4, utf8.encode(kind)), ...numbers]);
}

function tensor({ name, data, shape, type }) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const sizes = shape.map((size) => field(1, size));
  return joined([...sizes, field(2, type), field(8, utf8.encode(name)), field(9, bytes)]);
}

function floatValue(name) {
  const type = field(1, field(1, FLOAT)); // a tensor of any shape
  return joined([field(1, utf8.encode(name)), field(2, type)]);
}

function all(fields, number) {
  return fields.filter((part) => part.number === number).map(({ value }) => value);
}

function string(fields, number) {
  return text.decode(all(fields, number)[0] ?? new Uint8Array());
}

/** Cuts a message into its fields: number, value (bytes or a whole number) and raw bytes. */
function fieldsOf(data) {
  const fields = [];
  const reader = { data, position: 0 };
  while (reader.position < data.length) {
    const start = reader.position;
    const key = readVarint(reader);
    let value = readVarint(reader);
    if ((key & 7) === BYTES) {
      const end = reader.position + value;
      if (end > data.length) throw new Error("Expected a graph, found a damaged file.");
      value = data.subarray(reader.position, end);
      reader.position = end;
    } else if (key & 7) {
      throw new Error("Expected a graph of this package, found another kind of field.");
    }
    fields.push({ number: key >> 3, value, raw: data.subarray(start, reader.position) });
  }
  return fields;
}

function readVarint(reader) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = reader.data[reader.position++];
    if (byte === undefined) throw new Error("Expected a graph, found a damaged file.");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

function field(number, value) {
  if (typeof value === "number") return joined([varint(number << 3), varint(value)]);
  return joined([varint((number << 3) | BYTES), varint(value.length), value]);
}

function varint(value) {
  const bytes = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
  return Uint8Array.from(bytes);
}

function joined(pieces) {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const result = new Uint8Array(size);
  let position = 0;
  for (const piece of pieces) {
    result.set(piece, position);
    position += piece.length;
  }
  return result;
}
