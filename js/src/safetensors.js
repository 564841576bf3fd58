// Reads the arrays of a safetensors file, and knows their types.

const TYPES = { F32: Float32Array, U32: Uint32Array, F16: Uint16Array };

/**
 * Reads a file.
 * @param {Uint8Array} data
 * @returns {Map<string, {shape: number[], data: Float32Array | Uint32Array}>} half precision is
 *   turned into single precision.
 */
export function readArrays(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(data.subarray(8, 8 + size)));
  const arrays = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const Type = TYPES[dtype];
    if (!Type) throw new Error(`Expected float or uint32 for ${name}, found ${dtype}.`);
    const bytes = data.slice(8 + size + data_offsets[0], 8 + size + data_offsets[1]);
    const values = new Type(bytes.buffer);
    arrays.set(name, { shape, data: dtype === "F16" ? fromHalf(values) : values });
  }
  return arrays;
}

function fromHalf(halves) {
  const singles = Float32Array.from({ length: 0x10000 }, (_, half) => single(half));
  const values = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) values[index] = singles[halves[index]];
  return values;
}

function single(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
