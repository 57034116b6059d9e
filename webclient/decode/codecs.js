// What the codecs of videos are called, and what their chunks say of themselves. Pure.

import { Capability, Codec } from "../wire/tsg.js";
import { DecodeError } from "./errors.js";

export const NAMES = Object.freeze({
  [Codec.H264]: "H.264",
  [Codec.VP8]: "VP8",
  [Codec.VP9]: "VP9",
  [Codec.AV1]: "AV1",
});

export const CAPABILITIES = Object.freeze({
  [Codec.H264]: Capability.H264,
  [Codec.VP8]: Capability.VP8,
  [Codec.VP9]: Capability.VP9,
  [Codec.AV1]: Capability.AV1,
});

// The protocol's colours; "smpte170m" is what BT.601 is called here. The transfer is the canvas's own, so that no
// browser converts values.
const COLOURS = Object.freeze({
  primaries: "bt709",
  transfer: "iec61966-2-1",
  matrix: "smpte170m",
  fullRange: false,
});

// Pixels up to which a level reaches at 60 pictures a second, and how VP9 and AV1 write it.
/** @type {[number, string, string][]} */
const LEVELS = [
  [2228224, "41", "09M"],
  [8912896, "51", "13M"],
  [35651584, "61", "17M"],
  [Infinity, "62", "19M"],
];

// A VideoDecoderConfig for pictures of about width × height. `chunk` is a key picture, whose H.264 profile
// and level are taken over; without it they are those of a full HD screen. Throws DecodeError.
export function decoderConfig(codec, width, height, chunk = null) {
  const [, vp9, av1] = LEVELS.find(([pixels]) => width * height <= pixels);
  const strings = {
    [Codec.H264]: () => (chunk ? h264String(chunk) : "avc1.640029"),
    [Codec.VP8]: () => "vp8",
    [Codec.VP9]: () => `vp09.00.${vp9}.08`,
    [Codec.AV1]: () => `av01.0.${av1}.08`,
  };
  // Not the size: it is in the stream, and Chromium would believe the configuration when it is not the same.
  return { codec: strings[codec](), colorSpace: COLOURS, optimizeForLatency: true };
}

// "avc1." and the profile, constraints and level, as the sequence parameter set of a byte stream states
// them in its first three bytes (ITU-T H.264, Annex B and 7.3.2.1).
export function h264String(chunk) {
  for (let at = 0; at + 6 < chunk.length; at += 1) {
    const isStart = chunk[at] === 0 && chunk[at + 1] === 0 && chunk[at + 2] === 1;
    if (!isStart || (chunk[at + 3] & 0x1f) !== 7) continue;
    const bytes = chunk.subarray(at + 4, at + 7);
    return `avc1.${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  throw new DecodeError("a key picture without parameters");
}

// The size that a key picture of VP8 or VP9 states in a place that is easily read, as {width, height}; null
// for the other codecs. A few bytes can promise an enormous picture. Throws DecodeError.
export function statedSize(codec, chunk) {
  if (codec === Codec.VP8) return vp8Size(chunk);
  return codec === Codec.VP9 ? vp9Size(chunk) : null;
}

// RFC 6386, 9.1: a tag of three bytes, a start code, and two sizes whose upper two bits are a scale.
function vp8Size(chunk) {
  const isKey = chunk.length >= 10 && !(chunk[0] & 1);
  if (!isKey || chunk[3] !== 0x9d || chunk[4] !== 0x01 || chunk[5] !== 0x2a) {
    throw new DecodeError("no key picture of VP8");
  }
  return { width: ((chunk[7] & 0x3f) << 8) | chunk[6], height: ((chunk[9] & 0x3f) << 8) | chunk[8] };
}

// VP9 bitstream specification, 6.2, for profile 0: marker 2 bits (binary 10), profile 2, existing 1, frame
// type 1 (0: key), shown 1, resilient 1; sync code 24; colour space 3, range 1; width − 1 16, height − 1 16.
function vp9Size(chunk) {
  const isKey = chunk.length >= 9 && (chunk[0] & 0xfc) === 0x80;
  if (!isKey || chunk[1] !== 0x49 || chunk[2] !== 0x83 || chunk[3] !== 0x42) {
    throw new DecodeError("no key picture of VP9, profile 0");
  }
  const u16 = (at) => (((chunk[at] << 16) | (chunk[at + 1] << 8) | chunk[at + 2]) >> 4) & 0xffff;
  return { width: u16(4) + 1, height: u16(6) + 1 };
}
