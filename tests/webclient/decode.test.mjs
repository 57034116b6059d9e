import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";

import { DecodeError } from "../../webclient/decode/errors.js";
import { HistoryDecoder } from "../../webclient/decode/history.js";
import { jpegSize } from "../../webclient/decode/jpeg.js";
import { compileZstd, windowSize, ZstdStream } from "../../webclient/decode/zstd.js";
import { fit, toGuest, wishedSize } from "../../webclient/session/scaling.js";
import { decode, FrameFlag, FROM_SERVER } from "../../webclient/wire/tsg.js";
import { fromHex, read } from "./golden.mjs";

const golden = read("stream");
const frames = golden.frames.map(({ message, sha256 }) => ({ ...decode(Buffer.from(message, "base64"), FROM_SERVER), sha256 }));

describe("history stream made by Python", () => {
  let stream;
  let picture;
  before(async () => {
    const file = new URL("../../webclient/node_modules/zstddec/dist/zstddec-stream.mjs", import.meta.url);
    stream = await ZstdStream.create(await compileZstd(readFileSync(file, "utf-8")));
  });
  const show = (decoder, { flags, operations, history }) =>
    decoder.decode(history, Boolean(flags & FrameFlag.NEW_STREAM), operations, picture, golden.width);
  const fresh = (windowLog = golden.window_log) => {
    picture = new Uint32Array(golden.width * golden.height).fill(0xff000000);
    return new HistoryDecoder(stream, windowLog);
  };

  test("gives every picture exactly, over the beginning of a second stream too", () => {
    const decoder = fresh();
    for (const frame of frames) {
      show(decoder, frame);
      assert.equal(createHash("sha256").update(new Uint8Array(picture.buffer)).digest("hex"), frame.sha256);
    }
  });

  test("cannot begin in the middle", () => assert.throws(() => show(fresh(), frames[1]), DecodeError));

  test("refuses a window larger than agreed", () => assert.throws(() => show(fresh(16), frames[0]), /window/));

  test("refuses too few and too many pixels, and then waits for a new stream", () => {
    for (const height of [63, 65]) {
      const decoder = fresh();
      const wrong = { ...frames[0], operations: [{ ...frames[0].operations[0], height }] };
      picture = new Uint32Array(golden.width * 65);
      assert.throws(() => show(decoder, wrong), /yields (more|less)/);
      assert.throws(() => show(decoder, frames[1]), /no stream/);
      show(decoder, frames[0]);
    }
  });

  test("damage is a DecodeError or other pixels, never anything else", () => {
    for (let at = 0; at < frames[0].history.length; at += 37) {
      const history = frames[0].history.slice();
      history[at] ^= 0x55;
      try {
        show(fresh(), { ...frames[0], history });
      } catch (error) {
        assert.ok(error instanceof DecodeError, `${at}: ${error.stack}`);
      }
    }
  });
});

test("window sizes of zstd headers", () => {
  assert.equal(windowSize(fromHex("28b52ffd0070")), 2 ** 24);
  assert.equal(windowSize(fromHex("28b52ffd0001")), 1024 + 128);
  assert.equal(windowSize(fromHex("28b52ffda000000100")), 65536);
  assert.throws(() => windowSize(fromHex("28b52ffd00")), DecodeError);
  assert.throws(() => windowSize(fromHex("000000000000")), DecodeError);
});

test("sizes that JPEG files state", () => {
  assert.deepEqual(jpegSize(fromHex("ffd8ffe000044a46ffc2000b08012c0190030000")), { width: 400, height: 300 });
  for (const hex of ["", "ffd8", "89504e47", "ffd8ffd9", "ffd8ffe0ffff0000000000", "ffd800000000000000000000"]) {
    assert.throws(() => jpegSize(fromHex(hex)), DecodeError);
  }
});

describe("scaling", () => {
  test("one guest pixel is one device pixel, or a whole square of them", () => {
    assert.deepEqual(wishedSize(1280, 800, 1), [1280, 800]);
    assert.deepEqual(wishedSize(1280, 800, 1.25), [1600, 1000]);
    assert.deepEqual(wishedSize(1440, 900, 2), [1440, 900]);
  });

  test("small windows get a screen of use, large ones none beyond the limit", () => {
    const [width, height] = wishedSize(390, 844, 3);
    assert.equal(width, 600);
    assert.ok(Math.abs(height / width - 844 / 390) < 0.01);
    assert.deepEqual(wishedSize(20000, 10000, 1), [8192, 8192]);
    assert.deepEqual(wishedSize(0, 0, 1).map((side) => side > 0), [true, true]);
  });

  test("a screen of the window's size lies on it exactly", () => {
    const placed = fit({ width: 1280, height: 800 }, { width: 1280, height: 800 }, 1);
    assert.deepEqual(placed, { left: 0, top: 0, width: 1280, height: 800, scale: 1, exact: true });
  });

  test("a guest that rounds down stays sharp", () => {
    const placed = fit({ width: 1283, height: 801 }, { width: 1280, height: 800 }, 1);
    assert.deepEqual([placed.scale, placed.left, placed.exact], [1, 2, true]);
  });

  test("another shape is centred, and places outside are its nearest pixels", () => {
    const screen = { width: 2000, height: 1000 };
    const placed = fit({ width: 1000, height: 700 }, screen, 1);
    assert.deepEqual([placed.scale, placed.left, placed.top], [0.5, 0, 100]);
    assert.deepEqual(toGuest({ x: 500, y: 350 }, placed, screen), { x: 1000, y: 500 });
    assert.deepEqual(toGuest({ x: -5, y: 0 }, placed, screen), { x: 0, y: 0 });
    assert.deepEqual(toGuest({ x: 1000, y: 700 }, placed, screen), { x: 1999, y: 999 });
  });
});
