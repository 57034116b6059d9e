// Contents in pieces, not faster than they are acknowledged (docs/protocol.md, Clipboard).

import { CLIPBOARD_PIECE, CLIPBOARD_WINDOW } from "../wire/tsg.js";

export class Outgoing {
  #send;
  #offer;
  #format;
  #data;
  #sent = 0;
  #begun = false;

  // data: a Uint8Array; send(message).
  constructor(id, format, data, send) {
    this.#offer = id;
    this.#format = format;
    this.#data = data;
    this.#send = send;
  }

  get done() {
    return this.#begun && this.#sent === this.#data.length;
  }

  // So many bytes have arrived, 0 to begin with: sends what may follow.
  acknowledged(received) {
    while (!this.done && this.#sent - received < CLIPBOARD_WINDOW) {
      const data = this.#data.subarray(this.#sent, this.#sent + CLIPBOARD_PIECE);
      this.#sent += data.length;
      this.#begun = true;
      this.#send({ name: "ClipboardData", id: this.#offer, format: this.#format, size: this.#data.length, data });
    }
  }
}

export class Incoming {
  #maximum;
  #send;
  #data = null;
  #received = 0;

  // maximum: bytes that are taken; send(message).
  constructor(maximum, send) {
    this.#maximum = maximum;
    this.#send = send;
  }

  // 0 to 1.
  get progress() {
    return this.#data?.length ? this.#received / this.#data.length : 0;
  }

  // Takes a piece. Returns the content when that is whole, else null. Throws RangeError when pieces do not fit.
  take({ id, format, size, data }) {
    if (size > this.#maximum) throw new RangeError(`a content of ${size} bytes, at most ${this.#maximum}`);
    this.#data ??= new Uint8Array(size);
    if (size !== this.#data.length || this.#received + data.length > size || (size && !data.length)) {
      throw new RangeError("the pieces of a content do not fit together");
    }
    this.#data.set(data, this.#received);
    this.#received += data.length;
    this.#send({ name: "ClipboardAck", id, format, received: this.#received });
    return this.#received === size ? this.#data : null;
  }
}
