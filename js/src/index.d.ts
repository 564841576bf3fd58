/** The prediction for a text. */
export interface Prediction {
  /** The likeliest class. Null for an empty text, or if its score is below `abstainBelow`. */
  label: string | null;
  /** The calibrated probability of the likeliest class, from 0 to 1. Null for an empty text. */
  score: number | null;
  /** The probability of each class, in the order of `classes`. */
  probabilities: number[];
  /** 0: unlike the training texts; 1: like them. Below 0.5 the scores are low. */
  familiarity: number | null;
  /** The fraction of the tokens that the model does not know. */
  unknown: number;
  /** The labels that reach their thresholds, if the model gives a text several labels. */
  labels?: string[];
  /** Their probabilities. */
  scores?: number[];
}

/** The prediction after a token of a text. Positions count code points. */
export interface Step {
  text: string;
  start: number;
  end: number;
  label: string | null;
  score: number;
  probabilities: number[];
  /** The mean forget gate of the first layer at the token, from 0 to 1. */
  forget: number;
}

/** What has changed since the text that was read before. */
export interface Reading {
  /** `steps` replace the steps from this index on; those before it stay. */
  from: number;
  steps: Step[];
  label: string | null;
  score: number | null;
  probabilities: number[];
  classes: string[];
  familiarity: number | null;
}

/** How far a part of a text moved the score. Positions count code points. */
export interface Attribution {
  text: string;
  start: number;
  end: number;
  attribution: number;
}

export interface Explanation {
  label: string | null;
  against: string | null;
  /** The probability of `label`, less that of `against`. */
  score: number | null;
  method: string;
  classes: string[];
  words: Attribution[];
  phrases: Attribution[];
  completeness_error: number | null;
}

/** Reads the versions of one text while it is typed. The unchanged start is not read again. */
export interface TextReader {
  read(text: string): Promise<Reading>;
}

export interface ClassifyOptions {
  /** A text with a lower score gets no label. At least 0 and below 1. */
  abstainBelow?: number;
}

export interface ExplainOptions {
  /** The class to explain; by default the most probable one. */
  label?: string | null;
  /** Another class to compare it with. */
  against?: string | null;
}

/** Scores one text, or a list of texts in order. */
export interface Classify {
  (text: string, options?: ClassifyOptions): Promise<Prediction>;
  (texts: string[], options?: ClassifyOptions): Promise<Prediction[]>;
  classes: string[];
  languages: string[];
  explain(text: string, options?: ExplainOptions): Promise<Explanation>;
  /** Starts to read a text that is typed. The model must have one direction. */
  reader(): TextReader;
}

export interface LoadOptions {
  /** The folder of a saved model: a URL, or a path in node. The package's own by default. */
  model?: string | URL;
  /** The module of ONNX Runtime: `onnxruntime-web/wasm` by default, or `onnxruntime-node`. */
  ort?: unknown;
}

/** Opens a saved model. */
export function load(options?: LoadOptions): Promise<Classify>;
