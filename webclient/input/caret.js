// Where the guest's caret probably is. A guest tells nobody, but two things do: people click where they write, and what
// they write changes the screen there. So input methods open their window beside the text.

const ANSWER = 1200; // ms after typing in which a change of the screen may be its answer: lines can be slow
const LARGEST = { width: 320, height: 72 }; // pixels; what is larger is not a few letters
const FAR = 4; // how much more a step down counts than one to the side: text goes on in its line

export class Caret {
  #at = { x: 0, y: 0, height: 16 };
  #typed = -Infinity;

  // The pixel where the caret is, and how high its line is.
  get place() {
    return this.#at;
  }

  clicked({ x, y }) {
    this.#at = { x, y, height: this.#at.height };
    this.#typed = -Infinity;
  }

  typed(now) {
    this.#typed = now;
  }

  // rectangles: {x, y, width, height} of the screen that have changed, in pixels. → whether the caret has moved.
  changed(rectangles, now) {
    if (now - this.#typed > ANSWER) return false;
    const small = rectangles.filter(({ width, height }) => width <= LARGEST.width && height <= LARGEST.height);
    if (!small.length || small.length < rectangles.length) return false; // a window opened, a page scrolled
    const distance = ({ x, y, width, height }) => {
      const aside = Math.max(x - this.#at.x, 0, this.#at.x - x - width);
      return aside + FAR * Math.max(y - this.#at.y, 0, this.#at.y - y - height);
    };
    const { x, y, width, height } = small.reduce((best, one) => (distance(one) < distance(best) ? one : best));
    this.#at = { x: x + width, y: y + height / 2, height };
    return true;
  }
}
