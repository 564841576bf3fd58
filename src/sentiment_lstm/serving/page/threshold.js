// The user's threshold for "not sure". The browser keeps it between visits.

const KEY = "sentiment-lstm.threshold";
const USUAL = 0.6;

export function keptThreshold() {
  try {
    const kept = Number(localStorage.getItem(KEY) ?? Number.NaN);
    return kept >= 0 && kept < 1 ? kept : USUAL;
  } catch {
    return USUAL; // storage is switched off
  }
}

export function keepThreshold(threshold) {
  try {
    localStorage.setItem(KEY, threshold);
  } catch {
    // Storage is switched off: the threshold lasts as long as the page.
  }
}
