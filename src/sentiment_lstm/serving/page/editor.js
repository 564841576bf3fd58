// The text field. A mirror under the transparent field has the same text and shows the colours, so
// the field itself stays an ordinary one: undo, spelling, screen readers and keyboards work.

import { byId, element } from "./dom.js";
import { kindOf, kindOfValue, valueOf } from "./classes.js";

export class Editor {
  constructor(field, mirror) {
    this.field = field;
    this.mirror = mirror;
    this.shown = []; // {text, kind, strength} of the mirror's children
  }

  get text() {
    return this.field.value;
  }

  // Shows the text with the colours of its placed steps. Steps from `position` on stay plain.
  paint({ steps, axis, followed, classes, position }) {
    const text = this.text;
    const parts = [];
    let end = 0;
    steps.forEach((step, index) => {
      if (step.first > end) parts.push({ text: text.slice(end, step.first), kind: "", strength: 0 });
      const next = steps[index + 1]?.first ?? step.last;
      // The colour runs on over spaces up to the next word, but not over line ends.
      const gap = text.slice(step.last, next);
      const start = Math.max(end, step.first); // two tokens may have the same span
      end = /^ *$/.test(gap) && index + 1 < position ? next : Math.min(step.last, next);
      const value = valueOf(step.probabilities, axis, followed);
      const kind = axis ? kindOfValue(value) : kindOf(step.label, classes);
      const strength = Math.round(20 * Math.abs(value)) / 20;
      const isRead = index < position;
      parts.push({
        text: text.slice(start, end),
        kind: isRead ? `token ${kind}${index + 1 === position && position < steps.length ? " current" : ""}` : "unread",
        strength: isRead ? strength : 0,
      });
    });
    // A line end at the very end has a height only if something follows it.
    parts.push({ text: `${text.slice(end)}\u200b`, kind: "", strength: 0 });
    this.#show(parts);
  }

  #show(parts) {
    parts.forEach((part, index) => {
      const old = this.shown[index];
      const same = old && old.text === part.text;
      if (same && old.kind === part.kind && old.strength === part.strength) return;
      const node = this.mirror.childNodes[index] ?? this.mirror.appendChild(element("span"));
      if (!same) node.textContent = part.text;
      node.className = part.kind;
      node.style.setProperty("--strength", part.strength);
    });
    while (this.mirror.childNodes.length > parts.length) this.mirror.lastChild.remove();
    this.shown = parts;
  }

  // Marks a span of the text for the user, as if selected by hand.
  select(first, last) {
    this.field.focus({ preventScroll: true });
    this.field.setSelectionRange(first, last);
  }
}

// Names the classes under the text. Without two poles, the colour is the probability of one class.
export function showLegend({ axis, followed, classes }) {
  const samples = axis
    ? [["first", axis.lowName], ["middle", "between"], ["last", axis.highName]]
    : [["other", classes[followed]]];
  byId("legend").hidden = classes.length === 0;
  const nodes = samples.flatMap(([kind, name]) => [element("span", { class: `token ${kind} sample` }, name), " "]);
  byId("samples").replaceChildren(...nodes);
}
