// The page's end of the session's worker.

// listeners: {sound, clipboard, status, hello, screen, state, notice, dialog, dialogOver, shadow, people, pointer, pointerMode, again,
// switch, cursor, drawn, statistics, regions, picture}, each called with the
// worker's message of that kind.
export class Remote {
  #worker;

  // canvas is handed over to the worker: the page cannot draw on it any more. shadow: how to look on at somebody
  // else's session, "view" or "control"; null for one's own. invitation: {secret, name, again} of who looks on by one, or null.
  constructor({ canvas, session, ticket, size, shadow, invitation = null }, listeners) {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => listeners[data.kind](data);
    this.#worker.onerror = ({ message }) => listeners.status({ state: "broken", reason: message ?? "" });
    const surface = canvas.transferControlToOffscreen();
    this.#worker.postMessage({ kind: "start", canvas: surface, session, ticket, size, shadow, invitation }, [surface]);
  }

  send(message) {
    this.#worker.postMessage({ kind: "send", message });
  }

  requestSize(size) {
    this.#worker.postMessage({ kind: "size", size });
  }

  retry() {
    this.#worker.postMessage({ kind: "retry" });
  }

  statistics(on) {
    this.#worker.postMessage({ kind: "statistics", on });
  }

  // What the page has for sound, see sound/hearing.js.
  sound(details, transfer = []) {
    this.#worker.postMessage({ kind: "sound", ...details }, transfer);
  }

  // Tells from now on which parts of the picture came how (`regions`), or no more.
  outline(on) {
    this.#worker.postMessage({ kind: "outline", on });
  }

  // Asks for the screen as a PNG file; it comes as `picture`.
  picture() {
    this.#worker.postMessage({ kind: "picture" });
  }

  // The worker says good-bye and ends by itself.
  stop() {
    this.#worker.postMessage({ kind: "stop" });
  }
}
