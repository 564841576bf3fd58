// Scores texts with a bundle: tokenizer, network, calibration, classes.
import { isEmpty } from "./cleaning.js";
import { Familiarity } from "./familiarity.js";
import { Network } from "./network.js";
import { chosen, lessCertain, probabilitiesOf } from "./probabilities.js";
import { readArrays } from "./safetensors.js";
import { Tokenizer, UNKNOWN_ID } from "./tokenizer.js";

const ARCHITECTURE = "lstm-classifier";
const NEWEST_FORMAT = 2;
const WINDOW = 512; // texts that are held as tokens at the same time

/** A trained classifier of texts. */
export class Classifier {
  /**
   * @param {object} ort the module of ONNX Runtime: `onnxruntime-web/wasm` or `onnxruntime-node`.
   * @param {Record<string, Uint8Array>} files the files of a bundle, as `readBundle` returns them.
   */
  static async open(ort, files) {
    // A Buffer of node slices in another way than a plain array.
    const plain = ({ buffer, byteOffset, length }) => new Uint8Array(buffer, byteOffset, length);
    const json = (name) => JSON.parse(new TextDecoder().decode(files[name]));
    const config = json("config");
    checkFormat(config);
    const arrays = files.weights ? readArrays(plain(files.weights)) : null;
    const network = await Network.open(ort, config.model, plain(files.graph), arrays);
    return new Classifier(config, json("tokenizer"), arrays, network);
  }

  constructor(config, tokenizer, arrays, network) {
    const names = Object.entries(config.id2label).sort(([a], [b]) => a - b);
    this.classes = names.map(([, name]) => name);
    this.languages = config.training?.language ?? [];
    this.temperature = config.temperature ?? 1;
    this.multiLabel = config.multi_label === true;
    this.thresholds = this.multiLabel ? this.classes.map((name) => config.thresholds[name]) : null;
    this.tokenizer = new Tokenizer(tokenizer, {
      correctSlips: config.text.correct_slips === true,
      hashes: arrays?.get("wide.hashes")?.data ?? null,
    });
    this.familiarity = Familiarity.of(config.training, this.tokenizer.tokens.length);
    this.network = network;
  }

  /**
   * Scores texts, in order.
   * @param {string[]} texts
   * @param {object} options
   * @param {number} [options.abstainBelow] a lower score gives no label.
   * @param {object} [options.scoring] as the options of `Network.score`.
   */
  async classify(texts, { abstainBelow = 0, scoring } = {}) {
    checkTexts(texts);
    this.checkThreshold(abstainBelow);
    const predictions = [];
    for (let start = 0; start < texts.length; start += WINDOW) {
      const window = texts.slice(start, start + WINDOW);
      const encoded = window.map((text) => this.tokenizer.encode(text));
      const logits = await this.network.score(encoded, scoring);
      window.forEach((text, index) => {
        const prediction = isEmpty(text)
          ? this.nothing()
          : this.prediction(encoded[index].ids, logits[index], abstainBelow);
        predictions.push(prediction);
      });
    }
    return predictions;
  }

  /** Returns the probabilities of each class, familiarity left aside. */
  calibrated(logits) {
    return probabilitiesOf(logits, this.temperature, this.multiLabel);
  }

  /** Returns the probabilities of each class, lower for an unfamiliar text. */
  probabilities(logits, familiarity) {
    return lessCertain(this.calibrated(logits), familiarity, this.multiLabel);
  }

  /** Returns how familiar a text looks; null if the model cannot tell. */
  familiarityOf(ids) {
    return this.familiarity ? this.familiarity.text(ids) : null;
  }

  prediction(ids, logits, abstainBelow) {
    const familiarity = this.familiarityOf(ids);
    const unknown = ids.filter((id) => id === UNKNOWN_ID).length / ids.length;
    const answer = this.answer(logits, familiarity, abstainBelow);
    return { ...answer, familiarity, unknown };
  }

  /** Turns logits into a label, its score and all probabilities. */
  answer(logits, familiarity, abstainBelow = 0) {
    const probabilities = this.probabilities(logits, familiarity);
    const classes = chosen(probabilities, this.thresholds, abstainBelow);
    const label = classes.length ? this.classes[classes[0]] : null;
    const answer = { label, score: Math.max(...probabilities), probabilities };
    if (!this.multiLabel) return answer;
    const labels = classes.map((index) => this.classes[index]);
    return { ...answer, labels, scores: classes.map((index) => probabilities[index]) };
  }

  /** The prediction for an empty text. */
  nothing() {
    const base = this.multiLabel ? 0 : 1 / this.classes.length;
    const probabilities = this.classes.map(() => base);
    const nothing = { label: null, score: null, probabilities, familiarity: null, unknown: 1 };
    return this.multiLabel ? { ...nothing, labels: [], scores: [] } : nothing;
  }

  checkThreshold(abstainBelow) {
    if (!(abstainBelow >= 0 && abstainBelow < 1)) {
      throw new RangeError(
        `Expected abstainBelow to be at least 0 and below 1, found ${abstainBelow}.`,
      );
    }
    if (abstainBelow && this.multiLabel) {
      throw new RangeError(
        "Expected no abstainBelow for a model of several labels per text, as each label has a " +
          "threshold of its own; leave it out.",
      );
    }
  }
}

/** Raises an error if this is no list of strings. */
function checkTexts(texts) {
  if (!Array.isArray(texts)) {
    throw new TypeError(`Expected a list of texts, found ${typeof texts}: put them in a list.`);
  }
  texts.forEach((text, index) => {
    if (typeof text !== "string") {
      throw new TypeError(`Expected every text to be a string, found ${typeof text} at ${index}.`);
    }
  });
}

function checkFormat(config) {
  if (config.architecture !== ARCHITECTURE) {
    throw new Error(`Expected a model of sentiment-lstm, found ${config.architecture}.`);
  }
  if (config.format_version > NEWEST_FORMAT) {
    throw new Error(
      `Expected at most format version ${NEWEST_FORMAT}, found ${config.format_version}: ` +
        "upgrade sentiment-lstm to read it.",
    );
  }
}
