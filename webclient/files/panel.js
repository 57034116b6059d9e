// The panel "Files": the folder that the desktop shares, what can be done there, and the uploads of this page.

import { ask, tell } from "../dialog.js";
import { announce, h, icon, iconButton } from "../dom.js";
import { menuButton } from "../menu.js";
import { SidePanel } from "../parts/panel.js";
import { moment } from "../parts/times.js";
import { bytes, t } from "../strings.js";
import { askName } from "./askname.js";
import { chosen } from "./dropped.js";
import { row, unfinishedRow } from "./rows.js";
import { FileServer } from "./server.js";
import { Transfers } from "./transfers.js";

const LOOK_AGAIN = 4000; // ms
const MOST_ROWS = 100;
const TOAST_TIME = 6000;

export class FilesPanel {
  toast = h("p", { class: "files-toast", role: "status", hidden: true });
  #session;
  #server;
  #badge;
  #panel;
  #path = "";
  #shown = ""; // what is drawn, as text: drawn again only when it is another
  #worker = null;
  #transfers;
  #timer = null;
  #asking = null; // an AbortController while the list is asked for
  #crumbs = h("ol", { class: "files-path" });
  #note = h("p", { class: "files-note", hidden: true });
  #list = h("ul", { class: "files-list" });
  #empty = h("p", { class: "quiet", hidden: true });
  #used = h("p", { class: "files-used" });
  #uploads = h("ul", { class: "files-uploads" });
  #uploading;
  #parts; // all of the panel: it is emptied when it is put away
  #rows = new Map(); // number of an upload → its row
  #unfinished = [];

