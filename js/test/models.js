// The models that ship with the Python package, and what Python makes of some texts.
import { readFileSync } from "node:fs";

export const vectors = json(new URL("../../docs/runtime_vectors.json", import.meta.url));
export const NAMES = Object.keys(vectors.models);

export function folder(name) {
  return new URL(`../../src/sentiment_lstm/pretrained/${name}/`, import.meta.url);
}

export function json(url) {
  return JSON.parse(readFileSync(url, "utf-8"));
}
