// A session: the guest's screen in the window, and everything around it.

import { SessionClipboard } from "../clipboard/session.js";
import { tell } from "../dialog.js";
import { h, save } from "../dom.js";
import { Files } from "../files/files.js";
import * as life from "../life.js";
import { Banner } from "../session/banner.js";
import { Controls } from "../session/controls.js";
import { desktopOf, startAgain } from "../session/desktop.js";
import { Dialogs } from "../session/dialogs.js";
import { Display } from "../session/display.js";
import { inputEntries, sessionEntries } from "../session/entries.js";
import { KeyRow } from "../session/keyrow.js";
import { Marks } from "../session/marks.js";
import { NoticeBoard } from "../session/noticeboard.js";
import { Panel } from "../session/panel.js";
import { People } from "../session/people.js";
import { Pointers } from "../session/pointers.js";
import { Regions } from "../session/regions.js";
import { Remote } from "../session/remote.js";
import { Room } from "../session/room.js";
import { textBox } from "../session/textbox.js";
import { Toolbar } from "../session/toolbar.js";
import { storage, View } from "../session/view.js";
import { Sound } from "../sound/sound.js";
import { t } from "../strings.js";
import { keepTicket, takeTicket } from "../tickets.js";

// shadow: how to look on at somebody else's session, "view" or "control"; null for one's own.
// invitation: {secret, name, again, by, title, keep(again)} of who looks on by one, or null.
export function sessionPage(app, session, shadow = null, invitation = null) {
  return new SessionPage(app, session, shadow, invitation);
}

class SessionPage {
  #app;
  #session;
  #shadow;
  #invitation;
  #people;
  #pointers;
  #dialogs;
  #marks;
  #known; // {desktop, title} as the list of desktops passed them, or empty
  #remote = null;
  #clipboard;
  #controls;
  #display;
  #sound = null;
  #toolbar;
  #stage;
  #canvas = h("canvas", { class: "screen", width: 1, height: 1 });
  #notices = new NoticeBoard(() => this.#actions(), () => this.#controls.focus());
  #statistics = new Panel({}, (on) => this.#outline(on));
  #regions = new Regions((place) => this.#display.toStage(place));
  #banner = new Banner({ stay: () => this.#stay(), put: () => this.#controls.focus() });
  #situation;
  #gone = new AbortController();
  #view;
  #room;
  #keyRow;
  #files = null; // of one's own session
  #whose = ""; // the session's person, for who looks on

