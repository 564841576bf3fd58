// Downloads files once: they stay in the browser's cache. Files may be packed with gzip.

const CACHE = "sentiment-lstm";

/**
 * Returns a function that reads a file, from the cache if it is there.
 * @param {object} options
 * @param {boolean} options.packed whether the files have the ending `.gz`.
 * @param {(bytes: number) => void} options.onBytes is called with the size of each piece.
 */
export function downloader({ packed, onBytes }) {
  return async (url) => {
    const address = `${url}${packed ? ".gz" : ""}`;
    const cache = await openCache();
    const kept = await cache?.match(address);
    if (kept) {
      const bytes = new Uint8Array(await kept.arrayBuffer());
      onBytes(bytes.length);
      return bytes;
    }
    const response = await fetch(address);
    if (!response.ok) throw new Error(`Expected ${address}, found status ${response.status}.`);
    const bytes = await unpacked(await collect(response, onBytes));
    await cache?.put(address, new Response(bytes)).catch(() => {}); // the disk may be full
    return bytes;
  };
}

/** Removes files of older versions from the cache: those beside these folders, not in them. */
export async function keepOnly(folders) {
  const cache = await openCache();
  const beside = new URL("..", folders[0]).href;
  for (const { url } of (await cache?.keys()) ?? []) {
    const isKept = !url.startsWith(beside) || folders.some((folder) => url.startsWith(folder));
    if (!isKept) await cache.delete(url);
  }
}

/** Returns the cache, or undefined: only pages of https and of this machine have one. */
async function openCache() {
  return globalThis.caches?.open(CACHE).catch(() => undefined);
}

async function collect(response, onBytes) {
  const transform = (piece, controller) => {
    onBytes(piece.length);
    controller.enqueue(piece);
  };
  return bytesOf(response.body.pipeThrough(new TransformStream({ transform })));
}

/** Unpacks bytes. Some hosts have unpacked them already. */
async function unpacked(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return bytesOf(new Response(bytes).body.pipeThrough(new DecompressionStream("gzip")));
}

async function bytesOf(stream) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
