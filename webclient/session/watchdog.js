// Sees to it that a picture comes: a connection that stands and shows none is asked for one, and then opened anew.
// Without this a fault anywhere on the way would leave people before a screen that stays as it was.

export const PICTURE_TIME = 8000; // ms from the screen's size to its first whole picture

export class PictureWatch {
  #clock;
  #refresh;
  #giveUp;
  #timer = null;
  #asked = false;

  // clock: {setTimeout, clearTimeout}; refresh(): asks for a whole picture; giveUp(): opens the connection anew.
  constructor({ clock, refresh, giveUp }) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#giveUp = giveUp;
  }

  // The server has told the screen's size: its picture follows.
  expect() {
    if (this.#timer === null) this.#wait();
  }

  // It is there, or the connection is not any more.
  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#asked = false;
  }

  #wait() {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      if (this.#asked) {
        this.#asked = false;
        this.#giveUp();
        return;
      }
      this.#asked = true;
      this.#refresh();
      this.#wait();
    }, PICTURE_TIME);
  }
}
