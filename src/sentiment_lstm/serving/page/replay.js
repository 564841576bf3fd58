// Plays the reading of a text again, one step after the other.

const PER_STEP = 110; // ms
const [SHORTEST, LONGEST] = [900, 6000];

export class Replay {
  // `onStep(position)` shows the first `position` steps; `onChange(isPlaying)` the button's state.
  constructor({ onStep, onChange }) {
    Object.assign(this, { onStep, onChange, frame: 0 });
  }

  get isPlaying() {
    return this.frame !== 0;
  }

  play(steps) {
    this.stop();
    if (steps < 2) return;
    const length = Math.min(LONGEST, Math.max(SHORTEST, PER_STEP * steps));
    const started = performance.now();
    let shown = 1;
    const tick = (now) => {
      const position = Math.min(steps, 1 + Math.floor((Math.max(0, now - started) / length) * steps));
      if (position !== shown) this.onStep(position);
      shown = position;
      if (position < steps) this.frame = requestAnimationFrame(tick);
      else this.stop();
    };
    this.frame = requestAnimationFrame(tick);
    this.onChange(true);
    this.onStep(1);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.onChange(false);
  }
}
