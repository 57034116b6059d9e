// Acknowledgements: a part of a picture when it is decoded, a whole picture when it is on the screen.

const SLOWEST = 1000; // ms; a page in the background gets no animation frames

export class Acks {
  #send;
  #clock;
  #owed = null; // the whole picture that waits for the screen
  #isAsked = false;

  // send(message); clock: {now, setTimeout, nextFrame(callback)}.
  constructor(send, clock) {
    this.#send = send;
    this.#clock = clock;
  }

  // A new connection numbers its frames anew.
  restart() {
    this.#owed = null;
  }

  // Frame `number` is decoded, but not shown (yet). Times are the clock's.
  decoded(number, arrived, decoded) {
    this.#flush(); // numbers never go back
    this.#tell({ number, arrived, decoded }, null);
  }

  // Frame `number` is drawn; it is on the screen when the browser asks for the picture after it.
  drawn(number, arrived, decoded) {
    this.#owed = { number, arrived, decoded };
    if (this.#isAsked) return;
    this.#isAsked = true;
    let isDone = false;
    const presented = () => {
      if (isDone) return;
      isDone = true;
      this.#isAsked = false;
      this.#flush();
    };
    this.#clock.nextFrame(presented);
    this.#clock.setTimeout(presented, SLOWEST);
  }

  #flush() {
    const owed = this.#owed;
    this.#owed = null;
    if (owed) this.#tell(owed, this.#clock.now());
  }

  #tell({ number, arrived, decoded }, presented) {
    const micros = (time) => Math.min(0xffffffff, Math.max(0, Math.round(1000 * (time - arrived))));
    const present = presented === null ? 0 : micros(presented);
    this.#send({ name: "Ack", number, decode_us: micros(decoded), present_us: present });
  }
}
