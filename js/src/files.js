// Reads the files of a bundle from a folder: a URL, or a path in node.
import { Graph } from "./onnx.js";

/** The names of a bundle's graphs. The first is smaller and faster. */
const GRAPHS = ["model.int8.onnx", "model.onnx"];

/**
 * Reads a bundle. The weights are read only if the graph does not hold everything.
 * @param {string | URL} folder
 * @param {(url: URL) => Promise<Uint8Array>} read reads a file.
 */
export async function readBundle(folder, read = readFile) {
  const base = await folderUrl(folder);
  const file = (name) => read(new URL(name, base));
  const settings = file("config.json");
  const graphFile = settings.then((config) => file(graphOf(config, base)));
  const files = [settings, file("tokenizer.json"), graphFile];
  const [config, tokenizer, graph] = await Promise.all(files);
  const { missing, inputs } = new Graph(graph);
  const isWhole = missing.length === 0 && !inputs.includes("wide_sum");
  return { config, tokenizer, graph, weights: isWhole ? null : await file("model.safetensors") };
}

/** Returns the name of the graph to run. Folders for browsers do not list their only one. */
function graphOf(config, base) {
  const { graphs = GRAPHS } = JSON.parse(new TextDecoder().decode(config));
  const name = GRAPHS.find((each) => graphs.includes(each));
  if (name) return name;
  throw new Error(`Expected a graph in ${base}, found none: add one with \`sentiment-lstm export --only int8\`.`);
}

/** Reads a file from the disk or from the network. */
async function readFile(url) {
  if (url.protocol === "file:") {
    const { readFile: read } = await import(/* webpackIgnore: true */ "node:fs/promises");
    try {
      return new Uint8Array(await read(url));
    } catch (cause) {
      if (cause.code !== "ENOENT") throw cause;
      throw new Error(`Expected ${url}, found no such file.`, { cause });
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
