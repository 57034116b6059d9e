import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { Capture } from "../../webclient/input/capture.js";
import { Caret } from "../../webclient/input/caret.js";
import { Keyboard, platformOf } from "../../webclient/input/keyboard.js";
import { Locks } from "../../webclient/input/locks.js";
import { keysym } from "../../webclient/input/keysyms.js";
import { buttonsOf, penButtonsOf, Pointer } from "../../webclient/input/pointer.js";
import { scancode, SCANCODES } from "../../webclient/input/scancodes.js";
import { pieces } from "../../webclient/input/text.js";
import { LONG_PRESS, TAP, Touch } from "../../webclient/input/touch.js";

// Timers that run when the test says so.
class Clock {
  time = 0;
  timers = [];

  now = () => this.time;

  setTimeout = (action, delay) => {
    const timer = { action, at: this.time + delay };
    this.timers.push(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    this.timers = this.timers.filter((other) => other !== timer);
  };

  pass(delay) {
    this.time += delay;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { action } of due) action();
  }
}

let sent;
let clock;
const send = (message) => sent.push(message);
const keys = () => sent.filter(({ name }) => name === "Key").map(({ down, scancode: code, keysym: symbol }) => [down, code, symbol]);

beforeEach(() => {
  sent = [];
  clock = new Clock();
});

function event(code, key, more = {}) {
  const location = /Right$/.test(code) ? 2 : /^Numpad/.test(code) ? 3 : /Left$/.test(code) ? 1 : 0;
  return { code, key, location, timeStamp: clock.time, getModifierState: () => false, ...more };
}

describe("scan codes", () => {
  for (const [code, expected] of Object.entries({
    KeyA: 0x1e, Escape: 0x01, F12: 0x58, IntlBackslash: 0x56, IntlRo: 0x73, IntlYen: 0x7d, Convert: 0x79,
    NonConvert: 0x7b, KanaMode: 0x70, Lang1: 0x72, Lang2: 0x71, NumLock: 0x45, Pause: 0xc6, PrintScreen: 0xb7,
    NumpadEnter: 0x9c, NumpadDivide: 0xb5, NumpadComma: 0x7e, ControlRight: 0x9d, AltRight: 0xb8,
    MetaLeft: 0xdb, OSLeft: 0xdb, ContextMenu: 0xdd, ArrowUp: 0xc8, Delete: 0xd3, AudioVolumeUp: 0xb0, Nothing: 0,
  })) test(code, () => assert.equal(scancode(code), expected));

  test("are one byte each, and no two keys share one", () => {
    const aliases = new Set(["OSLeft", "OSRight", "VolumeMute", "VolumeDown", "VolumeUp", "LaunchMediaPlayer",
      "LaunchCalculator", "Hiragana", "Katakana"]);
    const numbers = [...SCANCODES].filter(([code]) => !aliases.has(code)).map(([, number]) => number);
    assert.ok(numbers.every((number) => number > 0 && number <= 0xff));
    assert.equal(new Set(numbers).size, numbers.length);
  });
});

describe("keysyms", () => {
  for (const [key, location, expected] of [
    ["a", 0, 0x61], ["ÿ", 0, 0xff], ["€", 0, 0x010020ac], ["🙂", 0, 0x0101f642], ["あ", 0, 0x01003042],
    ["Enter", 0, 0xff0d], ["Enter", 3, 0xff8d], ["7", 3, 0xffb7], ["7", 0, 0x37], ["Home", 3, 0xff95],
    ["Shift", 1, 0xffe1], ["Shift", 2, 0xffe2], ["AltGraph", 2, 0xfe03], ["F1", 0, 0xffbe], ["F24", 0, 0xffd5],
    ["Dead", 0, 0], ["Unidentified", 0, 0], ["constructor", 0, 0],
  ]) test(`${key} at ${location}`, () => assert.equal(keysym({ key, location }), expected));
});

