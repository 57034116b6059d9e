// What the portal shows, and in which order; where somebody wanted to go; and what a page knows of its version.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

import { changesOf, inOrder, runningOf, shownOf, steady } from "../../webclient/pages/listing.js";
import { keepWanted, takeWanted } from "../../webclient/wanted.js";

const desktop = (id, more = {}) => ({ id, title: id, description: "", kind: "qemu", session: null, sessions: [], ...more });
const running = (id = "s", state = "active") => ({ id, state });
const ids = (desktops) => desktops.map(({ id }) => id).join("");

test("favourites come first, then what runs, then what was used last; else the server's order stays", () => {
  const desktops = [
    desktop("a"), desktop("b", { used: 10 }), desktop("c", { used: 20 }), desktop("d", { sessions: [running()] }),
    desktop("e", { favourite: true }), desktop("f", { favourite: true, used: 1 }), desktop("g"),
  ];
  assert.equal(ids(inOrder(desktops)), "fedcbag");
});

test("a list that somebody looks at does not jump", () => {
  const before = steady([], [desktop("a"), desktop("b")]);
  assert.deepEqual(before, ["a", "b"]);
  const later = [desktop("a"), desktop("new", { favourite: true }), desktop("b", { favourite: true })];
  assert.deepEqual(steady(before, later), ["a", "b", "new"]);
  assert.deepEqual(steady(before, [desktop("b")]), ["b"]);
});

test("a session that has ended does not run, and the newest stands for all where only it is told", () => {
  assert.deepEqual(runningOf(desktop("a", { sessions: [running("x", "ended"), running("y")] })), [running("y")]);
  assert.deepEqual(runningOf({ session: running("z") }), [running("z")]);
  assert.deepEqual(runningOf({ session: null }), []);
});

test("every word searched for has to be somewhere, and filters narrow", () => {
  const desktops = [
    desktop("work", { title: "Work desktop", description: "Office programs" }),
    desktop("lab", { title: "研究室", favourite: true, sessions: [running()] }),
  ];
  assert.equal(ids(shownOf(desktops, { text: "office WORK" })), "work");
  assert.equal(ids(shownOf(desktops, { text: "office lab" })), "");
  assert.equal(ids(shownOf(desktops, { text: "研究" })), "lab");
  assert.equal(ids(shownOf(desktops, { text: "machine", kindOf: () => "Virtual machine" })), "worklab");
  assert.equal(ids(shownOf(desktops, { only: "running" })), "lab");
  assert.equal(ids(shownOf(desktops, { only: "favourites" })), "lab");
});

test("what has become of sessions is told: changed ones and those that are gone, not new ones", () => {
  const before = [desktop("a", { sessions: [running("1", "starting"), running("2")] }), desktop("b", { sessions: [running("3")] })];
  const after = [desktop("a", { sessions: [running("1"), running("2"), running("4")] }), desktop("b")];
  assert.deepEqual(changesOf(before, after), [{ title: "a", state: "active" }, { title: "b", state: "ended" }]);
  assert.deepEqual(changesOf(after, after), []);
});

// ---- where somebody wanted to go

