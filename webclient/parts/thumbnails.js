// Small pictures of sessions' screens, asked for anew only where somebody sees them.

import { h } from "../dom.js";

const EVERY = 5000;
const AT_ONCE = 3; // a browser opens six connections to a server, and the page needs some itself

export class Thumbnails {
  #shown = new Map(); // by image element: {id, width, tag, url, at}
  #visible = new Set();
  #busy = 0;
  #timer;
  #observer;

  constructor() {
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.#visible.add(target);
        else this.#visible.delete(target);
      }
      this.#go();
    });
    this.#timer = setInterval(() => this.#go(), 1000);
  }

  // image: an element that shows the screen of session `id` from now on; it is hidden while there is no picture.
  add(image, id, width = 320) {
    this.#shown.set(image, { id, width, tag: null, url: null, at: 0 });
    this.#observer.observe(image.parentElement ?? image);
    image.hidden = true;
  }

  remove(image) {
    const kept = this.#shown.get(image);
    if (!kept) return;
    if (kept.url) URL.revokeObjectURL(kept.url);
    this.#shown.delete(image);
    this.#observer.unobserve(image.parentElement ?? image);
    this.#visible.delete(image.parentElement ?? image);
  }

  stop() {
    clearInterval(this.#timer);
    this.#observer.disconnect();
    for (const image of [...this.#shown.keys()]) this.remove(image);
  }

  #go() {
    if (document.hidden) return;
    const now = performance.now();
    const due = [...this.#shown].filter(([image, { at }]) => (!at || now - at >= EVERY) && this.#visible.has(image.parentElement));
    due.sort(([, a], [, b]) => a.at - b.at);
    for (const [image, kept] of due) {
      if (this.#busy >= AT_ONCE) return;
      kept.at = now;
      this.#busy += 1;
      this.#fetch(image, kept).finally(() => {
        this.#busy -= 1;
        this.#go();
      });
    }
  }

  async #fetch(image, kept) {
    try {
      const headers = kept.tag ? { "If-None-Match": kept.tag } : {};
      const address = `/api/v1/sessions/${encodeURIComponent(kept.id)}/thumbnail?width=${kept.width}`;
      const answer = await fetch(address, { headers, cache: "no-store", credentials: "same-origin" });
      if (answer.status !== 200) return; // as before, none yet, or over
      const picture = await answer.blob();
      if (this.#shown.get(image) !== kept) return;
      if (kept.url) URL.revokeObjectURL(kept.url);
      kept.tag = answer.headers.get("ETag");
      kept.url = URL.createObjectURL(picture);
      image.src = kept.url;
      image.hidden = false;
    } catch {
      // The next one may come; the list says when the server cannot be reached.
    }
  }
}

// Pictures of screens that stay as they are while what is around them is made anew.
export class Shots {
  #thumbnails = new Thumbnails();
  #kept = new Map(); // by session and width: the element

  // → an element with the screen of session `id`, to be put where it is wanted.
  of(id, width) {
    const key = `${id} ${width}`;
    let shot = this.#kept.get(key);
    if (!shot) {
      const image = h("img", { alt: "" });
      shot = h("span", { class: "shot" }, image);
      this.#kept.set(key, shot);
      this.#thumbnails.add(image, id, width);
    }
    return shot;
  }

  // Forgets those that are shown nowhere any more.
  sweep() {
    for (const [key, shot] of this.#kept) {
      if (shot.isConnected) continue;
      this.#thumbnails.remove(shot.firstElementChild);
      this.#kept.delete(key);
    }
  }

  stop() {
    this.#thumbnails.stop();
    this.#kept.clear();
  }
}