describe("keyboard by place", () => {
  const keyboard = (platform = "other") => new Keyboard(send, platform, clock);

  test("a release names what was pressed, whatever the modifiers say by then", () => {
    const board = keyboard();
    board.down(event("KeyA", "A"));
    board.up(event("KeyA", "a"));
    assert.deepEqual(keys(), [[1, 0x1e, 0x41], [0, 0x1e, 0x41]]);
  });

  test("releases of what was never pressed are not sent", () => {
    assert.equal(keyboard().up(event("KeyA", "a")), false);
    assert.deepEqual(sent, []);
  });

  test("input methods at work get their keys", () => {
    assert.equal(keyboard().down(event("KeyA", "Process", { keyCode: 229 })), false);
    assert.equal(keyboard().down(event("KeyA", "a", { isComposing: true })), false);
    assert.equal(keyboard().down(event("", "Unidentified")), false);
    assert.deepEqual(sent, []);
  });

  test("dead keys go by place", () => {
    keyboard().down(event("Equal", "Dead"));
    assert.deepEqual(keys(), [[1, 0x0d, 0]]);
  });

  test("Windows: AltGr comes without the Control that Windows makes up", () => {
    const board = keyboard("windows");
    board.down(event("ControlLeft", "Control"));
    board.down(event("AltRight", "AltGraph"));
    clock.pass(1000);
    assert.deepEqual(keys(), [[1, 0xb8, 0xfe03]]);
  });

  test("Windows: a real Control goes out, at once with the next key or after a moment", () => {
    const board = keyboard("windows");
    board.down(event("ControlLeft", "Control"));
    assert.deepEqual(keys(), []);
    board.down(event("KeyC", "c"));
    assert.deepEqual(keys(), [[1, 0x1d, 0xffe3], [1, 0x2e, 0x63]]);
    sent = [];
    board.release();
    board.down(event("ControlLeft", "Control"));
    clock.pass(100);
    assert.deepEqual(keys(), [[1, 0x1d, 0xffe3]]);
  });

  test("Windows: a Control tapped quickly is pressed and released", () => {
    const board = keyboard("windows");
    board.down(event("ControlLeft", "Control"));
    board.up(event("ControlLeft", "Control"));
    assert.deepEqual(keys(), [[1, 0x1d, 0xffe3], [0, 0x1d, 0xffe3]]);
  });

  test("macOS: keys pressed with Command are released at once, for their release is never told", () => {
    const board = keyboard("mac");
    board.down(event("MetaLeft", "Meta", { metaKey: true }));
    board.down(event("KeyC", "c", { metaKey: true }));
    assert.deepEqual(keys(), [[1, 0xdb, 0xffeb], [1, 0x2e, 0x63], [0, 0x2e, 0x63]]);
  });

  test("macOS: Caps Lock is a tap", () => {
    keyboard("mac").down(event("CapsLock", "CapsLock"));
    assert.deepEqual(keys().map(([down]) => down), [1, 0]);
  });

  test("losing the keyboard lets go of everything", () => {
    const board = keyboard();
    board.down(event("KeyA", "a"));
    board.release();
    board.up(event("KeyA", "a"));
    assert.deepEqual(sent.at(-1), { name: "ReleaseKeys" });
  });

  test("combinations are released in reverse", () => {
    keyboard().combination(["ControlLeft", "AltLeft", "Delete"]);
    assert.deepEqual(keys().map(([down, code]) => [down, code]),
      [[1, 0x1d], [1, 0x38], [1, 0xd3], [0, 0xd3], [0, 0x38], [0, 0x1d]]);
  });
});

