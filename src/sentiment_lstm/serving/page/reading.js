// The steps of a text that an engine has read: keeps them up to date, and joins them to words.

// Engines count code points, as Python does; the browser counts UTF-16 units. Returns a function
// that turns a position in code points into one in UTF-16 units.
export function unitsOf(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (position) => Math.min(position, text.length);
  const starts = [0];
  for (const character of text) starts.push(starts.at(-1) + character.length);
  return (position) => starts[Math.min(position, starts.length - 1)];
}

// An answer's steps replace those from its index `from` on.
export function merged(steps, answer) {
  return [...steps.slice(0, answer.from), ...answer.steps];
}

// The steps with `first` and `last`, their span in UTF-16 units.
export function placed(steps, text) {
  const units = unitsOf(text);
  return steps.map((step) => ({ ...step, first: units(step.start), last: units(step.end) }));
}

// Moves placed steps after an edit, until the engine has read the new text. Steps that the edit
// touched are left out.
export function shifted(steps, before, after) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const move = after.length - before.length;
  return steps.flatMap((step) => {
    if (step.last <= head) return [step];
    if (step.first < before.length - tail) return [];
    return [{ ...step, first: step.first + move, last: step.last + move }];
  });
}

// The indices at which the running label changed for good: for three steps, or to the end.
export function turningPoints(labels) {
  const turns = [];
  let settled = labels[0];
  for (let index = 1; index < labels.length; index += 1) {
    const window = labels.slice(index, index + 3);
    if (window[0] !== settled && window.every((label) => label === window[0])) {
      turns.push(index);
      settled = window[0];
    }
  }
  return turns;
}

const knownWords = new WeakMap(); // by the array of steps, which is never changed

// Joins the pieces of each word: {text, from, to}, the indices of its first and last step.
export function wordsOf(steps, text) {
  if (!knownWords.has(steps)) knownWords.set(steps, joined(steps, text));
  return knownWords.get(steps);
}

function joined(steps, text) {
  const words = [];
  steps.forEach((step, index) => {
    const written = text.slice(step.first, step.last);
    const last = words.at(-1);
    const touches = index > 0 && steps[index - 1].last === step.first;
    if (touches && /^[\p{L}\p{N}]/u.test(written) && /[\p{L}\p{N}]$/u.test(last.text)) {
      last.text += written;
      last.to = index;
    } else words.push({ text: written, from: index, to: index });
  });
  return words;
}

// The whole word around a step, because readers do not understand pieces of words.
export function wordAt(words, index) {
  return words.find((word) => index <= word.to)?.text ?? "";
}
