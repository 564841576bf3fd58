// Measures an engine, in node and in a browser: reviews a second, and the time of a keystroke.

const KEYS = "abcdefghijklmnopqrst";

/**
 * @param {{classify: Function, read: Function}} engine
 * @param {string[]} reviews
 * @param {string} long a text of about 500 tokens, which is edited.
 */
export async function measure(engine, reviews, long) {
  await engine.classify(reviews.slice(0, 20));
  let started = performance.now();
  const predictions = await engine.classify(reviews);
  const seconds = (performance.now() - started) / 1000;
  started = performance.now();
  const { steps } = await engine.read(long);
  const pasted = performance.now() - started;
  const middle = long.indexOf(" ", long.length / 2);
  const typed = await times(engine, (keys) => `${long} ${keys}`);
  const edited = await times(engine, (keys) => long.slice(0, middle) + ` ${keys}` + long.slice(middle));
  return {
    probabilities: predictions.map(({ probabilities }) => probabilities),
    labels: predictions.map(({ label }) => label),
    reviews_per_second: reviews.length / seconds,
    tokens: steps.length,
    paste_ms: pasted,
    keystroke_at_end_ms: typed,
    keystroke_in_the_middle_ms: edited,
  };
}

/** Returns the median time of a keystroke. */
async function times(engine, textOf) {
  const milliseconds = [];
  for (let count = 1; count <= KEYS.length; count++) {
    const started = performance.now();
    await engine.read(textOf(KEYS.slice(0, count)));
    milliseconds.push(performance.now() - started);
  }
  return milliseconds.sort((a, b) => a - b)[KEYS.length >> 1];
}
