// Opens ONNX Runtime's WebAssembly build.

/**
 * Returns its module.
 * @param {{folder: string, library: string, binary: string}} [runtime] where its files lie; without
 *   it, the package `onnxruntime-web` is imported.
 * @param {(url: URL) => Promise<Uint8Array>} [read] reads the binary.
 */
export async function openRuntime(runtime, read) {
  const [ort, bytes] = runtime ? await readFrom(runtime, read) : [await import("onnxruntime-web/wasm")];
  // More threads need a page that is isolated from others, and do not help a model this small.
  ort.env.wasm.numThreads = 1;
  if (bytes) ort.env.wasm.wasmBinary = bytes.buffer;
  return ort;
}

function readFrom({ folder, library, binary }, read) {
  return Promise.all([
    import(/* @vite-ignore */ /* webpackIgnore: true */ new URL(library, folder).href),
    read(new URL(binary, folder)),
  ]);
}
