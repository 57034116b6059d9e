// The clipboard between this browser and a desktop, without the page: what either holds, what is on its way, and
// what the person has to be told.
//
// A content is {text, html, png}: two strings and a Blob, each may be missing. One side holds something at a time,
// whoever has copied last. What came from one side is never offered back to it.

import { Capability, ClipboardFormat, ClipboardReason, UNKNOWN_SIZE } from "../wire/tsg.js";
import { Incoming, Outgoing } from "./transfers.js";

export const AT_ONCE = 4 * 1024 * 1024; // bytes that are fetched without being asked for
/** @typedef {{text?: string, html?: string, png?: Blob}} Content */

const TAKEN_TIME = 1000; // ms after which keys that paste are held back no longer
const { TEXT, HTML, PNG } = ClipboardFormat;
const KINDS = new Map([[TEXT, "text"], [HTML, "html"], [PNG, "png"]]);

// What the desktop holds. status: "coming", "large" (to be asked for), "waiting" (for a gesture), "done", "failed".
function newCopy(id, formats) {
  return { id, formats, status: "coming", contents: {}, incoming: new Map(), open: new Set(formats), size: 0, error: "" };
}

export class Clipboard {
  #send;
  #browser;
  #changed;
  #clock;
  #may = { in: false, out: false };
  #formats = new Set(); // that the desktop's clipboard takes; empty: nothing answers there
  #maximum = 0;
  #copy = null;
  #mine = null; // {id, contents, mark, bytes, outgoing, taken}: what was offered to the desktop
  #ids = 0;
  #copied = null; // the mark of what the desktop holds
  #writing = null;
  #error = "";

  // send(message); browser: {write(content), mark(content) → a promise of a text that is the same for the same
  // content}; changed(): `state` says something new; clock: {setTimeout, clearTimeout}.
  constructor({ send, browser, changed, clock }) {
    this.#send = send;
    this.#browser = browser;
    this.#changed = changed;
    this.#clock = clock;
  }

  // For the panel: what either side holds, and what was last in the way.
  get state() {
    return {
      may: this.#may,
      answers: this.#formats.size > 0,
      maximum: this.#maximum,
      copy: this.#copy,
      mine: this.#mine?.contents ?? null,
      error: this.#error,
    };
  }

  // Whether something pasted here would reach the desktop.
  get takes() {
    return this.#may.in && this.#formats.size > 0;
  }

