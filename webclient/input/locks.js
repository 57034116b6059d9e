// Caps and Num Lock: when the guest is given the keyboard, it is told which are on here, before the first key.

import { Lock } from "../wire/tsg.js";

const OWN = new Set(["CapsLock", "NumLock", "ScrollLock"]);

export class Locks {
  able = false; // whether the server takes them
  #send;
  #platform;
  #isOwed = true;

  // platform: as of platformOf; a Mac's keypad has no Num Lock, it types digits.
  constructor(send, platform) {
    this.#send = send;
    this.#platform = platform;
  }

  // The keyboard was elsewhere, where its locks may have been changed.
  lost() {
    this.#isOwed = true;
  }

  // A key goes down. On-screen keyboards name no key and have no locks; a lock's own key goes to the guest by itself.
  down(event) {
    if (!this.able || !this.#isOwed || !event.code || OWN.has(event.code)) return;
    this.#isOwed = false;
    const num = this.#platform === "mac" || event.getModifierState("NumLock");
    this.#send({ name: "Locks", on: (event.getModifierState("CapsLock") ? Lock.CAPS : 0) | (num ? Lock.NUM : 0) });
  }
}
