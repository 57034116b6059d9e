// Fingers as a pointer.
//
//   one finger    tap: click · drag: drags · held: right button
//   two fingers   tap: right click · drag: wheel · apart or together: zoom, and the picture moves along
//   three fingers tap: the on-screen keyboard
//
// As a touchpad, one finger moves the pointer from where it is, a tap clicks there, and a tap with a drag right after it
// drags.
//
//   idle ──one down──▶ touched ──moves far──▶ dragging, or moving (touchpad) ──up──▶ idle
//                        │  └──up──▶ idle (click)
//                        ├──held long──▶ pressed (right button) ──up──▶ idle
//                        └──second down──▶ pair ──both go on──▶ scrolling
//                                            │  ├──spread──▶ pinching
//                                            │  └──third down──▶ trio
//                                            └──up soon──▶ spent (right click)
//   scrolling, pinching, trio ──one up──▶ spent ──all up──▶ idle

import { Button } from "../wire/tsg.js";

export const LONG_PRESS = 500; // ms
export const TAP = 350; // ms from the first finger down to the last one up
const SLACK = 10; // CSS pixels a finger moves while it means to stay
const SPREAD = 24; // CSS pixels that two fingers part or meet before it is a pinch
const AGAIN = 250; // ms after a tap in which a finger that comes back drags (touchpad)
const FAST = 0.6; // CSS pixels a millisecond from which a touchpad's pointer goes further than the finger

export class Touch {
  mode = "direct";
  #pointer;
  #surface;
  #clock;
  #fingers = new Map();
  #lone = new Set(); // of two fingers, those that have moved
  #state = "idle";
  #start = null;
  #began = 0;
  #tapped = -Infinity;
  #last = null; // touchpad: {place, time} of the finger
  #at = null; // touchpad: where the pointer is, in pixels of the guest, with fractions
  #timer = null;

  // pointer: a Pointer; clock: {now, setTimeout, clearTimeout}; surface: {toGuest({x, y} in CSS pixels) → pixel of the guest,
  // scale (CSS pixels a pixel), screen ({width, height} of the guest), pan(place, by, factor) moves and zooms the picture,
  // keyboard() brings the on-screen keyboard, shown(pixel) the touchpad's pointer is there}.
  constructor(pointer, surface, clock) {
    this.#pointer = pointer;
    this.#surface = surface;
    this.#clock = clock;
  }

  down(id, place) {
    this.#fingers.set(id, place);
    if (this.#state === "idle") {
      this.#state = "touched";
      this.#start = place;
      this.#began = this.#clock.now();
      this.#last = { place, time: this.#began };
      this.#timer = this.#clock.setTimeout(() => this.#longPress(), LONG_PRESS);
    } else if (this.#state === "touched") {
      this.#clock.clearTimeout(this.#timer);
      this.#state = "pair";
      this.#lone.clear();
      this.#start = this.#middle();
      this.#last = { place: this.#start, spread: this.#spread() };
    } else if (this.#state === "pair") {
      this.#state = "trio";
      this.#start = this.#middle();
    }
  }

