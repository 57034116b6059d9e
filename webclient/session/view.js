// How a desktop is looked at: what each person chose for each of their desktops, in this browser.

export const SCALINGS = ["fit", "exact", "sharp"];
export const SIZES = ["auto", "dense", "1024x768", "1280x720", "1280x800", "1366x768", "1440x900", "1600x900", "1920x1080",
  "1920x1200", "2560x1440", "3840x2160"];
export const FINGERS = ["direct", "touchpad"];
export const KEYBOARDS = ["keys", "text"];
const CHOICES = { scaling: SCALINGS, size: SIZES, fingers: FINGERS, keyboard: KEYBOARDS };

export class View {
  scaling = SCALINGS[0];
  size = SIZES[0];
  fingers = FINGERS[0];
  keyboard = KEYBOARDS[0];
  #desktop;
  #storage;

  // desktop: its id, null where it is not known; storage: as localStorage is, or null.
  constructor(desktop, storage) {
    this.#desktop = desktop;
    this.#storage = storage;
    this.#read();
  }

  // The desktop is known now.
  belongsTo(desktop) {
    this.#desktop = desktop;
    this.#read();
  }

  choose(name, value) {
    if (!CHOICES[name]?.includes(value)) throw new Error(`no choice "${value}" of "${name}"`);
    this[name] = value;
    if (this.#desktop === null) return;
    const chosen = Object.keys(CHOICES).filter((one) => this[one] !== CHOICES[one][0]);
    try {
      if (chosen.length) this.#storage?.setItem(this.#key, JSON.stringify(Object.fromEntries(chosen.map((one) => [one, this[one]]))));
      else this.#storage?.removeItem(this.#key);
    } catch {
      // Storage is full or forbidden: the choice then holds for this page.
    }
  }

  // The guest's size, [width, height]; null when it is to follow the window.
  /** @returns {[number, number] | null} */
  get fixed() {
    const sides = /^(\d+)x(\d+)$/.exec(this.size);
    return sides && [Number(sides[1]), Number(sides[2])];
  }

  get #key() {
    return `tsgateway.view.${this.#desktop}`;
  }

  // What is stored may be of another version, or nonsense.
  #read() {
    if (this.#desktop === null) return;
    let found;
    try {
      found = JSON.parse(this.#storage?.getItem(this.#key) ?? "{}");
    } catch {
      return;
    }
    for (const [name, choices] of Object.entries(CHOICES)) if (choices.includes(found?.[name])) this[name] = found[name];
  }
}

// The browser's storage, or null where it is forbidden.
export function storage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