function within(path, storage) {
  const kept = new Map();
  globalThis.location = new URL(path, "https://desk.example");
  globalThis.sessionStorage = storage ?? {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

test("who leaves to sign in comes back to where they wanted, once", () => {
  within("/desktop/work?x=1");
  keepWanted();
  assert.equal(takeWanted(), "/desktop/work?x=1");
  assert.equal(takeWanted(), null);
  within("/");
  keepWanted();
  assert.equal(takeWanted(), null);
});

test("nothing leads to another site, to what is old, or to what is no such thing", () => {
  within("/");
  for (const path of ["//evil.example/", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", 5, null]) {
    sessionStorage.setItem("tsgateway.wanted", JSON.stringify({ path, at: Date.now() }));
    assert.equal(takeWanted(), null, String(path));
  }
  sessionStorage.setItem("tsgateway.wanted", JSON.stringify({ path: "/desktop/a", at: Date.now() - 3_600_000 }));
  assert.equal(takeWanted(), null);
  sessionStorage.setItem("tsgateway.wanted", "rubbish");
  assert.equal(takeWanted(), null);
});

test("a browser that keeps nothing is no reason to fail", () => {
  const refuse = () => {
    throw new Error("The operation is insecure.");
  };
  within("/desktop/work", { getItem: refuse, setItem: refuse, removeItem: refuse });
  keepWanted();
  assert.equal(takeWanted(), null);
});

// ---- the service worker, run as browsers run it, with a network and caches made for it

const ORIGIN = "https://desk.example";
const CODE = readFileSync(new URL("../../webclient/sw.js", import.meta.url), "utf8");

class Caches {
  stores = new Map();

  async open(name) {
    if (!this.stores.has(name)) this.stores.set(name, new Map());
    const store = this.stores.get(name);
    return {
      addAll: async (paths) => {
        for (const path of paths) {
          const answer = await this.network(ORIGIN + path);
          if (!answer.ok) throw new TypeError("not ok");
          store.set(ORIGIN + path, answer);
        }
      },
      match: async (path) => store.get(new URL(path, ORIGIN).href),
    };
  }

  async keys() {
    return [...this.stores.keys()];
  }

  async delete(name) {
    return this.stores.delete(name);
  }

  async match(request, { cacheName } = {}) {
    const address = new URL(request.url ?? request, ORIGIN).href;
    const names = cacheName ? [cacheName] : [...this.stores.keys()];
    return names.map((name) => this.stores.get(name)?.get(address)).find(Boolean);
  }
}

const answer = (text, status = 200) => ({ ok: status < 400, status, text: async () => text, json: async () => JSON.parse(text) });

function server(version) {
  return (address) => {
    const { pathname } = new URL(address);
    if (pathname === "/") return answer(`<script src="/static/${version}/app.js">`);
    if (pathname === `/static/${version}/shell.json`) return answer('["app.js", "style.css"]');
    return pathname.startsWith(`/static/${version}/`) ? answer(`${version} ${pathname}`) : answer("", 404);
  };
}

async function worker(version, caches, network) {
  const listeners = {};
  caches.network = network;
  const scope = {
    URL, Set, Promise, Error, caches,
    location: new URL(`/sw.js?v=${version}`, ORIGIN),
    fetch: async (request) => network(new URL(request.url ?? request, ORIGIN).href),
    self: {
      addEventListener: (name, listener) => { listeners[name] = listener; },
      skipWaiting: async () => {},
      clients: { claim: async () => {} },
    },
  };
  vm.runInNewContext(CODE, scope);
  const extend = async (name) => {
    let done;
    listeners[name]({ waitUntil: (promise) => { done = promise; } });
    await done;
  };
  return {
    install: () => extend("install"),
    activate: () => extend("activate"),
    // → the answer, or undefined where the browser itself asks.
    ask: (path, { mode = "no-cors", method = "GET" } = {}) => {
      let answered;
      listeners.fetch({ request: { url: ORIGIN + path, mode, method }, respondWith: (promise) => { answered = promise; } });
      return answered;
    },
  };
}

const OLD = "0123456789ab";
const NEW = "ba9876543210";

test("the page comes up without the server, and from the server whenever that is there", async () => {
  const caches = new Caches();
  let network = server(OLD);
  const made = await worker(OLD, caches, (address) => network(address));
  await made.install();
  await made.activate();
  network = () => { throw new TypeError("no network"); };
  assert.match(await (await made.ask("/desktop/work", { mode: "navigate" })).text(), new RegExp(OLD));
  assert.equal(await (await made.ask(`/static/${OLD}/app.js`)).text(), `${OLD} /static/${OLD}/app.js`);
  network = () => answer("Bad gateway", 502);
  assert.match(await (await made.ask("/", { mode: "navigate" })).text(), new RegExp(OLD));
  network = server(NEW);
  assert.match(await (await made.ask("/", { mode: "navigate" })).text(), new RegExp(NEW));
});

test("the API, other methods, other sites and files without a version are left to the browser", async () => {
  const made = await worker(OLD, new Caches(), server(OLD));
  assert.equal(made.ask("/api/v1/desktops"), undefined);
  assert.equal(made.ask("/api/v1/login/oidc/x", { mode: "navigate" }), undefined);
  assert.equal(made.ask("/", { method: "POST", mode: "navigate" }), undefined);
  assert.equal(made.ask("/static/app.js"), undefined);
});

test("an update keeps the files of the version before for open pages, and none of those before that", async () => {
  const caches = new Caches();
  const [first, second, third] = [OLD, NEW, "00000000aaaa"];
  for (const version of [first, second, third]) {
    const made = await worker(version, caches, server(version));
    await made.install();
    await made.activate();
  }
  assert.deepEqual(await caches.keys(), [`tsgateway-${second}`, `tsgateway-${third}`]);
  const present = await worker(third, caches, server(third));
  assert.equal(await (await present.ask(`/static/${second}/app.js`)).text(), `${second} /static/${second}/app.js`);
});

test("a worker whose version is over before it is there keeps nothing", async () => {
  const caches = new Caches();
  const mixed = (address) => (new URL(address).pathname === "/" ? server(NEW) : server(OLD))(address);
  const made = await worker(OLD, caches, mixed);
  await assert.rejects(made.install());
  assert.deepEqual(await caches.keys(), []);
});
