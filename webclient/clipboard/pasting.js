// Keys that paste, held back until the desktop has what this browser's clipboard holds. The browser gives that to
// the page only in the `paste` event that follows such a key, so the key goes out after it, and all that come
// meanwhile after that, in order.

const EVENT_TIME = 150; // ms within which the browser follows the key with its event, if it does at all

// Whether this key pastes in most programs: Ctrl+V, Ctrl+Shift+V, Cmd+V, Shift+Insert.
export function isPaste({ code, key, ctrlKey, altKey, metaKey, shiftKey }) {
  if (altKey) return false;
  if (code === "Insert") return shiftKey && !ctrlKey && !metaKey;
  return (code === "KeyV" || key === "v" || key === "V") && ctrlKey !== metaKey;
}

export class Pasting {
  #held = null; // key events to come after the paste, or null
  #timer = null;
  #round = 0;
  #keyboard;
  #give;
  #takes;
  #clock;

  // keyboard: {down(event), up(event)}; give(content): a promise, see Clipboard; takes(): whether there is a use in
  // it; clock: {setTimeout, clearTimeout}.
  constructor({ keyboard, give, takes, clock }) {
    this.#keyboard = keyboard;
    this.#give = give;
    this.#takes = takes;
    this.#clock = clock;
  }

  // A keydown or keyup on its way to the desktop. held: it must go no further; lets: the browser may do with it what
  // it does by itself.
  key(event) {
    if (this.#held) {
      this.#held.push(event);
      return { held: true, lets: false };
    }
    if (event.type !== "keydown" || event.repeat || !isPaste(event) || !this.#takes()) return { held: false, lets: true };
    this.#held = [event];
    this.#timer = this.#clock.setTimeout(() => this.#goOn(), EVENT_TIME);
    return { held: true, lets: true };
  }

  // A paste event has brought this.
  async pasted(content) {
    this.#clock.clearTimeout(this.#timer);
    this.#round += 1;
    const round = this.#round;
    try {
      await this.#give(content);
    } finally {
      if (round === this.#round) this.#goOn();
    }
  }

  // The keyboard is lost: what is held is not pressed any more.
  release() {
    this.#clock.clearTimeout(this.#timer);
    this.#round += 1;
    this.#held = null;
  }

  #goOn() {
    const events = this.#held ?? [];
    this.#held = null;
    for (const event of events) {
      if (event.type === "keydown") this.#keyboard.down(event);
      else this.#keyboard.up(event);
    }
  }
}
