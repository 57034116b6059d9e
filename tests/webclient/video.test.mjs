import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { decoderConfig, h264String, NAMES, statedSize } from "../../webclient/decode/codecs.js";
import { DecodeError } from "../../webclient/decode/errors.js";
import { SAMPLES, SIDE } from "../../webclient/decode/probe.js";
import { fits, PATIENCE, Videos } from "../../webclient/decode/video.js";
import { Capability, Codec, VideoFlag } from "../../webclient/wire/tsg.js";
import { fromHex } from "./golden.mjs";

const sample = (codec) => Uint8Array.from(Buffer.from(SAMPLES[codec], "base64"));

describe("what chunks say", () => {
  test("H.264: profile, constraints and level, wherever the parameters stand", () => {
    assert.equal(h264String(sample(Codec.H264)), "avc1.64000a");
    assert.equal(h264String(fromHex("000001" + "0910" + "00000001" + "6742e01f" + "00000001" + "68ce")), "avc1.42e01f");
    const withoutParameters = ["", "00000167", "00000165888040000000", "0000000167", "ffffffffffffffffffff"];
    for (const hex of withoutParameters) assert.throws(() => h264String(fromHex(hex)), DecodeError);
  });

  test("VP8 and VP9: the size, which real encoders and the formats' limits agree on", () => {
    assert.deepEqual(statedSize(Codec.VP8, sample(Codec.VP8)), { width: SIDE, height: SIDE });
    assert.deepEqual(statedSize(Codec.VP9, sample(Codec.VP9)), { width: SIDE, height: SIDE });
    assert.deepEqual(statedSize(Codec.VP8, fromHex("1000009d012affffffff")), { width: 16383, height: 16383 });
    assert.deepEqual(statedSize(Codec.VP9, fromHex("824983420ffffffff0")), { width: 65536, height: 65536 });
    assert.deepEqual(statedSize(Codec.VP9, fromHex("824983420012302340")), { width: 0x124, height: 0x235 });
  });

  test("VP8 and VP9: what is no key picture is refused, and never read beyond its end", () => {
    for (const codec of [Codec.VP8, Codec.VP9]) {
      const chunk = sample(codec);
      for (let length = 0; length < 9; length += 1) {
        assert.throws(() => statedSize(codec, chunk.subarray(0, length)), DecodeError);
      }
      for (const at of [0, 3]) {
        const other = chunk.slice();
        other[at] ^= 0x7f;
        assert.throws(() => statedSize(codec, other), DecodeError);
      }
    }
  });

  test("the other formats' sizes are left to the decoder", () => {
    for (const codec of [Codec.H264, Codec.AV1]) assert.equal(statedSize(codec, sample(codec)), null);
  });

  test("configurations: a level that reaches, the protocol's colours, no waiting", () => {
    const string = (codec, ...size) => decoderConfig(codec, ...size, sample(codec)).codec;
    assert.equal(string(Codec.H264, 64, 64), "avc1.64000a");
    assert.equal(string(Codec.VP8, 64, 64), "vp8");
    assert.deepEqual([string(Codec.VP9, 960, 540), string(Codec.VP9, 3840, 2160)], ["vp09.00.41.08", "vp09.00.51.08"]);
    assert.deepEqual([string(Codec.AV1, 960, 540), string(Codec.AV1, 8192, 8192)], ["av01.0.09M.08", "av01.0.19M.08"]);
    const config = decoderConfig(Codec.H264, 1920, 1080);
    assert.equal(config.codec, "avc1.640029");
    assert.equal(config.optimizeForLatency, true);
    assert.deepEqual([config.colorSpace.matrix, config.colorSpace.fullRange], ["smpte170m", false]);
    assert.ok(!("description" in config), "which would make it another format than a byte stream");
  });
});

test("a picture is the rectangle's, or the one of even sides", () => {
  const rectangle = { width: 33, height: 48 };
  for (const [width, height] of [[33, 48], [34, 48]]) assert.ok(fits({ width, height }, rectangle));
  for (const [width, height] of [[32, 48], [35, 48], [33, 49], [34, 47], [48, 33]]) assert.ok(!fits({ width, height }, rectangle));
});

