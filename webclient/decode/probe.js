// Which codecs of videos this browser decodes, and in the right colours: found by decoding one picture of
// each. What a browser claims (isConfigSupported) is necessary and not enough: Firefox, for one, goes by the
// stream alone, and takes every stream for limited range.

import { Codec, VideoFlag } from "../wire/tsg.js";
import { decoderConfig } from "./codecs.js";
import { PATIENCE, Videos } from "./video.js";

// A key picture of each codec, in base64: SIDE × SIDE pixels of RED, as the protocol wants them encoded.
// tests/reference/test_video.py holds them to that.
export const SIDE = 64;
export const RED = [255, 0, 0];
export const SAMPLES = {
  [Codec.H264]:
    "AAAAAWdkAAqstCE01AQ0GQAAAwABAAADADyPEiagAAAAAWjvArywAAAAAWWIhAQ/7P/CVf8Cjv2of/VFF2pI7F+x78uet5csTV4DYp" +
    "yj65O/QdYCE17B",
  [Codec.VP8]: "0AMAnQEqQABAAABHCIWFiJmEiAICAnWqA/gD+gIHGk/ILUhMAVYwAP79bvP/5G/j50b/yOP//Eqe44nj//xGgA==",
  [Codec.VP9]: "gkmDQmAD8AP2BjgkHBhCAAAwYAAAZz///mmV/////plr/////2KYHUTAAA==",
  [Codec.AV1]: "EgAKDQAAAAKv/4lfIgIaDAgyFhAAhYAAAAAAAAAaqoqqdMQZxowV1hA=",
};
const TOLERANCE = 6; // the matrix of BT.709 would be 24 off, the full range 17, and browsers are 1
const [WIDTH, HEIGHT] = [1920, 1080]; // what a codec must be good for

// Returns a promise of the Codecs that work; never rejects. Takes some milliseconds, and PATIENCE at worst.
export async function workingCodecs() {
  if (!self.VideoDecoder) return []; // old browsers, and pages that did not come over HTTPS
  const codecs = Object.values(Codec);
  const tooLate = new Promise((resolve) => setTimeout(resolve, PATIENCE, false)); // nobody's session waits longer
  const works = await Promise.all(codecs.map((codec) => Promise.race([isRight(codec).catch(() => false), tooLate])));
  return codecs.filter((_, index) => works[index]);
}

async function isRight(codec) {
  const { supported } = await self.VideoDecoder.isConfigSupported(decoderConfig(codec, WIDTH, HEIGHT));
  if (!supported) return false;
  const sample = Uint8Array.from(atob(SAMPLES[codec]), (character) => character.charCodeAt(0));
  const data = Uint8Array.of(0, codec, VideoFlag.KEY, ...sample);
  const videos = new Videos(() => {});
  const frame = await videos.decode({ width: SIDE, height: SIDE, data });
  if (!frame) return false;
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { alpha: false });
  context.drawImage(frame, 0, 0);
  frame.close();
  videos.restart();
  const seen = context.getImageData(SIDE / 2, SIDE / 2, 1, 1).data;
  return RED.every((value, channel) => Math.abs(seen[channel] - value) <= TOLERANCE);
}
