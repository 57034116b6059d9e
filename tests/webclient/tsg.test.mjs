import assert from "node:assert/strict";
import { test } from "node:test";

import * as tsg from "../../webclient/wire/tsg.js";
import { fromHex, known, plain, read, revive, toHex } from "./golden.mjs";

const golden = read("tsg");

test("the vectors are of this version", () => assert.equal(golden.version, tsg.VERSION));

test("every message type is among the vectors", () => {
  const names = new Set(golden.valid.map(({ name }) => name));
  assert.deepEqual(new Set([...tsg.FROM_VIEWER.values(), ...tsg.FROM_SERVER.values()]), names);
});

for (const [index, { name, from, fields, hex }] of golden.valid.entries()) {
  test(`${name} (${index}): both ways`, () => {
    assert.equal(toHex(tsg.encode({ name, ...revive(fields) })), hex);
    for (const side of from) {
      const message = tsg.decode(fromHex(hex), known(side));
      assert.equal(message.name, name);
      assert.deepEqual(plain(message), fields);
    }
  });

  test(`${name} (${index}): cut anywhere, never anything but a ProtocolError`, () => {
    const bytes = fromHex(hex);
    for (let length = 0; length < Math.min(bytes.length, 400); length += 1) {
      assert.throws(() => tsg.decode(bytes.subarray(0, length), known(from[0])), tsg.ProtocolError);
    }
  });
}

for (const { name, from, fields, hex } of golden.extended) {
  test(`${name} with optional fields`, () => {
    for (const side of from) assert.deepEqual(plain(tsg.decode(fromHex(hex), known(side))), fields);
  });
}

test("optional types are ignored", () => {
  for (const hex of golden.ignored) assert.equal(tsg.decode(fromHex(hex), tsg.FROM_SERVER), null);
});

for (const { why, from, hex, error } of golden.malformed) {
  test(`${why} from the ${from}: ${error}`, () => {
    assert.throws(() => tsg.decode(fromHex(hex), known(from)), (thrown) => thrown.constructor === tsg[error]);
  });
}

test("messages that lie anywhere in a larger buffer are read right", () => {
  const buffer = new Uint8Array(40).fill(0xee);
  buffer.set(fromHex("0100000007"), 13);
  assert.equal(tsg.decode(buffer.subarray(13, 18), tsg.FROM_SERVER).nonce, 7);
});

test("values that do not fit are refused before anything is sent", () => {
  const wrong = [
    { name: "Pointer", x: -1, y: 0, buttons: 0 },
    { name: "Pointer", x: 0x10000, y: 0, buttons: 0 },
    { name: "Wheel", dx: 0, dy: 0x8000 },
    { name: "Pointer", x: 1.5, y: 0, buttons: 0 },
    { name: "TypeText", text: "é".repeat(2049) },
    { name: "Ping", nonce: undefined },
  ];
  for (const message of wrong) assert.throws(() => tsg.encode(message), RangeError);
});

test("random bytes give a message, nothing, or a ProtocolError", () => {
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  for (let round = 0; round < 20000; round += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    if (bytes.length) bytes[0] = [1, 3, 0x20, 0x21, 0x22, 0x23, 0x24, 0x90][round % 8];
    try {
      tsg.decode(bytes, tsg.FROM_SERVER);
    } catch (error) {
      assert.ok(error instanceof tsg.ProtocolError, `${toHex(bytes)}: ${error}`);
    }
  }
});