  constructor(app, session, shadow, invitation) {
    this.#app = app;
    this.#session = session;
    this.#shadow = shadow;
    this.#invitation = invitation;
    this.#known = invitation ? { title: invitation.title } : history.state ?? {};
    this.title = this.#known.title ?? t("kind.other");
    this.#situation = {
      status: { state: "idle", attempt: 0 }, guest: null, hasPicture: false, title: this.title,
      canStartAgain: Boolean(this.#known.desktop), shadow: shadow !== null, isGuest: invitation !== null && !app.user,
    };
    const field = h("textarea", {
      class: "catcher", "aria-label": t("session.text.label", { title: this.title }), autocomplete: "off",
      autocapitalize: "off", autocorrect: "off", spellcheck: "false", tabindex: -1,
    });
    this.#stage = h("div", {
      class: "stage", role: "application", tabindex: 0, "aria-label": t("session.label", { title: this.title }),
    }, this.#canvas, field);
    this.#view = new View(this.#known.desktop ?? null, storage());
    this.#display = new Display(this.#stage, this.#canvas, this.#view);
    this.#pointers = new Pointers((place) => this.#display.toStage(place));
    this.#display.laidOut = () => this.#pointers.layout();
    this.#stage.append(this.#regions.element, this.#pointers.element);
    this.#controls = new Controls({
      stage: this.#stage,
      field,
      display: this.#display,
      send: (message) => {
        // Who does not control shows the others where they point, all the same.
        if (this.#people.controls || ["Pointer", "ReleaseKeys"].includes(message.name)) this.#remote?.send(message);
      },
      escape: () => this.#toolbar.show(true),
      keyboard: () => this.#controls.focus({ onScreenKeyboard: true }),
    });
    if (!shadow) this.#sound = this.#makeSound();
    this.#keyRow = new KeyRow(this.#controls.keyboard, field);
    this.#clipboard = new SessionClipboard({
      stage: this.#stage,
      keyboard: this.#controls.keyboard,
      send: (message) => this.#remote?.send(message),
      refocus: () => this.#controls.focus(),
      signal: this.#gone.signal,
      changed: (change) => {
        if (!shadow) this.#toolbar.set("clipboard", change);
      },
    });
    this.#toolbar = new Toolbar(this.title, this.#entries(), () => this.#controls.focus());
    this.#marks = new Marks({
      own: shadow !== null,
      stop: (id) => {
        this.#remote?.send({ name: "StopShadow", id });
        this.#controls.focus();
      },
    });
    this.element = h("main", { class: "session" }, this.#stage, this.#notices.element, this.#banner.element,
      this.#marks.element, this.#toolbar.element, this.#clipboard.element, this.#keyRow.element, this.#sound?.element, this.#statistics.element);
    this.#room = this.#makeRoom();
    if (shadow === null) {
      this.#files = new Files({
        session, parent: this.element, signal: this.#gone.signal, refocus: () => this.#controls.focus(),
        badge: (text) => this.#toolbar.set("files", { badge: text }),
      });
    }
    this.#dialogs = new Dialogs({
      parent: this.element,
      answer: (id, yes) => {
        if (typeof id === "string") this.#people.answered(id, yes);
        else this.#remote?.send({ name: "Answer", id, yes });
      },
      closed: () => this.#controls.focus(),
    });
    this.#people = this.#makePeople();
    this.element.append(this.#people.element, this.#people.panel);
  }

  shown() {
    const { signal } = this.#gone;
    this.#room.start(signal);
    addEventListener("online", () => this.#remote?.retry(), { signal });
    this.#useView();
    this.#stage.addEventListener("pointerleave", () => {
      if (this.#people.isShared) this.#remote?.send({ name: "PointAway" });
    }, { signal });
    this.#draw();
    this.#toolbar.show();
    this.#controls.focus();
    this.#begin();
  }

  leave = () => {
    this.#gone.abort();
    this.#controls.stop();
    this.#sound?.stop();
    this.#toolbar.stop();
    this.#notices.stop();
    this.#banner.stop();
    this.#dialogs.clear();
    this.#remote?.stop();
    this.#remote = null;
  };

  #begin() {
    const size = this.#room.begin();
    const start = { canvas: this.#canvas, session: this.#session, ticket: takeTicket(this.#session), size, shadow: this.#shadow, invitation: this.#plainInvitation() };
    try {
      this.#remote = new Remote(start, this.#listeners());
      this.#sound?.begin();
    } catch (error) {
      this.#update({ status: { state: "broken", reason: error.message } });
    }
    if (!this.#known.desktop && !this.#shadow) this.#findDesktop();
  }

  // What of the invitation a worker can be told.
  #plainInvitation() {
    if (!this.#invitation) return null;
    const { secret, name, again } = this.#invitation;
    return { secret, name, again };
  }

  #makePeople() {
    const send = (message) => {
      this.#remote?.send(message);
      if (this.#people.panel.hidden) this.#controls.focus();
    };
    return new People({
      session: this.#session, own: this.#shadow === null, dialogs: this.#dialogs, send,
      whose: () => this.#invitation?.by ?? this.#whose,
      say: (edge) => this.#marks.say(edge, send),
      refocus: () => this.#controls.focus(),
      opened: (pressed) => this.#toolbar.set("people", { pressed }),
      changed: ({ people, others, controls }) => {
        this.#pointers.people(people);
        this.#toolbar.watching.hidden = controls;
        this.#toolbar.set("people", { badge: others.length ? String(people.length) : "" });
      },
    });
  }

  #listeners() {
    return {
      status: (status) => {
        if (status.state === "waiting") this.#controls.release();
        if (status.state !== "connected") this.#alone();
        // While attempts fail, why the line went is still the reason; they have none of their own.
        const before = status.state === "connected" ? {} : this.#situation.status;
        const [code, cause] = [status.code ?? before.code ?? null, status.cause ?? before.cause ?? null];
        const isStale = this.#situation.isStale || (status.state !== "connected" && this.#situation.hasPicture);
        this.#update({ status: { ...status, code, cause }, isStale });
      },
      clipboard: ({ message }) => this.#clipboard.message(message),
      hello: ({ hello }) => {
        this.#clipboard.greeted(hello);
        this.#controls.greeted(hello);
        this.#rename(hello.desktop || this.title);
        this.#people.greeted(Boolean(hello.control));
        this.#update({ guest: null });
      },
      sound: (details) => this.#sound?.told(details),
      screen: ({ width, height }) => {
        this.#display.setScreen(width, height);
        this.#controls.moved();
      },
      state: ({ state }) => this.#update({ guest: state }),
      notice: ({ notice }) => this.#banner.show(notice),
      dialog: ({ dialog }) => this.#dialogs.show(dialog),
      dialogOver: ({ id }) => this.#dialogs.over(id),
      shadow: ({ shadow }) => {
        if (this.#shadow) this.#whose = shadow.who;
        this.#marks.show(shadow);
      },
      people: ({ people }) => this.#people.show(people),
      pointer: ({ pointer }) => this.#pointers.show(pointer),
      pointerMode: ({ relative }) => {
        this.#controls.relative = relative;
      },
      again: ({ again }) => this.#invitation?.keep(again),
      switch: ({ session, title, ticket }) => this.#switch(session, title, ticket),
      cursor: ({ cursor }) => {
        if (this.#people.controls) this.#display.setCursor(cursor);
      },
      drawn: ({ changed }) => {
        this.#controls.changed(changed);
        const { hasPicture, isStale } = this.#situation;
        if (!hasPicture || isStale) this.#update({ hasPicture: true, isStale: false });
      },
      statistics: ({ statistics }) => this.#statistics.showOwn(statistics),
      regions: ({ regions }) => this.#regions.show(regions),
      picture: ({ file }) => save(file, `${this.title}.png`),
    };
  }

  // Without a connection nothing that the server has told is known to be so.
  #alone() {
    this.#banner.show(null);
    this.#clipboard.lost();
    this.#people.greeted(this.#people.controls);
    this.#pointers.clear();
    this.#dialogs.clear();
    this.#marks.clear();
  }

  // Somebody shows this viewer another session.
  #switch(session, title, ticket) {
    keepTicket(session, ticket);
    this.#app.go(`/session/${encodeURIComponent(session)}`, { title });
  }

  #update(change) {
    Object.assign(this.#situation, change);
    this.#draw();
  }

  #draw() {
    const isSaid = this.#notices.show(this.#situation);
    this.element.classList.toggle("is-dimmed", isSaid && this.#situation.hasPicture);
    this.element.classList.toggle("has-picture", this.#situation.hasPicture);
  }

  #makeSound() {
    return new Sound({
      worker: (details, transfer) => this.#remote?.sound(details, transfer),
      toolbar: { set: (change) => this.#toolbar.set("sound", change), button: () => this.#toolbar.button("sound") },
      refocus: () => this.#controls.focus(),
    });
  }

  // What the toolbar offers, from left to right; each part of the client brings its own.
  #entries() {
    const actions = this.#actions();
    const clipboard = { id: "clipboard", kind: "button", icon: "clipboard", label: t("clipboard.title"), action: () => this.#clipboard.toggle() };
    const files = { id: "files", kind: "button", icon: "folder", label: t("files.title"), action: () => this.#files?.toggle() };
    const people = { id: "people", kind: "toggle", icon: "people", label: t("people.title"), action: () => this.#people.toggle() };
    const own = this.#shadow ? [] : [clipboard, files, this.#sound.entry];
    return [...inputEntries(actions), ...own, people, ...sessionEntries(actions)];
  }

  #actions() {
    return {
      back: () => this.#app.go("/"),
      retry: () => this.#remote?.retry(),
      takeback: () => this.#remote?.retry(),
      tryagain: () => this.#remote?.retry(),
      askagain: () => this.#remote?.retry(),
      reconnect: () => this.#remote?.retry(),
      reload: () => location.reload(),
      signin: () => this.#app.signedOut(t("signin.again")),
      again: () => this.#startAgain(),
      combination: (codes) => {
        this.#controls.focus();
        this.#controls.keyboard.combination(codes);
      },
      refocus: () => this.#controls.focus(),
      screenKeyboard: () => this.#controls.focus({ onScreenKeyboard: true }),
      textBox: () => this.#openTextBox(),
      captures: () => this.#controls.captures,
      capture: (on) => {
        this.#controls.captures = on;
      },
      statistics: () => this.#toggleStatistics(),
      picture: () => {
        this.#remote?.picture();
        this.#controls.focus();
      },
      disconnect: () => this.#app.go("/"),
      logOff: this.#shadow ? null : () => this.#over(life.logOff),
      reset: this.#shadow ? null : () => this.#over(life.reset),
      fullScreen: () => this.#room.toggleFull(),
      view: this.#view,
      canResize: !this.#shadow,
      choose: (name, value) => this.#choose(name, value),
    };
  }

  #rename(title) {
    this.title = title;
    this.#situation.title = title;
    this.#toolbar.name.textContent = title;
    document.title = `${title} · ${t("product")}`;
  }

  // After a reload of the page, or by a link: which desktop this session belongs to.
  async #findDesktop() {
    const found = await desktopOf(this.#session);
    if (!found || this.#gone.signal.aborted) return;
    this.#known = found;
    this.#view.belongsTo(found.desktop);
    this.#useView();
    this.#room.rechosen();
    history.replaceState(found, "");
    this.#rename(found.title);
    this.#update({ canStartAgain: true });
  }

  #startAgain() {
    const tell = (reason) => this.#update({ status: { ...this.#situation.status, reason } });
    return startAgain(this.#app, this.#known, this.#display.wished, tell, () => !this.#gone.signal.aborted);
  }

  // end: one of life.js that ends the session.
  async #over(end) {
    try {
      if (await end(this.#session, this.title, this.element)) this.#app.go("/");
      else this.#controls.focus();
    } catch (error) {
      if (error.status === 401) this.#app.signedOut(t("signin.again"));
      else {
        await tell({ title: t("life.failed"), text: error.message, parent: this.element });
        this.#controls.focus();
      }
    }
  }

  #stay() {
    this.#remote?.send({ name: "Stay" });
    this.#controls.focus();
  }

  #makeRoom() {
    return new Room({
      element: this.element, stage: this.#stage, display: this.#display, view: this.#view,
      caret: () => this.#controls.caret,
      request: this.#shadow ? null : (size) => this.#remote?.requestSize(size),
      full: (isFull) => {
        this.#toolbar.set("full", { icon: isFull ? "full-off" : "full", label: t(isFull ? "session.full.off" : "session.full") });
        this.#controls.focus();
      },
      covered: (isCovered) => {
        this.#keyRow.element.hidden = !isCovered;
      },
    });
  }

  // What is chosen for this desktop holds from now on.
  #useView() {
    const { keyboard, fingers } = this.#view;
    if (this.#controls.keyboard.mode !== keyboard) this.#controls.keyboard.mode = keyboard;
    this.#controls.fingers = fingers;
  }

  #choose(name, value) {
    this.#room.choose(name, value);
    this.#useView();
    this.#controls.moved();
    this.#controls.focus();
  }

  #openTextBox() {
    this.element.querySelector(".textbox")?.remove();
    const box = textBox((text) => this.#controls.type(text), () => this.#controls.focus());
    this.element.append(box.element);
    box.focus();
  }

  #toggleStatistics() {
    const { element } = this.#statistics;
    element.hidden = !element.hidden;
    this.#remote?.statistics(!element.hidden);
    this.#controls.focus();
  }

  #outline(on) {
    this.#regions.turn(on);
    this.#remote?.outline(on);
  }
}
