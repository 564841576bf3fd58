// The key of the service. The page asks for it when an answer has the status 401. The browser keeps
// it until the tab is closed.

import { byId } from "./dom.js";

const PLACE = "sentiment-lstm.key";
const SUBPROTOCOL = "sentiment-lstm";
const LONGEST_CHECK = 5_000; // ms
let key = keptKey();
let asking = null; // the promise of a key, which all calls wait for
let focused = null; // what had the focus before

// Like `fetch`, with the key. While the service refuses the key, it asks for another one.
export async function fetchWithKey(address, options = {}) {
  for (;;) {
    const sent = key;
    let answer = null;
    try {
      answer = await fetch(address, withKey(options));
      if (answer.status !== 401) return answer;
    } finally {
      if (answer?.status !== 401 && !asking) closePanel();
    }
    if (sent === key) await (asking ??= ask());
  }
}

// The subprotocols of a WebSocket, which cannot send headers.
export function subprotocols() {
  const letters = btoa(key).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return key ? [SUBPROTOCOL, `bearer.${letters}`] : [];
}

// Browsers do not say why a WebSocket was refused. If it was the key, asks for another one.
// Returns whether there is another key.
export async function renewKey(address) {
  const refused = key;
  const options = withKey({ signal: AbortSignal.timeout(LONGEST_CHECK) });
  const { status } = await fetch(address, options).catch(() => ({}));
  if (status === 401) await fetchWithKey(address).catch(() => {});
  return key !== refused;
}

function withKey(options) {
  return key ? { ...options, headers: { ...options.headers, Authorization: `Bearer ${key}` } } : options;
}

// Opens the panel until the user enters a key. It stays open until the service has answered.
function ask() {
  showPanel(key !== "");
  return new Promise((resolve) => {
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      const typed = byId("key").value.trim();
      if (!/^[ -~]+$/.test(typed)) return showPanel(true); // no header can hold it
      keepKey(typed);
      asking = null;
      resolve();
    };
  });
}

function showPanel(isWrong) {
  const [panel, field] = [byId("key-panel"), byId("key")];
  if (panel.hidden) focused = document.activeElement;
  panel.hidden = false;
  byId("connection-text").textContent = "Key needed";
  byId("key-wrong").hidden = !isWrong;
  byId("key-wrong").textContent = isWrong ? "The service did not accept the key. Enter it again." : "";
  field.setAttribute("aria-invalid", isWrong);
  field.focus();
  field.select();
}

function closePanel() {
  const panel = byId("key-panel");
  if (panel.hidden) return;
  const hasFocus = panel.contains(document.activeElement);
  panel.hidden = true;
  byId("key").value = "";
  if (hasFocus) (focused?.closest("main, header") ? focused : byId("text")).focus();
}

function keptKey() {
  try {
    return sessionStorage.getItem(PLACE) ?? "";
  } catch {
    return ""; // storage is switched off
  }
}

function keepKey(typed) {
  key = typed;
  try {
    sessionStorage.setItem(PLACE, key);
  } catch {
    // Storage is switched off: the key lasts as long as the page.
  }
}
