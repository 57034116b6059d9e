// Joins the stage's events with keyboard, text, pointer and touch.

import { Keyboard, platformOf } from "../input/keyboard.js";
import { buttonsOf, Pointer } from "../input/pointer.js";
import { TextInput } from "../input/text.js";
import { Touch } from "../input/touch.js";

const clock = {
  setTimeout: (action, delay) => setTimeout(action, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

export class Controls {
  #stage;
  #field;
  #display;
  #pointer;
  #touch;
  #text;
  #gone = new AbortController();

  // stage: focusable; field: a textarea in it; send(message); escape() when the person asks for the toolbar.
  constructor({ stage, field, display, send, escape }) {
    this.#stage = stage;
    this.#field = field;
    this.#display = display;
    this.keyboard = new Keyboard(send, platformOf(navigator), clock);
    this.#text = new TextInput(field, send, this.keyboard);
    this.#pointer = new Pointer(send, (callback) => requestAnimationFrame(callback));
    this.#touch = new Touch(this.#pointer, (place) => display.toGuest(place), clock);
    this.#listenToKeys(escape);
    this.#listenToPointer();
  }

  set mode(mode) {
    this.keyboard.mode = mode;
    this.focus();
  }

  get mode() {
    return this.keyboard.mode;
  }

  // Gives the keyboard to the guest. Only a text field gets input methods and on-screen keyboards.
  focus({ onScreenKeyboard = false } = {}) {
    const target = onScreenKeyboard || this.mode === "text" ? this.#field : this.#stage;
    target.focus({ preventScroll: true });
  }

  type(text) {
    this.#text.type(text);
  }

  // Lets go of all keys and buttons.
  release() {
    this.keyboard.release();
    this.#pointer.forget();
  }

  stop() {
    this.#gone.abort();
  }

  #on(target, names, listener, options = {}) {
    for (const name of names) target.addEventListener(name, listener, { ...options, signal: this.#gone.signal });
  }

  #listenToKeys(escape) {
    this.#on(this.#stage, ["keydown"], (event) => {
      if (event.ctrlKey && event.altKey && event.shiftKey && /^(Control|Alt|Shift)/.test(event.code)) {
        event.preventDefault();
        this.release();
        escape();
      } else if (this.keyboard.down(event)) event.preventDefault();
    });
    this.#on(this.#stage, ["keyup"], (event) => {
      if (this.keyboard.up(event)) event.preventDefault();
    });
    this.#on(this.#stage, ["focusout"], ({ relatedTarget }) => {
      if (!this.#stage.contains(relatedTarget)) this.release();
    });
    this.#on(window, ["blur", "pagehide"], () => this.release());
    this.#on(document, ["visibilitychange"], () => {
      if (document.hidden) this.release();
    });
  }

  #listenToPointer() {
    const stage = this.#stage;
    this.#on(stage, ["pointerdown"], (event) => {
      event.preventDefault(); // keeps the focus where focus() puts it
      this.focus();
      stage.setPointerCapture(event.pointerId);
      this.keyboard.beforeAction();
      this.#pointed(event, () => this.#touch.down(event.pointerId, place(event)));
    });
    this.#on(stage, ["pointermove"], (event) =>
      this.#pointed(event, () => this.#touch.move(event.pointerId, place(event))));
    this.#on(stage, ["pointerup"], (event) => this.#pointed(event, () => this.#touch.up(event.pointerId)));
    this.#on(stage, ["pointercancel"], (event) => this.#pointed(event, () => this.#touch.cancel()));
    this.#on(stage, ["wheel"], (event) => {
      event.preventDefault(); // no zooming of the page
      this.keyboard.beforeAction();
      this.#pointer.move(this.#display.toGuest(place(event)));
      this.#pointer.wheel(event);
    }, { passive: false });
    this.#on(stage, ["contextmenu", "dragstart", "auxclick"], (event) => event.preventDefault());
  }

  #pointed(event, touched) {
    this.keyboard.check(event);
    if (event.pointerType === "touch") {
      touched();
      return;
    }
    const at = place(event);
    this.#text.place(at.x, at.y);
    const buttons = event.type === "pointercancel" ? 0 : buttonsOf(event.buttons);
    this.#pointer.press(this.#display.toGuest(at), buttons);
  }
}

function place(event) {
  return { x: event.clientX, y: event.clientY };
}
