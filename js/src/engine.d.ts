import type { Explanation, ExplainOptions, Prediction, Reading } from "./index.js";

export interface Status {
  state: "loading";
  /** The part of the files that has come, from 0 to 1. */
  fraction: number;
}

export interface EngineOptions {
  /** The name of the model, for `info`. */
  name?: string;
  /** The address of the model's folder. */
  model: string | URL;
  /** Whether the files end in `.gz`. */
  packed?: boolean;
  /** Where ONNX Runtime lies; without it, the package `onnxruntime-web` is imported. */
  runtime?: { folder: string; library: string; binary: string };
  /** The size of all files, for `fraction`. */
  bytes?: number;
  onStatus?: (status: Status) => void;
}

/** A model in a worker of the browser. */
export interface Engine {
  info: { name: string; classes: string[]; languages: string[] };
  /** Reads the text that is typed; the answer says what has changed since the last one. */
  read(text: string): Promise<Reading>;
  explain(text: string, options?: ExplainOptions & { signal?: AbortSignal }): Promise<Explanation>;
  classify(texts: string[], options?: { signal?: AbortSignal }): Promise<Prediction[]>;
  close(): void;
}

/** Opens a model in a worker. */
export function openEngine(options: EngineOptions): Promise<Engine>;