describe("keyboard by text", () => {
  let board;
  beforeEach(() => {
    board = new Keyboard(send, "other", clock);
    board.mode = "text";
    sent = [];
  });

  test("what prints is left to the text field, and so are dead keys and AltGr", () => {
    assert.equal(board.down(event("KeyA", "a")), false);
    assert.equal(board.down(event("Equal", "Dead")), false);
    const altGr = { ctrlKey: true, altKey: true, getModifierState: (name) => name === "AltGraph" };
    assert.equal(board.down(event("KeyQ", "@", altGr)), false);
    assert.deepEqual(sent, []);
  });

  test("Shift for a capital letter never reaches the guest", () => {
    board.down(event("ShiftLeft", "Shift"));
    board.down(event("KeyA", "A"));
    board.beforeText();
    board.up(event("ShiftLeft", "Shift"));
    assert.deepEqual(keys(), []);
  });

  test("Shift with an arrow does", () => {
    board.down(event("ShiftLeft", "Shift"));
    board.down(event("ArrowLeft", "ArrowLeft"));
    board.up(event("ArrowLeft", "ArrowLeft"));
    board.up(event("ShiftLeft", "Shift"));
    assert.deepEqual(keys().map(([down, code]) => [down, code]), [[1, 0x2a], [1, 0xcb], [0, 0xcb], [0, 0x2a]]);
  });

  test("shortcuts go by their letter, not by its place here", () => {
    board.down(event("ControlLeft", "Control", { ctrlKey: true }));
    board.down(event("KeyI", "c", { ctrlKey: true })); // Dvorak
    assert.deepEqual(keys(), [[1, 0x1d, 0xffe3], [1, 0, 0x63]]);
  });

  test("modifiers held in the guest are let go before text", () => {
    board.down(event("ShiftLeft", "Shift"));
    board.beforeAction();
    board.beforeText();
    assert.deepEqual(keys().map(([down]) => down), [1, 0]);
  });

  test("a modifier alone is a tap", () => {
    board.down(event("MetaLeft", "Meta"));
    board.up(event("MetaLeft", "Meta"));
    assert.deepEqual(keys().map(([down, code]) => [down, code]), [[1, 0xdb], [0, 0xdb]]);
  });
});

test("long text is cut between characters", () => {
  const text = "aé世🙂".repeat(1000);
  const parts = pieces(text);
  assert.equal(parts.join(""), text);
  assert.ok(parts.every((part) => Buffer.byteLength(part) <= 4096 && !part.includes("\ufffd")));
  assert.deepEqual(pieces(""), []);
});

test("what the browser tells of its system", () => {
  assert.equal(platformOf({ platform: "MacIntel" }), "mac");
  assert.equal(platformOf({ userAgentData: { platform: "Windows" }, platform: "" }), "windows");
  assert.equal(platformOf({ platform: "Linux x86_64" }), "other");
});

describe("pointer", () => {
  let frames;
  let pointer;
  beforeEach(() => {
    frames = [];
    pointer = new Pointer(send, (callback) => frames.push(callback));
  });
  const nextFrame = () => frames.splice(0).forEach((callback) => callback());

  test("button masks", () => assert.deepEqual([1, 2, 4, 8, 16, 7].map(buttonsOf), [1, 4, 2, 8, 16, 7]));

  test("moves merge to the newest of a frame", () => {
    for (let x = 1; x <= 9; x += 1) pointer.move({ x, y: 0 });
    nextFrame();
    assert.deepEqual(sent, [{ name: "Pointer", x: 9, y: 0, buttons: 0 }]);
  });

  test("buttons are never lost, and the way to them comes first", () => {
    pointer.move({ x: 5, y: 5 });
    pointer.press({ x: 6, y: 6 }, 1);
    pointer.press({ x: 6, y: 6 }, 0);
    nextFrame();
    assert.deepEqual(sent.map(({ x, buttons }) => [x, buttons]), [[6, 0], [6, 1], [6, 0]]);
  });

  test("wheels: pixels, lines and pages become notches, and small turns add up", () => {
    pointer.wheel({ deltaX: 0, deltaY: 100, deltaMode: 0 });
    pointer.wheel({ deltaX: 0, deltaY: -3, deltaMode: 1 });
    pointer.wheel({ deltaX: 1, deltaY: 0, deltaMode: 2 });
    for (let turn = 0; turn < 8; turn += 1) pointer.wheel({ deltaX: 0, deltaY: 0.625, deltaMode: 0 });
    pointer.wheel({ deltaX: 0, deltaY: 1e9, deltaMode: 0 });
    const turns = sent.map(({ dx, dy }) => [dx, dy]);
    assert.deepEqual(turns.slice(0, 3), [[0, 120], [0, -120], [120, 0]]);
    assert.equal(turns.slice(3, -1).reduce((sum, [, dy]) => sum + dy, 0), 6);
    assert.deepEqual(turns.at(-1), [0, 0x7fff]);
  });
});