  constructor({ session, refocus, badge }) {
    this.#session = session;
    this.#server = new FileServer(session);
    this.#badge = badge;
    this.#panel = new SidePanel(t("files.title"), () => {
      this.close();
      refocus();
    });
    this.element = this.#panel.element;
    this.element.classList.add("files");
    this.#transfers = new Transfers({
      post: (message) => this.#work().postMessage(message),
      changed: (item) => this.#uploadChanged(item),
    });
    const clear = h("button", { type: "button", class: "button", onclick: () => this.#clear() }, t("files.clear"));
    this.#uploading = h("section", { class: "files-part", hidden: true, "aria-label": t("files.transfers") },
      h("div", { class: "files-part-head" }, h("h3", {}, t("files.transfers")), clear), this.#uploads);
    this.#parts = [...this.#tools(), this.#note, h("nav", { "aria-label": t("files.path") }, this.#crumbs), this.#list,
      this.#empty, this.#uploading, this.#used];
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get isWorking() {
    return this.#transfers.working.length > 0;
  }

  open() {
    if (this.isOpen) return;
    this.#panel.open(t("files.title"));
    this.#panel.show(this.#parts);
    this.#draw({ files: [], unfinished: [], used: 0, quota: 0, mounted: true }, true);
    this.#look();
    this.#timer = setInterval(() => {
      if (!document.hidden) this.#look();
    }, LOOK_AGAIN);
  }

  close() {
    this.element.hidden = true;
    clearInterval(this.#timer);
    this.#asking?.abort();
  }

  stop() {
    this.close();
    this.#worker?.terminate();
  }

  // found: a promise of what was dropped (dropped.js). It goes to the folder that is shown.
  async take(found) {
    let taken;
    try {
      taken = await found;
    } catch {
      this.#say(t("files.unreadable"));
      return;
    }
    if (taken.tooMany) this.#say(t("files.toomany", { count: taken.files.length }));
    const folder = this.#path;
    for (const { path, file } of taken.files) this.#transfers.add(this.#session, folder, path, file);
    for (const path of taken.folders) await this.#do(() => this.#server.makeFolder(folder, path));
  }

  // ---- what can be done

  #tools() {
    const input = (more) => h("input", {
      type: "file", multiple: true, hidden: true, ...more,
      onchange: ({ target }) => {
        this.take(Promise.resolve({ files: chosen(target.files), folders: [], tooMany: false }));
        target.value = "";
      },
    });
    const [files, folder] = [input({ "data-key": "files-input" }), input({ webkitdirectory: true })];
    const upload = h("button", { type: "button", class: "button primary", onclick: () => files.click() }, icon("upload"), t("files.upload"));
    const tree = iconButton("folder", t("files.upload.folder"), () => folder.click());
    const make = iconButton("folder-new", t("files.new"), () => this.#makeFolder());
    return [h("p", { class: "quiet files-hint" }, t("files.hint")), h("div", { class: "files-tools" }, upload, tree, make, files, folder)];
  }

  async #makeFolder() {
    const name = await askName({ title: t("files.new"), label: t("files.new.name"), confirm: t("files.create"), parent: this.element.parentElement });
    if (name) await this.#do(() => this.#server.makeFolder(this.#path, name));
  }

  async #rename(path, name) {
    const wanted = await askName({
      title: t("files.rename"), label: t("files.rename.name"), value: name, confirm: t("files.rename.do"), parent: this.element.parentElement,
    });
    if (wanted && wanted !== name) await this.#do(() => this.#server.rename(path, this.#path, wanted));
  }

  async #remove(path, name) {
    const isSure = await ask({
      title: t("files.delete.title", { name }), text: t("files.delete.text"), confirm: t("files.delete.do"), parent: this.element.parentElement,
    });
    if (isSure) await this.#do(() => this.#server.remove(path));
  }

  async #checksum(path, name) {
    await this.#do(async () => {
      const { sha256 } = await this.#server.checksum(path);
      await tell({ title: t("files.checksum.title", { name }), text: sha256, parent: this.element.parentElement });
    });
  }

  async #do(act) {
    try {
      await act();
    } catch (error) {
      await tell({ title: t("files.failed"), text: error.message, parent: this.element.parentElement });
    }
    await this.#look();
  }

  // ---- the folder

  async #look() {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    try {
      const found = await this.#server.list(this.#path, asking.signal);
      if (!asking.signal.aborted) this.#draw(found);
    } catch (error) {
      if (asking.signal.aborted) return;
      if (error.status === 404 && this.#path) this.#go("");
      else this.#say(error.message);
    }
  }

  #go(path) {
    this.#path = path;
    this.#look();
  }

  #say(text) {
    this.#note.textContent = text;
    this.#note.hidden = !text;
  }

  #draw(found, isFirst = false) {
    const known = new Set(this.#transfers.items.map(({ path }) => path));
    found.unfinished = found.unfinished.filter(({ path }) => !known.has(path));
    const text = JSON.stringify([this.#path, found]);
    if (text === this.#shown) return;
    this.#shown = isFirst ? "" : text;
    this.#say(found.mounted ? "" : t("files.unmounted"));
    const focused = document.activeElement?.getAttribute("data-key");
    const wasInside = this.#list.contains(document.activeElement) || this.#crumbs.contains(document.activeElement);
    this.#crumbs.replaceChildren(...this.#steps());
    this.#list.setAttribute("aria-label", t("files.list", { folder: this.#path || t("files.root") }));
    this.#list.replaceChildren(...found.files.map((file) => this.#entry(file)));
    this.#list.hidden = !found.files.length;
    this.#empty.hidden = isFirst || found.files.length > 0;
    this.#empty.textContent = t("files.empty");
    this.#used.hidden = isFirst;
    const [used, quota] = [bytes(found.used), bytes(found.quota)];
    this.#used.textContent = found.quota ? t("files.used", { used, quota }) : t("files.used.any", { used });
    this.#unfinished = found.unfinished;
    this.#drawUploads();
    if (wasInside) (this.element.querySelector(`[data-key="${CSS.escape(focused ?? "")}"]`) ?? this.#panel.heading).focus();
  }

  #steps() {
    const names = this.#path ? this.#path.split("/") : [];
    return [t("files.root"), ...names].map((name, at) => {
      const path = names.slice(0, at).join("/");
      const isHere = at === names.length;
      const step = h("button", { type: "button", class: "files-step", "data-key": `step-${at}`, "aria-current": isHere ? "true" : null, onclick: () => this.#go(path) });
      step.textContent = name;
      return h("li", {}, step);
    });
  }

  #entry({ name, folder, bytes: size, changed }) {
    const path = this.#path ? `${this.#path}/${name}` : name;
    const key = `file-${name}`;
    const label = folder
      ? h("button", { type: "button", class: "files-name", "data-key": key, onclick: () => this.#go(path) })
      : h("a", { class: "files-name", "data-key": key, href: this.#server.address(path), download: name });
    label.append(icon(folder ? "folder" : "file"), h("span", {}, name));
    const more = iconButton("more", t("files.actions", { name }), null, { "data-key": `more-${name}` });
    const items = [
      ...(folder ? [] : [
        { label: t("files.download"), icon: "download", action: () => label.click() },
        { label: t("files.checksum"), icon: "check", action: () => this.#checksum(path, name) },
      ]),
      { label: t("files.rename"), icon: "text", action: () => this.#rename(path, name) },
      { label: t("files.delete"), icon: "cross", danger: true, action: () => this.#remove(path, name) },
    ];
    const about = h("span", { class: "files-about" }, folder ? "" : bytes(size), " ", moment(changed));
    return h("li", {}, label, about, menuButton(more, () => items, t("files.actions", { name })));
  }

  // ---- uploads

  #work() {
    if (!this.#worker) {
      this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      this.#worker.onmessage = ({ data }) => this.#transfers.told(data);
      this.#worker.onerror = () => this.#say(t("files.unreachable"));
    }
    return this.#worker;
  }

  #uploadChanged(item) {
    const made = this.#rows.get(item.number);
    if (made) made.show(item);
    else this.#drawUploads();
    const { working } = this.#transfers;
    this.#badge(working.length ? String(working.length) : "");
    if (item.state === "done") this.#look();
    if (["done", "failed"].includes(item.state) && !working.length) this.#tellEnd();
  }

  #drawUploads() {
    const items = this.#transfers.items.slice(0, MOST_ROWS);
    const actions = (kind) => (number) => this.#transfers.act(number, kind);
    for (const item of items) {
      if (this.#rows.has(item.number)) continue;
      const made = row(item, { pause: actions("pause"), resume: actions("resume"), cancel: actions("cancel") });
      this.#rows.set(item.number, made);
    }
    const giveUp = ({ id }) => this.#do(() => this.#server.cancel(id));
    const hidden = this.#transfers.items.length - items.length;
    this.#uploads.replaceChildren(...items.map(({ number }) => this.#rows.get(number).element),
      ...(hidden > 0 ? [h("li", { class: "quiet" }, t("files.more", { count: hidden }))] : []),
      ...this.#unfinished.map((one) => unfinishedRow(one, giveUp)));
    this.#uploading.hidden = !this.#uploads.childElementCount;
  }

  #clear() {
    this.#transfers.clear();
    const left = new Set(this.#transfers.items.map(({ number }) => number));
    for (const number of [...this.#rows.keys()]) if (!left.has(number)) this.#rows.delete(number);
    this.#drawUploads();
    this.#panel.heading.focus();
  }

  #tellEnd() {
    const { items } = this.#transfers;
    const failed = items.filter(({ state }) => state === "failed").length;
    const done = items.filter(({ state }) => state === "done");
    const text = failed ? t("files.done.failed", { count: failed })
      : done.length === 1 ? t("files.done.one", { name: done[0].stored.path.split("/").at(-1) })
        : t("files.done.many", { count: done.length });
    if (this.isOpen) {
      announce(text);
      return;
    }
    this.toast.textContent = text;
    this.toast.hidden = false;
    setTimeout(() => {
      this.toast.hidden = true;
    }, TOAST_TIME);
  }
}
