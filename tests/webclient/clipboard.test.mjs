import assert from "node:assert/strict";
import { test } from "node:test";

import { AT_ONCE, Clipboard } from "../../webclient/clipboard/clipboard.js";
import { isPaste, Pasting } from "../../webclient/clipboard/pasting.js";
import { Incoming, Outgoing } from "../../webclient/clipboard/transfers.js";
import {
  Capability, CLIPBOARD_PIECE, CLIPBOARD_WINDOW, ClipboardFormat, ClipboardReason, UNKNOWN_SIZE,
} from "../../webclient/wire/tsg.js";

const { TEXT, HTML, PNG } = ClipboardFormat;
const BOTH = [Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT];
const utf8 = new TextEncoder();

const turn = () => new Promise((resolve) => setImmediate(resolve));

// Timers that run when the test says so.
function stoppedClock() {
  const waiting = new Map();
  let count = 0;
  return {
    setTimeout: (action) => {
      count += 1;
      waiting.set(count, action);
      return count;
    },
    clearTimeout: (timer) => waiting.delete(timer),
    strike: () => {
      const actions = [...waiting.values()];
      waiting.clear();
      for (const action of actions) action();
    },
  };
}

function room(capabilities = BOTH) {
  const sent = [];
  const browser = {
    written: [],
    refuses: false,
    write: async (content) => {
      if (browser.refuses) throw new Error("a gesture is needed");
      browser.written.push({ ...content });
    },
    mark: async ({ text, html, png }) => text ?? html ?? `${png?.size}`,
  };
  const clock = stoppedClock();
  const clipboard = new Clipboard({ send: (message) => sent.push(message), browser, changed: () => {}, clock });
  clipboard.greeted(capabilities);
  clipboard.message({ name: "ClipboardState", formats: 7, maximum: 32 << 20 });
  return { clipboard, sent, browser, clock };
}

const offer = (id, ...formats) => ({
  name: "ClipboardOffer", id, parts: formats.map((format) => ({ format, size: UNKNOWN_SIZE })),
});
const data = (id, format, text) => {
  const bytes = utf8.encode(text);
  return { name: "ClipboardData", id, format, size: bytes.length, data: bytes };
};

test("what the desktop copies is fetched and put into the browser's clipboard, all formats together", async () => {
  const { clipboard, sent, browser } = room();
  clipboard.message(offer(3, TEXT, HTML, 99));
  assert.deepEqual(sent.map(({ format, limit }) => [format, limit]), [[TEXT, AT_ONCE], [HTML, AT_ONCE]]);
  clipboard.message(data(3, TEXT, "fett 🙂"));
  await turn();
  assert.equal(browser.written.length, 0);
  clipboard.message(data(3, HTML, "<b onclick=x()>fett</b>"));
  await turn();
  assert.deepEqual(browser.written, [{ text: "fett 🙂", html: "<b onclick=x()>fett</b>" }]);
  assert.equal(clipboard.state.copy.status, "done");
});

test("what the browser does not take yet is put there at the next gesture", async () => {
  const { clipboard, browser } = room();
  browser.refuses = true;
  clipboard.message(offer(1, TEXT));
  clipboard.message(data(1, TEXT, "later"));
  await turn();
  assert.equal(clipboard.state.copy.status, "waiting");
  browser.refuses = false;
  clipboard.gesture();
  await turn();
  assert.deepEqual(browser.written, [{ text: "later" }]);
  clipboard.gesture();
  await turn();
  assert.equal(browser.written.length, 1);
});

test("what is large waits until the person wants it", async () => {
  const { clipboard, sent, browser } = room();
  clipboard.message(offer(1, TEXT));
  clipboard.message({ name: "ClipboardEnd", id: 1, format: TEXT, reason: ClipboardReason.LARGER, size: 9 << 20, text: "" });
  assert.equal(clipboard.state.copy.status, "large");
  assert.equal(clipboard.state.copy.size, 9 << 20);
  clipboard.take();
  assert.equal(sent.at(-1).limit, 32 << 20);
  clipboard.message(data(1, TEXT, "large"));
  await turn();
  assert.deepEqual(browser.written, [{ text: "large" }]);
});

