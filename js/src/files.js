// Reads the files of a bundle from a folder: a URL, or a path in node.
import { FILES } from "./classifier.js";
import { Graph } from "./onnx.js";

/**
 * Reads a bundle. The weights are read only if the graph does not hold everything.
 * @param {string | URL} folder
 * @param {(url: URL) => Promise<Uint8Array>} read reads a file.
 */
export async function readBundle(folder, read = readFile) {
  const base = await folderUrl(folder);
  const file = (name) => read(new URL(FILES[name], base));
  const names = ["config", "tokenizer", "graph"];
  const [config, tokenizer, graph] = await Promise.all(names.map(file));
  const { missing, inputs } = new Graph(graph);
  const weights = missing || inputs.includes("wide_sum") ? await file("weights") : null;
  return { config, tokenizer, graph, weights };
}

/** Reads a file from the disk or from the network. */
export async function readFile(url) {
  if (url.protocol === "file:") {
    const { readFile: read } = await import(/* webpackIgnore: true */ "node:fs/promises");
    try {
      return new Uint8Array(await read(url));
    } catch (cause) {
      if (cause.code !== "ENOENT") throw cause;
      const message = `Expected ${url}, found no such file. \`sentiment-lstm export --only int8\` adds a missing graph.`;
      throw new Error(message, { cause });
    }
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Expected ${url}, found status ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

async function folderUrl(folder) {
  const name = String(folder).replace(/\/?$/, "/");
  if (/^[a-z][a-z0-9+.-]+:/i.test(name)) return new URL(name);
  if (globalThis.location) return new URL(name, globalThis.location.href);
  const { pathToFileURL } = await import(/* webpackIgnore: true */ "node:url");
  return new URL(pathToFileURL(name).href.replace(/\/?$/, "/"));
}
