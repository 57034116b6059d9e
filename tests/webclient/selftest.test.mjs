// The keyboard's test of itself: what it concludes from what a browser tells.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Findings, layoutOf, ShortcutTest, shortcutsOf } from "../../webclient/input/selftest.js";

const key = (type, code, more = {}) => ({
  type, code, key: code, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, repeat: false, timeStamp: 0, ...more,
});

describe("shortcuts", () => {
  const asking = (label) => new ShortcutTest(shortcutsOf("windows").filter((one) => one.label === label));
  const result = (run) => [...run.results.values()][0];

  test("arrive when their last key comes with all modifiers", () => {
    const run = asking("Ctrl+W");
    run.feed(key("keydown", "ControlLeft", { ctrlKey: true }));
    run.feed(key("keydown", "KeyW", { ctrlKey: true }));
    assert.deepEqual(result(run), { result: "arrives", reason: null });
    assert.equal(run.current, null);
  });

  test("the key alone is no answer", () => {
    const run = asking("Ctrl+W");
    run.feed(key("keydown", "KeyW"));
    run.feed(key("keyup", "KeyW"));
    assert.equal(run.results.size, 0);
  });

  test("are swallowed when the window goes, the page is to close, or only modifiers come", () => {
    for (const reason of ["away", "closing", "full", "said"]) {
      const run = asking("Alt+Tab");
      run.feed(key("keydown", "AltLeft", { altKey: true }));
      run.lost(reason);
      assert.deepEqual(result(run), { result: "swallowed", reason });
    }
    const run = asking("Ctrl+Alt+Del");
    run.feed(key("keydown", "ControlLeft", { ctrlKey: true }));
    run.feed(key("keydown", "AltLeft", { ctrlKey: true, altKey: true }));
    run.feed(key("keyup", "AltLeft", { ctrlKey: true }));
    assert.equal(run.results.size, 0, "Control is still held");
    run.feed(key("keyup", "ControlLeft"));
    assert.deepEqual(result(run), { result: "swallowed", reason: "silent" });
  });

  test("a key of which only the release is told is of no use to a guest", () => {
    const run = asking("Print Screen");
    run.feed(key("keyup", "PrintScreen"));
    assert.deepEqual(result(run), { result: "swallowed", reason: "release" });
  });

  test("come one after the other, and what comes after the last changes nothing", () => {
    const run = new ShortcutTest(shortcutsOf("mac").slice(0, 2));
    run.feed(key("keydown", "Escape"));
    run.feed(key("keyup", "Escape"));
    run.lost("said");
    run.lost("said");
    run.feed(key("keydown", "F5"));
    assert.deepEqual([...run.results.keys()], ["Esc", "F1"]);
  });
});

describe("findings", () => {
  test("AltGr in its three forms", () => {
    const form = (...events) => {
      const findings = new Findings();
      events.forEach((event) => findings.feed(event));
      return findings.altGr;
    };
    const altGr = key("keydown", "AltRight", { key: "AltGraph", timeStamp: 1001 });
    assert.equal(form(altGr), "key");
    assert.equal(form(key("keydown", "ControlLeft", { timeStamp: 1000 }), altGr), "control");
    assert.equal(form(key("keydown", "AltRight", { key: "Alt" })), "alt");
    assert.equal(form(key("keydown", "KeyA", { key: "a" })), null);
  });

  test("dead keys, repeats, and keys that no guest can be told of", () => {
    const findings = new Findings();
    findings.feed(key("keydown", "BracketLeft", { key: "Dead" }));
    findings.feed(key("keydown", "KeyA", { key: "a" }));
    findings.feed(key("keydown", "KeyA", { key: "a", repeat: true }));
    findings.feed(key("keydown", "FnLock"));
    findings.feed(key("keydown", "", { key: "Unidentified" }));
    findings.feed(key("keydown", "KeyB", { key: "Process", keyCode: 229 }));
    assert.deepEqual([...findings.dead], ["BracketLeft"]);
    assert.ok(findings.repeats);
    assert.deepEqual([...findings.unknown], ["FnLock"]);
    assert.deepEqual([...findings.seen.keys()], ["BracketLeft", "KeyA", "FnLock"]);
  });
});

describe("layouts", () => {
  for (const [name, printed] of Object.entries({
    us: { KeyQ: "q", KeyY: "y", Semicolon: ";", Quote: "'", BracketLeft: "[", Backslash: "\\", Minus: "-" },
    gb: { KeyQ: "q", KeyY: "y", Semicolon: ";", Quote: "'", BracketLeft: "[", Backslash: "#", IntlBackslash: "\\" },
    de: { KeyQ: "q", KeyY: "z", KeyZ: "y", Semicolon: "ö", Quote: "ä", BracketLeft: "ü", Minus: "ß" },
    fr: { KeyQ: "A", KeyA: "q", KeyW: "z", Semicolon: "m", KeyM: ",", Digit1: "&" },
    jp: { KeyQ: "q", KeyY: "y", BracketLeft: "@", BracketRight: "[", Backslash: "]", Quote: ":" },
    br: { KeyQ: "q", Semicolon: "ç", Quote: "Dead", BracketRight: "[", IntlRo: "/" },
  })) test(name, () => assert.equal(layoutOf(new Map(Object.entries(printed))), name));

  test("too little, and what fits none, is not guessed at", () => {
    assert.equal(layoutOf(new Map([["KeyQ", "q"]])), null);
    assert.equal(layoutOf(new Map([["KeyQ", "1"], ["KeyY", "2"], ["Semicolon", "3"], ["Quote", "4"]])), null);
  });
});
