// Fingers as a pointer: tap is a click, a drag holds the left button, a long press is a right click, and
// two fingers turn the wheel.
//
//   idle ──one down──▶ touched ──moves far──▶ dragging ──up──▶ idle
//                        │  └──up──▶ idle (click)
//                        ├──held long──▶ pressed (right button) ──up──▶ idle
//                        └──second down──▶ scrolling ──all up──▶ idle

import { Button } from "../wire/tsg.js";

export const LONG_PRESS = 500; // ms
const SLACK = 10; // CSS pixels a finger moves while it means to stay

export class Touch {
  #pointer;
  #toScreen;
  #clock;
  #fingers = new Map();
  #state = "idle";
  #start = null;
  #timer = null;

  // pointer: a Pointer; toScreen({x, y} in CSS pixels) → pixel of the guest; clock: {setTimeout, clearTimeout}.
  constructor(pointer, toScreen, clock) {
    this.#pointer = pointer;
    this.#toScreen = toScreen;
    this.#clock = clock;
  }

  down(id, place) {
    this.#fingers.set(id, place);
    if (this.#state === "idle") {
      this.#state = "touched";
      this.#start = place;
      this.#timer = this.#clock.setTimeout(() => this.#longPress(), LONG_PRESS);
    } else if (this.#state === "touched") {
      this.#clock.clearTimeout(this.#timer);
      this.#state = "scrolling";
      this.#pointer.move(this.#toScreen(this.#start));
      this.#start = this.#middle();
    }
  }

  move(id, place) {
    if (!this.#fingers.has(id)) return;
    this.#fingers.set(id, place);
    if (this.#state === "scrolling") this.#scroll();
    else if (this.#state === "dragging" || this.#state === "pressed") {
      this.#pointer.move(this.#toScreen(place));
    } else if (this.#state === "touched" && this.#isFar(place)) {
      this.#clock.clearTimeout(this.#timer);
      this.#state = "dragging";
      this.#pointer.press(this.#toScreen(this.#start), 0);
      this.#pointer.press(this.#toScreen(this.#start), Button.LEFT);
      this.#pointer.move(this.#toScreen(place));
    }
  }

  up(id) {
    const place = this.#fingers.get(id);
    if (!this.#fingers.delete(id)) return;
    if (this.#state === "scrolling") {
      if (!this.#fingers.size) this.#state = "idle";
      return;
    }
    this.#clock.clearTimeout(this.#timer);
    const at = this.#toScreen(this.#state === "touched" ? this.#start : place);
    if (this.#state === "touched") {
      this.#pointer.press(at, 0);
      this.#pointer.press(at, Button.LEFT);
    }
    this.#pointer.press(at, 0);
    this.#state = this.#fingers.size ? "scrolling" : "idle";
    if (this.#fingers.size) this.#start = this.#middle();
  }

  // The browser took the fingers away (a system gesture).
  cancel() {
    const place = this.#start;
    this.#clock.clearTimeout(this.#timer);
    this.#fingers.clear();
    if (this.#state === "dragging" || this.#state === "pressed") this.#pointer.press(this.#toScreen(place), 0);
    this.#state = "idle";
  }

  #longPress() {
    this.#state = "pressed";
    const at = this.#toScreen(this.#start);
    this.#pointer.press(at, 0);
    this.#pointer.press(at, Button.RIGHT);
  }

  #scroll() {
    const middle = this.#middle();
    // The picture follows the fingers, so the wheel turns the other way.
    const [deltaX, deltaY] = [this.#start.x - middle.x, this.#start.y - middle.y];
    this.#start = middle;
    this.#pointer.wheel({ deltaX, deltaY, deltaMode: 0 });
  }

  #middle() {
    const places = [...this.#fingers.values()];
    const sum = places.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }));
    return { x: sum.x / places.length, y: sum.y / places.length };
  }

  #isFar(place) {
    return Math.hypot(place.x - this.#start.x, place.y - this.#start.y) > SLACK;
  }
}
