// The classes of a model: the axis of the curve, and the colour and mark of each class.

const MARKS = { first: "▼", middle: "●", last: "▲", other: "■" };

// Returns the classes at both ends of the curve's axis, -1 and 1; null if the model has no such two.
// From negative to positive, a value is P(positive) - P(negative), so neutral text is near 0.
export function axisOf(classes) {
  const names = classes.map((name) => name.toLowerCase());
  let [low, high] = [names.indexOf("negative"), names.indexOf("positive")];
  if (low < 0 || high < 0) [low, high] = classes.length === 2 ? [0, 1] : [-1, -1];
  if (low < 0) return null;
  return { low, high, lowName: classes[low], highName: classes[high] };
}

// The value of a step on the axis. Without an axis: the probability of the class `followed`.
export function valueOf(probabilities, axis, followed) {
  return axis ? probabilities[axis.high] - probabilities[axis.low] : (probabilities[followed] ?? 0);
}

// "first", "last", "middle" or "other": names of styles, which also differ without colour.
export function kindOf(label, classes) {
  const axis = axisOf(classes);
  const index = classes.indexOf(label);
  if (!axis) return "other";
  if (index === axis.low) return "first";
  return index === axis.high ? "last" : "middle";
}

export const markOf = (label, classes) => MARKS[kindOf(label, classes)];

// The style of a value between -1 and 1. Near 0 it is the middle.
export function kindOfValue(value) {
  if (Math.abs(value) < 0.1) return "middle";
  return value < 0 ? "first" : "last";
}