  move(id, place) {
    if (!this.#fingers.has(id)) return;
    this.#fingers.set(id, place);
    this.#lone.add(id);
    if (this.#state === "pair") this.#decide();
    if (this.#state === "scrolling") this.#scroll();
    else if (this.#state === "pinching") this.#pinch();
    else if (this.#state === "trio" && this.#isFar(this.#middle())) this.#state = "spent";
    else if (this.#state === "dragging" || this.#state === "pressed") this.#drag(place);
    else if (this.#state === "moving") this.#glide(place);
    else if (this.#state === "touched" && this.#isFar(place)) this.#leave(place);
  }

  up(id) {
    const place = this.#fingers.get(id);
    if (!this.#fingers.delete(id)) return;
    this.#clock.clearTimeout(this.#timer);
    const isTap = this.#clock.now() - this.#began <= TAP;
    if (this.#state === "touched") this.#click(this.#target(this.#start), Button.LEFT);
    else if (this.#state === "pair" && isTap) this.#click(this.#target(this.#start), Button.RIGHT);
    else if (this.#state === "trio" && isTap) this.#surface.keyboard();
    else if (this.#state === "dragging" || this.#state === "pressed") this.#pointer.press(this.#target(place), 0);
    if (this.#state === "touched") this.#tapped = this.#clock.now();
    this.#state = this.#fingers.size ? "spent" : "idle";
  }

  // The browser took the fingers away (a system gesture).
  cancel() {
    this.#clock.clearTimeout(this.#timer);
    this.#fingers.clear();
    if (this.#state === "dragging" || this.#state === "pressed") this.#pointer.press(this.#target(this.#start), 0);
    this.#state = "idle";
  }

  // The pixel that a finger at this place means.
  #target(place) {
    if (this.mode === "direct") return this.#surface.toGuest(place);
    this.#at ??= { x: this.#surface.screen.width / 2, y: this.#surface.screen.height / 2 };
    return { x: Math.floor(this.#at.x), y: Math.floor(this.#at.y) };
  }

  #click(at, button) {
    this.#pointer.press(at, 0);
    this.#pointer.press(at, button);
    this.#pointer.press(at, 0);
    if (this.mode !== "direct") this.#surface.shown(at);
  }

  #longPress() {
    this.#state = "pressed";
    const at = this.#target(this.#start);
    this.#pointer.press(at, 0);
    this.#pointer.press(at, Button.RIGHT);
  }

  // One finger has set out.
  #leave(place) {
    this.#clock.clearTimeout(this.#timer);
    const drags = this.mode === "direct" || this.#began - this.#tapped < AGAIN;
    this.#state = drags ? "dragging" : "moving";
    if (drags) {
      const at = this.#target(this.#start);
      this.#pointer.press(at, 0);
      this.#pointer.press(at, Button.LEFT);
    }
    if (this.mode === "direct") this.#pointer.move(this.#target(place));
    else this.#glide(place);
  }

  #drag(place) {
    if (this.mode === "direct") this.#pointer.move(this.#target(place));
    else this.#glide(place);
  }

  // As touchpads do: slow fingers are followed exactly, fast ones go further.
  #glide(place) {
    const { screen, scale } = this.#surface;
    const before = this.#target(place);
    const time = this.#clock.now();
    const [x, y] = [place.x - this.#last.place.x, place.y - this.#last.place.y];
    const speed = Math.hypot(x, y) / Math.max(1, time - this.#last.time);
    const gain = Math.min(3, Math.max(1, speed / FAST)) / scale;
    this.#last = { place, time };
    const side = (at, by, length) => Math.max(0, Math.min(length - 0.001, at + by * gain));
    this.#at = { x: side(this.#at.x, x, screen.width), y: side(this.#at.y, y, screen.height) };
    const at = this.#target(place);
    if (at.x === before.x && at.y === before.y) return;
    this.#pointer.move(at);
    this.#surface.shown(at);
  }

  // Two fingers: their moves are told one after the other, so one alone decides nothing unless it goes far.
  #decide() {
    const growth = Math.abs(this.#spread() - this.#last.spread);
    const middle = this.#middle();
    const shift = Math.hypot(middle.x - this.#start.x, middle.y - this.#start.y);
    if (this.#lone.size < 2 && growth < 2 * SPREAD) return;
    if (growth > SPREAD && growth > shift) this.#state = "pinching";
    else if (shift > SLACK) {
      this.#state = "scrolling";
      if (this.mode === "direct") this.#pointer.move(this.#target(this.#start));
    }
  }

  #scroll() {
    const middle = this.#middle();
    // The picture follows the fingers, so the wheel turns the other way.
    const [deltaX, deltaY] = [this.#start.x - middle.x, this.#start.y - middle.y];
    this.#start = middle;
    this.#pointer.wheel({ deltaX, deltaY, deltaMode: 0 });
  }

  #pinch() {
    const [middle, spread] = [this.#middle(), this.#spread()];
    const { place, spread: before } = this.#last;
    this.#last = { place: middle, spread };
    this.#surface.pan(place, { x: middle.x - place.x, y: middle.y - place.y }, spread / Math.max(1, before));
  }

  #middle() {
    const places = [...this.#fingers.values()];
    const sum = places.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }));
    return { x: sum.x / places.length, y: sum.y / places.length };
  }

  #spread() {
    const [a, b] = [...this.#fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  }

  #isFar(place) {
    return Math.hypot(place.x - this.#start.x, place.y - this.#start.y) > SLACK;
  }
}
