// Joins the stage's events with keyboard, text, pointer and touch.

import { clock } from "../clock.js";
import { h } from "../dom.js";
import { Capture } from "../input/capture.js";
import { Caret } from "../input/caret.js";
import { Keyboard, platformOf } from "../input/keyboard.js";
import { Locks } from "../input/locks.js";
import { buttonsOf, penButtonsOf, Pointer } from "../input/pointer.js";
import { TextInput } from "../input/text.js";
import { Touch } from "../input/touch.js";
import { Capability } from "../wire/tsg.js";

const PINCH = 0.01; // of a touchpad's pinch, told as a wheel: how much one unit zooms

export class Controls {
  #stage;
  #field;
  #display;
  #pointer;
  #locks;
  #capture;
  #touch;
  #text;
  #caret = new Caret();
  #arrow = h("span", { class: "touch-pointer", hidden: true, "aria-hidden": "true" });
  #gone = new AbortController();

  // stage: focusable; field: a textarea in it; send(message); escape() when the person asks for the toolbar;
  // keyboard() when fingers ask for the on-screen keyboard.
  constructor({ stage, field, display, send: sendOn, escape, keyboard }) {
    const send = (message) => {
      if (message.name === "TypeText" || message.down) this.#caret.typed(performance.now());
      sendOn(message);
    };
    stage.append(this.#arrow);
    this.#stage = stage;
    this.#field = field;
    this.#display = display;
    this.keyboard = new Keyboard(send, platformOf(navigator), clock);
    this.#text = new TextInput(field, send, this.keyboard);
    this.#pointer = new Pointer(send, (callback) => requestAnimationFrame(callback));
    this.#locks = new Locks(send, platformOf(navigator));
    this.#capture = new Capture(send, (callback) => requestAnimationFrame(callback), {
      held: () => document.pointerLockElement === stage,
      take: () => stage.requestPointerLock()?.catch(() => {}), // a browser may refuse, and says so itself
      release: () => document.exitPointerLock(),
    });
    this.#touch = new Touch(this.#pointer, this.#surface(keyboard), clock);
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

  // "direct": fingers point at what they touch; "touchpad": they move the pointer.
  set fingers(mode) {
    this.#touch.mode = mode;
    this.#arrow.hidden = mode === "direct";
    this.#arrowAt(this.#pointer.place);
  }

  // What the server can do.
  greeted({ capabilities }) {
    this.#locks.able = capabilities.includes(Capability.LOCKS);
    this.#locks.lost();
    this.#capture.set({ able: capabilities.includes(Capability.RELATIVE), asked: false });
  }

  // The guest asks how the pointer moves, or where it is.
  set relative(asked) {
    this.#capture.set({ asked });
  }

  // Whether the pointer is captured, from the next click on; undefined where that cannot be.
  get captures() {
    return this.#capture.able ? this.#capture.chosen : undefined;
  }

  set captures(chosen) {
    this.#capture.set({ chosen });
    this.focus();
  }

  // The guest's pixel that the person probably looks at.
  get caret() {
    return this.#caret.place;
  }

  // Rectangles of the guest's screen have changed.
  changed(rectangles) {
    if (this.#caret.changed(rectangles, performance.now())) this.#placeText();
  }

  // The picture lies elsewhere, or in another size.
  moved() {
    this.#placeText();
    this.#arrowAt(this.#pointer.place);
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
    this.#capture.forget();
    this.#locks.lost();
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
        return;
      }
      if (event.ctrlKey && event.altKey) this.#capture.release();
      this.#locks.down(event);
      if (this.keyboard.down(event)) event.preventDefault();
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
      if (document.activeElement !== this.#field) this.focus(); // there an on-screen keyboard is open
      stage.setPointerCapture(event.pointerId);
      this.keyboard.beforeAction();
      this.#pointed(event, () => this.#touch.down(event.pointerId, place(event)));
    });
    this.#on(stage, ["pointermove"], (event) =>
      this.#pointed(event, () => this.#touch.move(event.pointerId, place(event))));
    this.#on(stage, ["pointerleave"], () => this.#display.depart());
    this.#on(stage, ["pointerup"], (event) => this.#pointed(event, () => this.#touch.up(event.pointerId)));
    this.#on(stage, ["pointercancel"], (event) => this.#pointed(event, () => this.#touch.cancel()));
    this.#on(stage, ["wheel"], (event) => this.#wheel(event), { passive: false });
    this.#on(stage, ["contextmenu", "dragstart", "auxclick"], (event) => event.preventDefault());
  }

  #surface(keyboard) {
    const display = this.#display;
    return {
      toGuest: (place) => display.toGuest(place),
      pan: (place, by, factor) => {
        display.pan(place, by, factor);
        this.moved();
      },
      keyboard,
      shown: (pixel) => this.#arrowAt(pixel),
      get scale() {
        return display.scale;
      },
      get screen() {
        return display.screen;
      },
    };
  }

  #wheel(event) {
    event.preventDefault(); // no zooming of the page
    this.keyboard.check(event);
    // A pinch on a touchpad comes as a wheel with a Control that nobody holds.
    if (event.ctrlKey && !this.keyboard.holds("ControlLeft", "ControlRight")) {
      this.#display.pan(place(event), { x: 0, y: 0 }, Math.exp(-event.deltaY * PINCH));
      this.moved();
      return;
    }
    this.keyboard.beforeAction();
    if (document.pointerLockElement !== this.#stage) this.#pointer.move(this.#display.toGuest(place(event)));
    this.#pointer.wheel(event);
  }

  #pointed(event, touched) {
    this.keyboard.check(event);
    if (this.#capture.take(event)) return;
    if (event.pointerType === "touch") {
      touched();
      if (event.type === "pointerdown" || event.type === "pointerup") this.#clicked();
      return;
    }
    const at = place(event);
    const mask = event.pointerType === "pen" ? penButtonsOf(event.buttons) : buttonsOf(event.buttons);
    this.#pointer.press(this.#display.toGuest(at), event.type === "pointercancel" ? 0 : mask);
    if (event.type === "pointerdown") this.#clicked();
    this.#display.approach(at, (where) => {
      this.#pointer.move(this.#display.toGuest(where));
      this.moved();
    });
  }

  #clicked() {
    this.#caret.clicked(this.#pointer.place);
    this.#placeText();
  }

  #placeText() {
    const { x, y, height } = this.#caret.place;
    this.#text.place({ ...this.#display.toStage({ x, y }), height: height * this.#display.scale });
  }

  // Shows where the pointer is that a touchpad moves: fingers have no pointer of the browser's.
  #arrowAt(pixel) {
    if (this.#arrow.hidden) return;
    const { x, y } = this.#display.toStage({ x: pixel.x + 0.5, y: pixel.y + 0.5 });
    this.#arrow.style.transform = `translate(${x}px, ${y}px)`;
  }
}

function place(event) {
  return { x: event.clientX, y: event.clientY };
}
