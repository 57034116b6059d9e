// The captured pointer (Pointer Lock): told by its movements, for guests that ask for these, and for games. The browser
// says how it is let out (Esc); Ctrl+Alt does, too.

import { buttonsOf } from "./pointer.js";

const LIMIT = 0x7fff;
const bounded = (by) => Math.max(-LIMIT, Math.min(LIMIT, by));

export class Capture {
  able = false; // whether the server takes movements
  asked = false; // by the guest
  chosen = false; // by the person
  #send;
  #nextFrame;
  #lock;
  #moved = { x: 0, y: 0 };
  #buttons = 0;
  #waits = false;

  // lock: {held() whether the pointer is captured, take(), release()}; nextFrame as Pointer has it.
  constructor(send, nextFrame, lock) {
    this.#send = send;
    this.#nextFrame = nextFrame;
    this.#lock = lock;
  }

  get wanted() {
    return this.able && (this.asked || this.chosen);
  }

  set(change) {
    Object.assign(this, change);
    if (!this.wanted) this.release();
  }

  release() {
    if (this.#lock.held()) this.#lock.release();
  }

  // A pointer event; whether it was taken. The click that captures the pointer is not the guest's.
  take({ type, movementX, movementY, buttons, pointerType }) {
    if (this.#lock.held()) {
      this.#moved.x += movementX;
      this.#moved.y += movementY;
      const held = type === "pointercancel" ? 0 : buttonsOf(buttons);
      if (held !== this.#buttons) this.#press(held);
      else if (!this.#waits) this.#later();
      return true;
    }
    if (!this.wanted || pointerType !== "mouse" || type !== "pointerdown") return false;
    this.#buttons = 0;
    this.#lock.take();
    return true;
  }

  // All buttons were let go on the other side.
  forget() {
    this.#buttons = 0;
  }

  #later() {
    this.#waits = true;
    this.#nextFrame(() => {
      this.#waits = false;
      this.#flush();
    });
  }

  #press(buttons) {
    this.#flush();
    this.#buttons = buttons;
    this.#send({ name: "Move", dx: 0, dy: 0, buttons });
  }

  #flush() {
    const [dx, dy] = [bounded(Math.trunc(this.#moved.x)), bounded(Math.trunc(this.#moved.y))];
    this.#moved.x -= dx;
    this.#moved.y -= dy;
    if (dx || dy) this.#send({ name: "Move", dx, dy, buttons: this.#buttons });
  }
}
