// Text that keys cannot say: input methods, dead keys, on-screen keyboards, and all typing in text mode.
// It is caught in a text field that stands at the guest's caret, so that an input method opens its window
// there. Nobody sees it but while something is composed, which it shows.

import { MAX_TEXT } from "../wire/tsg.js";

// On-screen keyboards report Backspace only when there is something to delete.
const FILLING = "  ";
const SMALLEST = 16; // CSS pixels of a line
const LARGEST = 48;

// Cuts text into pieces whose UTF-8 form fits one TypeText message, never within a character.
export function pieces(text, limit = MAX_TEXT) {
  const found = [];
  let piece = "";
  let size = 0;
  for (const character of text) {
    const point = character.codePointAt(0);
    const bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (size + bytes > limit) {
      found.push(piece);
      piece = "";
      size = 0;
    }
    piece += character;
    size += bytes;
  }
  if (piece) found.push(piece);
  return found;
}

export class TextInput {
  #field;
  #send;
  #keyboard;
  #composing = false;

  // field: a textarea; send(message); keyboard: a Keyboard.
  constructor(field, send, keyboard) {
    this.#field = field;
    this.#send = send;
    this.#keyboard = keyboard;
    field.addEventListener("compositionstart", () => this.#compose(true));
    field.addEventListener("compositionupdate", () => requestAnimationFrame(() => this.#grow()));
    field.addEventListener("compositionend", (event) => this.#composed(event));
    field.addEventListener("beforeinput", (event) => this.#before(event));
    field.addEventListener("input", () => this.#input());
    this.#empty();
  }

  // Puts the field where the caret is, in CSS pixels of its container; height: of the line there. While something is
  // composed it stays where that began.
  place({ x, y, height }) {
    if (this.#composing) return;
    const lines = Math.max(SMALLEST, Math.min(LARGEST, height));
    const style = { left: x, top: y - lines / 2, height: lines, fontSize: lines * 0.72, lineHeight: lines };
    for (const [name, value] of Object.entries(style)) this.#field.style[name] = `${Math.round(value)}px`;
  }

  type(text) {
    if (!text || this.#keyboard.shortcut(text)) return;
    this.#keyboard.beforeText();
    // Line ends and tabs are keys to whoever reads the text on the other side.
    for (const part of text.split(/(\r\n|\r|\n|\t)/)) {
      if (part === "\t") this.#keyboard.tap("Tab", 0xff09);
      else if (/^[\r\n]/.test(part)) this.#keyboard.tap("Enter", 0xff0d);
      else for (const piece of pieces(part)) this.#send({ name: "TypeText", text: piece });
    }
  }

  // Deletions and line breaks come as edits where there are no key events.
  #before(event) {
    if (this.#composing) return;
    if (event.inputType === "deleteContentBackward") this.#keyboard.tap("Backspace", 0xff08);
    else if (event.inputType === "deleteContentForward") this.#keyboard.tap("Delete", 0xffff);
    else if (event.inputType === "insertLineBreak") this.#keyboard.tap("Enter", 0xff0d);
    else return;
    event.preventDefault();
  }

  #input() {
    if (this.#composing) return;
    const text = this.#field.value;
    this.type(text.startsWith(FILLING) ? text.slice(FILLING.length) : text.trimStart());
    this.#empty();
  }

  #compose(isComposing) {
    this.#composing = isComposing;
    this.#field.classList.toggle("is-composing", isComposing);
    if (!isComposing) this.#field.style.width = this.#field.style.transform = "";
  }

  // As wide as its text, and within the window.
  #grow() {
    if (!this.#composing) return;
    const { style, parentElement } = this.#field;
    style.width = "0";
    const width = Math.min(this.#field.scrollWidth + 4, parentElement.clientWidth);
    style.width = `${width}px`;
    const over = this.#field.offsetLeft + width - parentElement.clientWidth;
    style.transform = over > 0 ? `translateX(${-over}px)` : "";
  }

  #composed(event) {
    this.#compose(false);
    this.type(event.data);
    // Some browsers send one more input event with the same text: it finds the field empty.
    this.#empty();
  }

  #empty() {
    this.#field.value = FILLING;
    this.#field.setSelectionRange(FILLING.length, FILLING.length);
  }
}