describe("touch", () => {
  let touch;
  let presses;
  beforeEach(() => {
    presses = [];
    const pointer = {
      move: (at) => presses.push(["move", at.x]),
      press: (at, buttons) => presses.push([buttons, at.x]),
      wheel: ({ deltaY }) => presses.push(["wheel", deltaY]),
    };
    const surface = {
      toGuest: (place) => place,
      scale: 1,
      screen: { width: 1000, height: 600 },
      pan: (place, by, factor) => presses.push(["pan", place.x, by.x, Number(factor.toFixed(3))]),
      keyboard: () => presses.push(["keyboard"]),
      shown: ({ x }) => presses.push(["shown", x]),
    };
    touch = new Touch(pointer, surface, clock);
  });

  test("tap is a click", () => {
    touch.down(1, { x: 5, y: 5 });
    touch.move(1, { x: 7, y: 5 });
    touch.up(1);
    assert.deepEqual(presses, [[0, 5], [1, 5], [0, 5]]);
  });

  test("a drag holds the left button from where it began", () => {
    touch.down(1, { x: 5, y: 5 });
    touch.move(1, { x: 50, y: 5 });
    touch.up(1);
    assert.deepEqual(presses, [[0, 5], [1, 5], ["move", 50], [0, 50]]);
  });

  test("a long press is a right click", () => {
    touch.down(1, { x: 5, y: 5 });
    clock.pass(LONG_PRESS);
    touch.up(1);
    assert.deepEqual(presses, [[0, 5], [4, 5], [0, 5]]);
  });

  test("two fingers turn the wheel, and no button is touched", () => {
    touch.down(1, { x: 0, y: 100 });
    touch.down(2, { x: 10, y: 100 });
    touch.move(1, { x: 0, y: 80 });
    touch.move(2, { x: 10, y: 80 });
    touch.up(1);
    touch.up(2);
    assert.deepEqual(presses, [["move", 5], ["wheel", 20]]);
  });

  test("fast fingers side by side are no pinch, for each is told of by itself", () => {
    touch.down(1, { x: 100, y: 300 });
    touch.down(2, { x: 160, y: 300 });
    touch.move(1, { x: 100, y: 260 });
    touch.move(2, { x: 160, y: 260 });
    assert.deepEqual(presses.map(([what]) => what), ["move", "wheel"]);
  });

  test("two fingers that part zoom around their middle, and the picture moves along", () => {
    touch.down(1, { x: 100, y: 100 });
    touch.down(2, { x: 200, y: 100 });
    touch.move(1, { x: 60, y: 100 });
    touch.move(2, { x: 240, y: 100 });
    touch.up(1);
    touch.move(2, { x: 300, y: 100 });
    touch.up(2);
    assert.deepEqual(presses, [["pan", 150, 0, 1.8]]);
  });

  test("a tap of two fingers is a right click, unless it takes long", () => {
    for (const time of [100, TAP + 1]) {
      touch.down(1, { x: 100, y: 100 });
      touch.down(2, { x: 110, y: 100 });
      clock.pass(time);
      touch.up(2);
      touch.up(1);
    }
    assert.deepEqual(presses, [[0, 105], [4, 105], [0, 105]]);
  });

  test("a tap of three fingers brings the keyboard and touches nothing else", () => {
    for (const id of [1, 2, 3]) touch.down(id, { x: 100 * id, y: 100 });
    for (const id of [1, 2, 3]) touch.up(id);
    assert.deepEqual(presses, [["keyboard"]]);
    touch.down(1, { x: 1, y: 1 });
    touch.up(1);
    assert.equal(presses.length, 4, "the next finger begins anew");
  });

  test("as a touchpad: the pointer goes on from where it is, taps click there, and a tap and a drag drag", () => {
    touch.mode = "touchpad";
    const slowly = (from, to) => {
      for (let x = from; x <= to; x += 1) {
        clock.pass(10);
        touch.move(1, { x, y: 5 });
      }
    };
    touch.down(1, { x: 5, y: 5 });
    slowly(5, 35);
    touch.up(1);
    assert.deepEqual(presses.at(-1), ["shown", 530], "30 CSS pixels from the middle");
    assert.ok(presses.every(([what]) => what === "move" || what === "shown"));
    presses.length = 0;
    clock.pass(1000);
    touch.down(1, { x: 900, y: 5 });
    touch.up(1);
    assert.deepEqual(presses, [[0, 530], [1, 530], [0, 530], ["shown", 530]]);
    presses.length = 0;
    clock.pass(100);
    touch.down(1, { x: 5, y: 5 });
    slowly(5, 25);
    touch.up(1);
    assert.deepEqual([presses[1], presses.at(-1)], [[1, 530], [0, 550]]);
  });

  test("as a touchpad: a fast finger goes further, and nothing leaves the screen", () => {
    touch.mode = "touchpad";
    touch.down(1, { x: 0, y: 0 });
    clock.pass(10);
    touch.move(1, { x: 100, y: 0 });
    assert.deepEqual(presses.at(-1), ["shown", 800]);
    clock.pass(10);
    touch.move(1, { x: 900, y: 900 });
    assert.deepEqual(presses.at(-1), ["shown", 999]);
  });

  test("fingers taken away release the button", () => {
    touch.down(1, { x: 5, y: 5 });
    touch.move(1, { x: 50, y: 5 });
    touch.cancel();
    assert.equal(presses.at(-1)[0], 0);
  });

  test("whatever fingers do, no button stays when all are up", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      let state = seed;
      const chance = (below) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      touch.mode = seed % 2 ? "direct" : "touchpad";
      const fingers = new Set();
      for (let count = 0; count < 40; count += 1) {
        const id = chance(4);
        const at = { x: chance(800), y: chance(600) };
        if (fingers.has(id)) {
          if (chance(3)) touch.move(id, at);
          else {
            touch.up(id);
            fingers.delete(id);
          }
        } else {
          touch.down(id, at);
          fingers.add(id);
        }
        clock.pass(chance(400));
      }
      if (chance(2)) touch.cancel();
      else for (const id of fingers) touch.up(id);
      const last = presses.filter(([what]) => typeof what === "number").at(-1);
      assert.equal(last?.[0] ?? 0, 0, `seed ${seed}`);
    }
  });
});