test("why something cannot be had is said", () => {
  const { clipboard } = room();
  clipboard.message(offer(1, TEXT));
  clipboard.message({ name: "ClipboardEnd", id: 1, format: TEXT, reason: ClipboardReason.TOO_LARGE, size: 99, text: "Too large." });
  assert.equal(clipboard.state.copy.status, "failed");
  assert.equal(clipboard.state.error, "Too large.");
});

test("a newer copy ends the older one", async () => {
  const { clipboard, browser } = room();
  clipboard.message(offer(1, TEXT));
  clipboard.message(offer(2, TEXT));
  clipboard.message(data(1, TEXT, "old"));
  clipboard.message(data(2, TEXT, "new"));
  await turn();
  assert.deepEqual(browser.written, [{ text: "new" }]);
});

test("what came from the desktop is not offered back to it", async () => {
  const { clipboard, sent } = room();
  clipboard.message(offer(1, TEXT));
  clipboard.message(data(1, TEXT, "from there"));
  await turn();
  sent.length = 0;
  await clipboard.give({ text: "from there" });
  assert.deepEqual(sent, []);
});

test("a content is offered once, waits for the desktop, and is sent as it is asked for", async () => {
  const { clipboard, sent } = room();
  let known = false;
  const giving = clipboard.give({ text: "héllo", html: undefined }).then(() => {
    known = true;
  });
  await turn();
  assert.deepEqual(sent, [{ name: "ClipboardOffer", id: 1, parts: [{ format: TEXT, size: 6 }] }]);
  assert.equal(known, false);
  clipboard.message({ name: "ClipboardTaken", id: 1 });
  await giving;
  await clipboard.give({ text: "héllo" });
  assert.equal(sent.length, 1);
  clipboard.message({ name: "ClipboardRequest", id: 1, format: TEXT, limit: 100 });
  assert.deepEqual(sent.at(-1), data(1, TEXT, "héllo"));
  clipboard.message({ name: "ClipboardRequest", id: 1, format: PNG, limit: 100 });
  assert.equal(sent.at(-1).reason, ClipboardReason.GONE);
});

test("of two that bring the same at once, one is offered and both wait for it", async () => {
  const { clipboard, sent } = room();
  const giving = [clipboard.give({ text: "mine" }), clipboard.give({ text: "mine" })];
  await turn();
  assert.deepEqual(sent.map(({ name, id }) => [name, id]), [["ClipboardOffer", 1]]);
  clipboard.message({ name: "ClipboardTaken", id: 1 });
  await Promise.all(giving);
});

test("what is read back while it is still being written is not offered to where it came from", async () => {
  const { clipboard, sent, browser } = room();
  browser.write = () => new Promise(() => {});
  clipboard.message(offer(1, TEXT));
  clipboard.message(data(1, TEXT, "from there"));
  await turn();
  sent.length = 0;
  await clipboard.give({ text: "from there" });
  assert.deepEqual(sent, []);
});

test("after the desktop has copied something, the same content is offered anew", async () => {
  const { clipboard, sent, clock } = room();
  const give = async (text) => {
    const giving = clipboard.give({ text });
    await turn();
    clock.strike();
    await giving;
  };
  await give("mine");
  clipboard.message(offer(1, TEXT));
  clipboard.message(data(1, TEXT, "theirs"));
  await turn();
  sent.length = 0;
  await give("mine");
  assert.deepEqual(sent.map(({ name }) => name), ["ClipboardOffer"]);
});

test("a desktop that says nothing holds nobody up for long", async () => {
  const { clipboard, clock } = room();
  const giving = clipboard.give({ text: "a" });
  await turn();
  clock.strike();
  await giving;
});