// A decoder does as the test says: the browser's own behave, and are tested in browsers.
describe("decoders that misbehave", () => {
  let decoders;
  let frames;
  let waits;
  let told;
  let videos;
  let behave;

  class Decoder {
    state = "unconfigured";
    chunks = [];

    constructor({ output, error }) {
      Object.assign(this, { output, error });
      decoders.push(this);
    }

    configure(config) {
      if (config.codec === "vp8" && behave === "refuse") throw new TypeError("no such codec");
      this.state = "configured";
    }

    decode(chunk) {
      this.chunks.push(chunk);
      behave?.(this, chunk);
    }

    close() {
      assert.notEqual(this.state, "closed", "closed twice");
      this.state = "closed";
    }
  }

  class Chunk {
    constructor(details) {
      Object.assign(this, details);
    }
  }

  const give = (decoder, timestamp, [width, height] = [64, 64], [displayWidth, displayHeight] = [width, height]) => {
    const frame = { timestamp, visibleRect: { width, height }, displayWidth, displayHeight, closed: 0, close: () => (frame.closed += 1) };
    frames.push(frame);
    decoder.output(frame);
    return frame;
  };
  const well = (decoder, { timestamp }) => queueMicrotask(() => give(decoder, timestamp));
  const operation = (stream, codec, flags, size = [64, 64]) => ({
    width: size[0], height: size[1], data: Uint8Array.of(stream, codec, flags, ...sample(codec)),
  });
  const key = (stream = 0, codec = Codec.AV1) => videos.decode(operation(stream, codec, VideoFlag.KEY));
  const next = (stream = 0, codec = Codec.AV1) => videos.decode(operation(stream, codec, 0));

  beforeEach(() => {
    [decoders, frames, told, waits] = [[], [], [], new Set()];
    behave = well;
    const setTimeout = (action, delay) => {
      const timer = { action, delay };
      waits.add(timer);
      return timer;
    };
    const timers = { setTimeout, clearTimeout: (timer) => waits.delete(timer) };
    videos = new Videos((codec, reason) => told.push([codec, reason]), { Decoder, Chunk, timers });
    videos.allow([Codec.H264, Codec.AV1]);
  });

  const failed = async (reason) => {
    assert.deepEqual(told, [[Codec.AV1, `AV1: ${reason}`]]);
    assert.deepEqual(videos.capabilities, [Capability.H264]);
    assert.equal(waits.size, 0);
    const count = decoders.length;
    assert.deepEqual([await next(), await key(), await key(1)], [null, null, null]);
    assert.equal(decoders.length, count, "no decoder is begun for it again");
    assert.equal(told.length, 1);
    assert.ok((await key(2, Codec.H264)).timestamp === 0, "the others go on");
  };

  test("one that behaves: pictures in order, a decoder for each key picture, all closed in the end", async () => {
    const pictures = await Promise.all([key(), next(), next(), key(), next(), key(1)]);
    assert.deepEqual(pictures.map(({ timestamp }) => timestamp), [0, 1, 2, 0, 1, 0]);
    assert.deepEqual(decoders.map(({ state }) => state), ["closed", "configured", "configured"]);
    assert.deepEqual(decoders[0].chunks.map(({ type }) => type), ["key", "delta", "delta"]);
    videos.restart();
    assert.ok(decoders.every(({ state }) => state === "closed"));
    assert.equal(waits.size, 0);
    assert.deepEqual(told, []);
  });

  test("silent: after a while its codec has failed", async () => {
    behave = null;
    const picture = key();
    assert.deepEqual([...waits].map(({ delay }) => delay), [PATIENCE]);
    [...waits][0].action();
    assert.equal(await picture, null);
    behave = well;
    await failed("no picture came");
    assert.equal(give(decoders[0], 0).closed, 1, "what comes too late is given back");
  });

  test("one that errs, at once or later, takes all streams of its codec along", async () => {
    await key(1);
    behave = (decoder) => decoder.error(new Error("broken"));
    assert.equal(await key(), null);
    behave = well;
    await failed("broken");
    assert.ok(decoders.slice(0, 2).every(({ state }) => state === "closed"));
  });

  test("one that the browser has closed already", async () => {
    behave = (decoder) => {
      decoder.state = "closed";
      decoder.error(new Error("gone"));
    };
    assert.equal(await key(), null);
    behave = well;
    await failed("gone");
  });

  test("one that throws", async () => {
    behave = () => {
      throw new Error("a key frame is required");
    };
    assert.equal(await key(), null);
    behave = well;
    await failed("a key frame is required");
  });

  test("one that cannot be had", async () => {
    behave = "refuse";
    assert.equal(await key(0, Codec.VP8), null);
    assert.deepEqual(told, [[Codec.VP8, "VP8: no such codec"]]);
  });

  test("two pictures of one chunk: both are given back", async () => {
    behave = (decoder, { timestamp }) => {
      well(decoder, { timestamp });
      well(decoder, { timestamp });
    };
    const picture = await key();
    await Promise.resolve();
    picture.close();
    behave = well;
    assert.deepEqual(frames.map(({ closed }) => closed), [1, 1]);
    await failed("a picture too many");
  });

  test("pictures in another order", async () => {
    behave = null;
    const waiting = [key(), next()];
    give(decoders[0], 1);
    assert.deepEqual(await Promise.all(waiting), [null, null]);
    assert.equal(frames[0].closed, 1);
    behave = well;
    await failed("a picture too many");
  });

  for (const [what, ...sizes] of [["larger", [66, 64]], ["smaller", [64, 62]], ["stretched", [64, 64], [128, 64]]]) {
    test(`a ${what} picture is given back unseen`, async () => {
      behave = (decoder, { timestamp }) => give(decoder, timestamp, ...sizes);
      assert.equal(await key(), null);
      assert.equal(frames[0].closed, 1);
      behave = well;
      await failed(`a picture of ${sizes.at(-1).join("×")} for 64×64`);
    });
  }

  test("an enormous size is refused before a decoder sees it", async () => {
    const data = Uint8Array.of(0, Codec.VP8, VideoFlag.KEY, ...fromHex("1000009d012affffffff00"));
    assert.equal(await videos.decode({ width: 64, height: 64, data }), null);
    assert.equal(decoders.length, 0);
    assert.deepEqual(told, [[Codec.VP8, "VP8: a video of 16383×16383 for 64×64"]]);
  });

  test("a stream that has not begun, or goes on as another codec, is the server's fault, not the codec's", async () => {
    await assert.rejects(next(), DecodeError);
    await key();
    await assert.rejects(next(0, Codec.H264), DecodeError);
    videos.restart();
    await assert.rejects(next(), DecodeError);
    assert.deepEqual(told, []);
  });

  test("one that the browser takes back when it has nothing to do: the next video gets another", async () => {
    (await key()).close();
    decoders[0].state = "closed";
    decoders[0].error(new DOMException("Codec reclaimed due to inactivity.", "QuotaExceededError"));
    await assert.rejects(next(), DecodeError);
    (await key()).close();
    (await next()).close();
    assert.deepEqual(told, []);
    behave = (decoder) => decoder.error(new DOMException("too many", "QuotaExceededError"));
    assert.equal(await next(), null);
    behave = well;
    await failed("too many");
  });

  test("a new connection: nobody waits for what the old one began", async () => {
    behave = null;
    const picture = key();
    videos.restart();
    assert.equal(await picture, null);
    assert.equal(give(decoders[0], 0).closed, 1);
    assert.deepEqual(told, []);
  });

  test("reasons fit their message, whatever the browser says", async () => {
    behave = (decoder) => decoder.error(new Error("∞".repeat(1000)));
    await key();
    assert.ok(new TextEncoder().encode(told[0][1]).length <= 256);
    assert.ok(told[0][1].startsWith(NAMES[Codec.AV1]));
  });
});