test("a pen: the tip is the left button, the barrel's the right one instead, the eraser a tip; hovering is none", () => {
  assert.deepEqual([0, 1, 2, 3, 32, 34].map(penButtonsOf), [0, 1, 4, 4, 1, 4]);
});

describe("caret", () => {
  test("is where people click, then where what they type changes the screen", () => {
    const caret = new Caret();
    caret.clicked({ x: 100, y: 200 });
    caret.changed([{ x: 500, y: 500, width: 8, height: 16 }], 0);
    assert.deepEqual([caret.place.x, caret.place.y], [100, 200], "nobody has typed");
    caret.typed(1000);
    caret.changed([{ x: 100, y: 192, width: 16, height: 16 }, { x: 900, y: 700, width: 60, height: 16 }], 1100);
    assert.deepEqual(caret.place, { x: 116, y: 200, height: 16 }, "the nearest, not the clock");
  });

  test("is nowhere else after a window opens, a page scrolls, or much later", () => {
    const caret = new Caret();
    caret.clicked({ x: 100, y: 200 });
    caret.typed(0);
    caret.changed([{ x: 0, y: 0, width: 800, height: 600 }], 10);
    caret.changed([{ x: 0, y: 0, width: 8, height: 8 }, { x: 0, y: 0, width: 800, height: 600 }], 10);
    caret.changed([{ x: 300, y: 300, width: 8, height: 8 }], 5000);
    assert.deepEqual([caret.place.x, caret.place.y], [100, 200]);
  });
});

