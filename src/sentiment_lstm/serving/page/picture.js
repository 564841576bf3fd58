// The picture on the page: the curve, the slider under it, both in words, and the table of steps.

import { byId } from "./dom.js";
import { describeCurve, describeStep, drawCurve } from "./curve.js";
import { showTable } from "./steps_table.js";

const THUMB = 16; // px, as in style.css

export class Picture {
  // `view()` gives what is drawn: the view of `drawCurve` without its width.
  constructor(view) {
    Object.assign(this, { view, width: 600, left: 0, slot: 1, isDue: false, drawnAt: 0 });
    byId("steps-details").ontoggle = () => this.show();
    new ResizeObserver(([entry]) => {
      this.width = Math.max(240, Math.floor(entry.contentRect.width));
      this.show();
    }).observe(byId("picture-frame"));
  }

  // Draws with the next frame. Pictures of long texts come less often than a fast typist's keys.
  show() {
    if (this.isDue) return;
    this.isDue = true;
    const wait = Math.min(150, this.view().steps.length / 5 - (performance.now() - this.drawnAt));
    setTimeout(() => requestAnimationFrame(() => this.#draw()), Math.max(0, wait));
  }

  // The number of steps up to the pointer.
  stepsUpTo(event) {
    const distance = event.clientX - byId("curve").getBoundingClientRect().left - this.left;
    return Math.max(1, Math.ceil(distance / this.slot));
  }

  #draw() {
    this.isDue = false;
    this.drawnAt = performance.now();
    const now = this.view();
    Object.assign(this, drawCurve(byId("curve"), { ...now, width: this.width }));
    byId("curve-description").textContent = describeCurve(now);
    this.#showSlider(now);
    if (byId("steps-details").open) showTable(now);
  }

  #showSlider(now) {
    const isEmpty = now.steps.length === 0;
    const slider = byId("position");
    slider.disabled = byId("replay").disabled = isEmpty;
    slider.max = Math.max(1, now.steps.length);
    slider.value = now.position;
    // The slider's thumb stands under the word that it has reached.
    const { left, slot } = this;
    const [before, after] = now.steps.length > 1 ? [left + (slot - THUMB) / 2, (slot - THUMB) / 2] : [0, 0];
    slider.style.setProperty("--before", `${before}px`);
    slider.style.setProperty("--after", `${after}px`);
    const text = isEmpty ? "" : describeStep(now, Math.max(0, now.position - 1));
    slider.setAttribute("aria-valuetext", text || "no text");
    byId("readout").textContent = text;
  }
}
