// The room that the guest's screen has: the window, the whole screen of this computer, or what an on-screen keyboard
// leaves of it; and the guest's resolution, which follows.

const QUIET = 30; // ms without another change of the window until the guest is asked for another size: a drag goes on
const KEYBOARD = 120; // CSS pixels that an on-screen keyboard covers at least

export class Room {
  #parts;
  #timer = null;
  #requested = null;

  // element: the session, which fills the window; stage; display: a Display; view: a View; caret(): the guest's pixel to
  // keep in view; request(size): asks the guest, null where this viewer may not; full(isFull): full screen began or ended;
  // covered(isCovered): an on-screen keyboard came or went.
  constructor(parts) {
    this.#parts = parts;
  }

  start(signal) {
    const observer = new ResizeObserver(() => this.changed());
    observer.observe(this.#parts.stage);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      clearTimeout(this.#timer);
      if (document.fullscreenElement) document.exitFullscreen();
    });
    document.addEventListener("fullscreenchange", () => this.#fullChanged(), { signal });
    for (const name of ["resize", "scroll"]) visualViewport?.addEventListener(name, () => this.#fitKeyboard(), { signal });
  }

  // The size to begin with.
  begin() {
    this.#requested = this.#parts.display.wished;
    return this.#requested;
  }

  // Something is chosen of how the desktop is looked at, by the names of View.
  choose(name, value) {
    this.#parts.view.choose(name, value);
    this.rechosen();
  }

  // Much may have been chosen.
  rechosen() {
    this.#parts.display.rescale();
    this.#requestSize();
  }

  async toggleFull() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen({ navigationUI: "hide" }).catch(() => {});
  }

  changed() {
    this.#parts.display.layout();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#requestSize(), QUIET);
  }

  #requestSize() {
    const { display, request } = this.#parts;
    const size = display.wished;
    if (!request || display.isCovered || String(size) === String(this.#requested)) return;
    this.#requested = size;
    request(size);
  }

  #fullChanged() {
    const isFull = Boolean(document.fullscreenElement);
    // In full screen the browser can leave even its own shortcuts to the guest.
    if (isFull) navigator.keyboard?.lock?.().catch(() => {});
    else navigator.keyboard?.unlock?.();
    this.#parts.full(isFull);
  }

  // On-screen keyboards lie over the page and push it up, where the browser does not know better: the session takes what
  // is left. A page that is zoomed is left alone: there the person chose what to see.
  #fitKeyboard() {
    const { element, display, caret, covered } = this.#parts;
    const { height, offsetTop, scale } = visualViewport;
    const isCovered = scale < 1.01 && innerHeight - height > KEYBOARD;
    const wasCovered = element.classList.contains("is-covered");
    element.classList.toggle("is-covered", isCovered);
    element.style.setProperty("--visible-top", `${offsetTop}px`);
    element.style.setProperty("--visible-height", `${height}px`);
    if (!isCovered && !wasCovered) return;
    display.cover(isCovered, caret());
    if (isCovered !== wasCovered) covered(isCovered);
    if (!isCovered) this.changed();
  }
}