test("a direction that is forbidden is not used", async () => {
  const out = room([Capability.CLIPBOARD_OUT]);
  await out.clipboard.give({ text: "in" });
  assert.deepEqual(out.sent, []);
  assert.deepEqual(out.clipboard.state.may, { in: false, out: true });
});

test("pieces go as they are acknowledged, and come together again", () => {
  const content = new Uint8Array(1_000_000).map((_, index) => index * 7);
  const way = [];
  const outgoing = new Outgoing(1, TEXT, content, (message) => way.push(message));
  const incoming = new Incoming(content.length, ({ received }) => outgoing.acknowledged(received));
  outgoing.acknowledged(0);
  assert.ok(way.length * CLIPBOARD_PIECE <= CLIPBOARD_WINDOW + CLIPBOARD_PIECE);
  let whole = null;
  while (way.length) whole = incoming.take(way.shift());
  assert.deepEqual(whole, content);
  assert.ok(outgoing.done);
});

test("pieces that do not fit are refused", () => {
  const piece = (size, length) => ({ id: 1, format: TEXT, size, data: new Uint8Array(length) });
  const incoming = () => new Incoming(100, () => {});
  assert.throws(() => incoming().take(piece(101, 1)), RangeError);
  assert.throws(() => incoming().take(piece(5, 6)), RangeError);
  assert.throws(() => incoming().take(piece(5, 0)), RangeError);
  assert.deepEqual(incoming().take(piece(0, 0)), new Uint8Array(0));
});

const key = (type, code, more = {}) => ({ type, code, key: code, ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, ...more });
const PASTE = key("keydown", "KeyV", { ctrlKey: true });

function gate() {
  const pressed = [];
  const given = [];
  const clock = stoppedClock();
  let known;
  const pasting = new Pasting({
    keyboard: { down: ({ code }) => pressed.push(`+${code}`), up: ({ code }) => pressed.push(`-${code}`) },
    give: (content) => {
      given.push(content);
      return new Promise((resolve) => {
        known = resolve;
      });
    },
    takes: () => true,
    clock,
  });
  return { pasting, pressed, given, clock, known: () => known() };
}

test("keys that paste come after what is pasted, and others after them", async () => {
  const { pasting, pressed, given, known } = gate();
  assert.deepEqual(pasting.key(key("keydown", "ControlLeft")), { held: false, lets: true });
  assert.deepEqual(pasting.key(PASTE), { held: true, lets: true });
  const done = pasting.pasted({ text: "x" });
  assert.deepEqual(pasting.key(key("keyup", "KeyV")), { held: true, lets: false });
  assert.deepEqual(pressed, []);
  known();
  await done;
  assert.deepEqual(given, [{ text: "x" }]);
  assert.deepEqual(pressed, ["+KeyV", "-KeyV"]);
  assert.equal(pasting.key(key("keydown", "KeyA")).held, false);
});

test("without a paste event the keys go out all the same", () => {
  const { pasting, pressed, clock } = gate();
  pasting.key(PASTE);
  clock.strike();
  assert.deepEqual(pressed, ["+KeyV"]);
});

test("keys that are held are forgotten with the keyboard", async () => {
  const { pasting, pressed, known } = gate();
  pasting.key(PASTE);
  const done = pasting.pasted({ text: "x" });
  pasting.release();
  known();
  await done;
  assert.deepEqual(pressed, []);
});

test("keys that paste are known", () => {
  const pastes = [PASTE, key("keydown", "KeyV", { metaKey: true }), key("keydown", "Insert", { shiftKey: true })];
  const others = [key("keydown", "KeyV"), key("keydown", "KeyV", { ctrlKey: true, altKey: true }), key("keydown", "Insert", { ctrlKey: true })];
  for (const each of pastes) assert.ok(isPaste(each));
  for (const each of others) assert.ok(!isPaste(each));
});