  // The server has said what it takes and gives.
  greeted(capabilities) {
    this.#may = {
      in: capabilities.includes(Capability.CLIPBOARD_IN),
      out: capabilities.includes(Capability.CLIPBOARD_OUT),
    };
    this.lost();
  }

  // The connection is cut: nothing is on its way any more, and the desktop may have copied something meanwhile.
  lost() {
    this.#formats = new Set();
    this.#copy = null;
    this.#over();
    this.#tell();
  }

  message(message) {
    ({
      ClipboardState: () => this.#stands(message),
      ClipboardOffer: () => this.#offered(message),
      ClipboardData: () => this.#arrived(message),
      ClipboardEnd: () => this.#ended(message),
      ClipboardRequest: () => this.#requested(message),
      ClipboardAck: () => this.#acknowledged(message),
      ClipboardTaken: () => {
        if (message.id === this.#mine?.id) this.#mine.taken();
      },
    })[message.name]?.();
  }

  #stands({ formats, maximum }) {
    this.#maximum = maximum;
    this.#formats = new Set([...KINDS.keys()].filter((format) => formats & (1 << (format - 1))));
    this.#tell();
  }

  // ---- from the desktop

  #offered({ id, parts }) {
    this.#over();
    const formats = parts.map(({ format }) => format).filter((format) => KINDS.has(format));
    this.#copy = formats.length ? newCopy(id, formats) : null;
    this.#copied = null;
    this.#error = "";
    this.#fetch(AT_ONCE);
    this.#tell();
  }

  #fetch(limit) {
    const copy = this.#copy;
    if (!copy) return;
    copy.status = "coming";
    for (const format of copy.open) {
      copy.incoming.set(format, new Incoming(Math.min(limit, this.#maximum || limit), this.#send));
      this.#send({ name: "ClipboardRequest", id: copy.id, format, limit: Math.min(limit, UNKNOWN_SIZE - 1) });
    }
  }

  #arrived(message) {
    const copy = this.#copy;
    const incoming = copy?.id === message.id ? copy.incoming.get(message.format) : null;
    if (!incoming) return;
    try {
      const data = incoming.take(message);
      if (!data) return;
      const kind = KINDS.get(message.format);
      copy.contents[kind] = kind === "png" ? new Blob([data], { type: "image/png" }) : new TextDecoder().decode(data);
      copy.open.delete(message.format);
    } catch (error) {
      this.#send({ name: "ClipboardEnd", id: message.id, format: message.format, reason: ClipboardReason.FAILED, size: 0, text: "" });
      copy.error = error.message;
      copy.open.delete(message.format);
    }
    copy.incoming.delete(message.format);
    this.#settle(copy);
  }

  #ended({ id, format, reason, size, text }) {
    if (id === this.#mine?.id) {
      this.#mine.outgoing.delete(format);
      if (text && reason !== ClipboardReason.GONE) this.#fails(text);
    }
    const copy = this.#copy;
    if (copy?.id !== id || !copy.incoming.delete(format)) return;
    if (reason === ClipboardReason.LARGER) copy.size += size;
    else {
      copy.open.delete(format);
      if (reason !== ClipboardReason.GONE) copy.error = text;
    }
    this.#settle(copy);
  }

  #settle(copy) {
    if (copy.incoming.size) return;
    const has = Object.keys(copy.contents).length > 0;
    if (copy.open.size) copy.status = "large";
    else if (!has) copy.status = "failed";
    if (copy.error) this.#error = copy.error;
    if (has && !copy.open.size) this.#write(copy);
    else this.#tell();
  }

  // The person wants what the desktop holds, however large it is.
  async take() {
    const copy = this.#copy;
    if (!copy) return;
    if (copy.open.size && copy.status === "large") this.#fetch(this.#maximum);
    else if (Object.keys(copy.contents).length) await this.#write(copy);
    this.#tell();
  }

  // The person has done something, or comes back: what the browser would not take may be tried again.
  gesture() {
    if (this.#copy?.status === "waiting") this.#write(this.#copy);
  }

  async #write(copy) {
    if (this.#writing === copy) return;
    this.#writing = copy;
    try {
      const mark = await this.#browser.mark(copy.contents);
      if (copy !== this.#copy) return;
      this.#copied = mark; // before it is written: it may be read back before the browser says that it was
      await this.#browser.write(copy.contents);
      copy.status = "done";
    } catch {
      copy.status = "waiting";
    } finally {
      if (this.#writing === copy) this.#writing = null;
    }
    this.#tell();
  }

  // ---- to the desktop

  // This browser's clipboard holds this. Returns a promise: the desktop's programs get it now, or a second has
  // passed. Nothing happens when it is what either side has had from here already.
  async give(content) {
    const contents = /** @type {Content} */ (Object.fromEntries(Object.entries(content).filter(([, value]) => value)));
    if (!this.takes || !Object.keys(contents).length) return;
    // All waiting comes first: of two that bring the same at once, one is offered.
    const [mark, bytes] = await Promise.all([this.#browser.mark(contents), bytesOf(contents, this.#formats)]);
    if (mark === this.#copied || (mark === this.#mine?.mark && !this.#copy)) {
      await this.#mine?.known;
      return;
    }
    if (!bytes.size || !this.takes) return;
    this.#over();
    this.#copy = null;
    this.#copied = null;
    this.#error = "";
    this.#ids += 1;
    const mine = { id: this.#ids, contents, mark, bytes, outgoing: new Map(), taken: () => {}, known: null };
    mine.known = new Promise((/** @type {(value?: any) => void} */ resolve) => {
      const timer = this.#clock.setTimeout(resolve, TAKEN_TIME);
      mine.taken = () => {
        this.#clock.clearTimeout(timer);
        resolve();
      };
    });
    this.#mine = mine;
    this.#send({
      name: "ClipboardOffer", id: mine.id,
      parts: [...bytes].map(([format, data]) => ({ format, size: data.length })),
    });
    this.#tell();
    await mine.known;
  }

  #requested({ id, format, limit }) {
    const data = id === this.#mine?.id ? this.#mine.bytes.get(format) : undefined;
    const end = (reason, size) => this.#send({ name: "ClipboardEnd", id, format, reason, size, text: "" });
    if (!data) end(ClipboardReason.GONE, 0);
    else if (data.length > limit) end(ClipboardReason.LARGER, data.length);
    else {
      const outgoing = new Outgoing(id, format, data, this.#send);
      this.#mine.outgoing.set(format, outgoing);
      outgoing.acknowledged(0);
    }
  }

  #acknowledged({ id, format, received }) {
    if (id !== this.#mine?.id) return;
    const outgoing = this.#mine.outgoing.get(format);
    outgoing?.acknowledged(received);
    if (outgoing?.done) this.#mine.outgoing.delete(format);
  }

  // ----

  #over() {
    this.#mine?.taken();
    this.#mine = null;
  }

  #fails(text) {
    this.#error = text;
    this.#tell();
  }

  #tell() {
    this.#changed();
  }
}

/** @param {Content} contents */
async function bytesOf({ text, html, png }, formats) {
  const utf8 = new TextEncoder();
  const found = new Map();
  if (text && formats.has(TEXT)) found.set(TEXT, utf8.encode(text));
  if (html && formats.has(HTML)) found.set(HTML, utf8.encode(html));
  if (png && formats.has(PNG)) found.set(PNG, new Uint8Array(await png.arrayBuffer()));
  return found;
}
