// Mouse and pen: where the pointer is and which buttons are held. Moves are gathered and the newest goes
// out once an animation frame; a change of buttons goes out at once, after the move before it.

import { Button } from "../wire/tsg.js";

const NOTCH = 120; // Wheel units of one notch
// Wheel units for each unit of a WheelEvent, by its deltaMode: pixels (100 a notch), lines (3), pages (1).
const UNITS = [NOTCH / 100, NOTCH / 3, NOTCH];
const LIMIT = 0x7fff;

// PointerEvent.buttons (1 left, 2 right, 4 middle) → the protocol's (2 middle, 4 right).
export function buttonsOf(mask) {
  const moved = (mask & 2 ? Button.RIGHT : 0) | (mask & 4 ? Button.MIDDLE : 0);
  return (mask & (Button.LEFT | Button.BACK | Button.FORWARD)) | moved;
}

// A pen's: pressure says nothing to a guest, the barrel's button is the right one instead of the tip, and the eraser
// is the tip at the other end.
export function penButtonsOf(mask) {
  if (mask & 2) return Button.RIGHT;
  return mask & (1 | 32) ? Button.LEFT : 0;
}

export class Pointer {
  #send;
  #nextFrame;
  #buttons = 0;
  #place = { x: 0, y: 0 };
  #moved = false;
  #wheel = { x: 0, y: 0 };

  // send(message); nextFrame(callback) calls back before the next picture is shown.
  constructor(send, nextFrame) {
    this.#send = send;
    this.#nextFrame = nextFrame;
  }

  // The pointer is at this pixel of the guest's screen.
  move({ x, y }) {
    if (x === this.#place.x && y === this.#place.y) return;
    this.#place = { x, y };
    if (this.#moved) return;
    this.#moved = true;
    this.#nextFrame(() => this.flush());
  }

  // buttons: the protocol's mask of all that are held now.
  press(place, buttons) {
    this.move(place);
    if (buttons === this.#buttons) return;
    // The guest has to see the way to where the button changes, and only then the change.
    this.flush();
    this.#buttons = buttons;
    this.#tell();
  }

  wheel({ deltaX, deltaY, deltaMode }) {
    this.flush();
    this.#wheel.x += deltaX * UNITS[deltaMode];
    this.#wheel.y += deltaY * UNITS[deltaMode];
    const dx = Math.max(-LIMIT, Math.min(LIMIT, Math.trunc(this.#wheel.x)));
    const dy = Math.max(-LIMIT, Math.min(LIMIT, Math.trunc(this.#wheel.y)));
    this.#wheel.x -= dx;
    this.#wheel.y -= dy;
    if (dx || dy) this.#send({ name: "Wheel", dx, dy });
  }

  // Where it is, as the guest knows or soon will.
  get place() {
    return this.#place;
  }

  // Sends the move that waits for its frame.
  flush() {
    if (!this.#moved) return;
    this.#moved = false;
    this.#tell();
  }

  // All buttons were let go on the other side (ReleaseKeys). A move that waits for its frame still goes out.
  forget() {
    this.#buttons = 0;
  }

  #tell() {
    this.#send({ name: "Pointer", ...this.#place, buttons: this.#buttons });
  }
}
