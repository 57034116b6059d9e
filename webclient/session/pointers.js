// Where the others point: a small arrow with a name, over the picture, that fades when it rests.

import { h, icon } from "../dom.js";
import { NOWHERE } from "../wire/tsg.js";
import { hueOf } from "./persons.js";

const RESTS_AFTER = 4000; // ms

export class Pointers {
  #toStage;
  #names = new Map(); // id → name
  #shown = new Map(); // id → {element, at, timer}
  element = h("div", { class: "pointers", "aria-hidden": "true" });

  // toStage({x, y} of the guest) → {x, y} in the stage.
  constructor(toStage) {
    this.#toStage = toStage;
  }

  // message: a PointerOf.
  show({ id, x, y }) {
    if (x === NOWHERE || !this.#names.has(id)) {
      this.#remove(id);
      return;
    }
    const shown = this.#shown.get(id) ?? this.#make(id);
    shown.at = { x, y };
    shown.element.classList.remove("is-still");
    clearTimeout(shown.timer);
    shown.timer = setTimeout(() => shown.element.classList.add("is-still"), RESTS_AFTER);
    this.#place(shown);
  }

  // people: those of a People message. Who is not there any more points at nothing.
  people(people) {
    this.#names = new Map(people.map(({ id, name }) => [id, name]));
    for (const id of [...this.#shown.keys()]) if (!this.#names.has(id)) this.#remove(id);
  }

  // The screen lies elsewhere, or has another size.
  layout() {
    for (const shown of this.#shown.values()) this.#place(shown);
  }

  clear() {
    this.people([]);
  }

  #make(id) {
    const name = h("span", { class: "pointer-name" }, this.#names.get(id));
    const element = h("div", { class: `pointer is-hue-${hueOf(id)}`, "data-person": id }, icon("pointer"), name);
    const shown = { element, at: { x: 0, y: 0 }, timer: undefined };
    this.#shown.set(id, shown);
    this.element.append(element);
    return shown;
  }

  #place({ element, at }) {
    const { x, y } = this.#toStage(at);
    element.style.transform = `translate(${x}px, ${y}px)`;
  }

  #remove(id) {
    const shown = this.#shown.get(id);
    if (!shown) return;
    clearTimeout(shown.timer);
    shown.element.remove();
    this.#shown.delete(id);
  }
}