describe("locks", () => {
  const on = (...names) => ({ getModifierState: (name) => names.includes(name) });

  test("are told before the first key after the keyboard was elsewhere, to a server that takes them", () => {
    const locks = new Locks(send, "other");
    locks.down(event("KeyA", "a", on("CapsLock")));
    assert.deepEqual(sent, []);
    locks.able = true;
    locks.down(event("KeyA", "a", on("CapsLock", "NumLock")));
    locks.down(event("KeyB", "b", on("CapsLock")));
    locks.lost();
    locks.down(event("CapsLock", "CapsLock", on("CapsLock"))); // the guest gets that key itself
    locks.down(event("", "Unidentified", on()));
    locks.down(event("KeyC", "c", on()));
    assert.deepEqual(sent, [{ name: "Locks", on: 3 }, { name: "Locks", on: 0 }]);
  });

  test("a Mac's keypad types digits", () => {
    const locks = new Locks(send, "mac");
    locks.able = true;
    locks.down(event("KeyA", "a", on()));
    assert.deepEqual(sent, [{ name: "Locks", on: 2 }]);
  });
});

describe("the captured pointer", () => {
  let held;
  let frames;
  let capture;
  const pointer = (type, movementX = 0, movementY = 0, buttons = 0) => ({ type, movementX, movementY, buttons, pointerType: "mouse" });

  beforeEach(() => {
    held = false;
    frames = [];
    const lock = { held: () => held, take: () => { held = true; }, release: () => { held = false; } };
    capture = new Capture(send, (callback) => frames.push(callback), lock);
  });

  test("is taken by a click where the guest asks, or the person wants it, and let out when neither does", () => {
    assert.equal(capture.take(pointer("pointerdown", 0, 0, 1)), false);
    capture.set({ asked: true }); // of a server that takes no movements
    assert.equal(capture.take(pointer("pointerdown", 0, 0, 1)), false);
    capture.set({ able: true });
    assert.equal(capture.take({ ...pointer("pointerdown", 0, 0, 1), pointerType: "touch" }), false);
    assert.equal(capture.take(pointer("pointermove")), false);
    assert.equal(capture.take(pointer("pointerdown", 0, 0, 1)), true);
    assert.ok(held);
    capture.set({ chosen: true, asked: false });
    assert.ok(held);
    capture.set({ chosen: false });
    assert.ok(!held);
  });

  test("adds movements up until the next frame, and tells buttons at once, after them", () => {
    capture.set({ able: true, chosen: true });
    capture.take(pointer("pointerdown", 0, 0, 1));
    capture.take(pointer("pointerup"));
    for (let step = 0; step < 4; step += 1) capture.take(pointer("pointermove", 10.5, -3));
    assert.equal(frames.length, 1);
    frames.pop()();
    assert.deepEqual(sent, [{ name: "Move", dx: 42, dy: -12, buttons: 0 }]);
    sent = [];
    capture.take(pointer("pointermove", 1, 1));
    capture.take(pointer("pointerdown", 1, 0, 2));
    frames.pop()();
    assert.deepEqual(sent, [{ name: "Move", dx: 2, dy: 1, buttons: 0 }, { name: "Move", dx: 0, dy: 0, buttons: 4 }]);
  });
});
