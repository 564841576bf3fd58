// Turns logits into calibrated probabilities, and probabilities into labels. Knows only numbers.

/** Below this familiarity a text is unfamiliar. */
const UNFAMILIAR_BELOW = 0.5;
const LEAST_KEPT = 0.01;

/**
 * Returns the probability of each class.
 * @param {ArrayLike<number>} logits one number for two classes, that of the second; else one each.
 * @param {number} temperature divides the logits.
 * @param {boolean} multiLabel whether a text may have several labels, each with a sigmoid.
 */
export function probabilitiesOf(logits, temperature, multiLabel) {
  const columns = columnsOf(logits, temperature, multiLabel);
  if (multiLabel) return columns.map((logit) => 1 / (1 + Math.exp(-logit)));
  const highest = Math.max(...columns);
  const powers = columns.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Returns the calibrated logit of each class; the first of two classes has 0. */
export function columnsOf(logits, temperature, multiLabel) {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  return scaled.length === 1 && !multiLabel ? [0, scaled[0]] : scaled;
}

/** Moves the probabilities of an unfamiliar text towards equal ones, or towards 0. */
export function lessCertain(probabilities, familiarity, multiLabel) {
  if (familiarity === null || familiarity >= UNFAMILIAR_BELOW) return probabilities;
  const kept = Math.min(1, Math.max(LEAST_KEPT, familiarity / UNFAMILIAR_BELOW));
  const base = multiLabel ? 0 : 1 / probabilities.length;
  return probabilities.map((probability) => base + kept * (probability - base));
}

/**
 * Returns the indices of the classes of a text, the most probable first.
 * @param {number[]} probabilities
 * @param {number[] | null} thresholds of each label, if a text may have several.
 * @param {number} abstainBelow the lowest probability that counts as an answer.
 */
export function chosen(probabilities, thresholds, abstainBelow = 0) {
  const order = probabilities.map((_, index) => index);
  order.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  if (thresholds) return order.filter((index) => probabilities[index] >= thresholds[index]);
  return probabilities[order[0]] >= abstainBelow ? [order[0]] : [];
}
