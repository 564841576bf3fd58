// Copies the model of the Python package into `model/`, in the form that a page needs: the int8
// graph with the embedding inside, and no other weights.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { Graph } from "../src/onnx.js";
import { readArrays } from "../src/safetensors.js";
import { outsideArrays } from "../src/weights.js";

const from = new URL("../../src/sentiment_lstm/pretrained/default/", import.meta.url);
const to = new URL("../model/", import.meta.url);
const read = async (name) => new Uint8Array(await readFile(new URL(name, from)));

await mkdir(to, { recursive: true });
const graph = new Graph(await read("model.int8.onnx"));
const arrays = outsideArrays(graph, readArrays(await read("model.safetensors")));
await writeFile(new URL("model.int8.onnx", to), graph.toBytes([], arrays));
for (const name of ["config.json", "tokenizer.json", "README.md"]) {
  await copyFile(new URL(name, from), new URL(name, to));
}
await copyFile(new URL("../../LICENSE", import.meta.url), new URL("../LICENSE", import.meta.url));
