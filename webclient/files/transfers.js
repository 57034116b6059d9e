// The uploads of a page: what there is, how fast it goes, and what people may do to it. No page and no network.

const RATE_TIME = 5000; // ms over which a rate is taken
const OVER = new Set(["done", "cancelled"]);
const WORKING = new Set(["checking", "sending", "finishing"]);

export class Transfers {
  items = []; // {number, name, folder, size, state, offset, message, stored, marks}
  #post;
  #changed;
  #now;
  #next = 1;

  // post(message): to the worker. changed(item): something has; now(): ms.
  constructor({ post, changed, now = () => performance.now() }) {
    this.#post = post;
    this.#changed = changed;
    this.#now = now;
  }

  add(session, folder, path, file) {
    const item = {
      number: this.#next, path: folder ? `${folder}/${path}` : path, size: file.size, state: "queued", offset: 0,
      message: "", stored: null, marks: [],
    };
    this.#next += 1;
    this.items.push(item);
    this.#post({ kind: "add", number: item.number, session, folder, path, file });
    this.#changed(item);
    return item;
  }

  act(number, kind) {
    this.#post({ kind, number });
  }

  // What the worker tells.
  told({ number, state, offset, message, stored }) {
    const item = this.items.find((one) => one.number === number);
    if (!item) return;
    if (state !== item.state) item.marks = [];
    Object.assign(item, { state, offset, message, stored });
    if (state === "sending") {
      const now = this.#now();
      item.marks.push({ at: now, offset });
      while (item.marks.length > 2 && now - item.marks[0].at > RATE_TIME) item.marks.shift();
    }
    this.#changed(item);
  }

  // Forgets those that are over.
  clear() {
    this.items = this.items.filter(({ state }) => !OVER.has(state));
  }

  // Those that go on by themselves.
  get working() {
    return this.items.filter(({ state }) => WORKING.has(state) || state === "queued" || state === "waiting");
  }

  get areOver() {
    return this.items.every(({ state }) => OVER.has(state) || state === "failed" || state === "paused");
  }
}

// → {rate, left}: bytes a second and seconds to go; null while that is not known.
export function speedOf({ marks, size }) {
  if (marks.length < 2) return null;
  const [first, last] = [marks[0], marks.at(-1)];
  const rate = (1000 * (last.offset - first.offset)) / (last.at - first.at);
  return rate > 0 ? { rate, left: (size - last.offset) / rate } : null;
}
