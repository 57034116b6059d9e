// The messages about the connection, the screen, and input. Files beside this one have those of other topics.

import { blob, i16, LimitExceeded, numbers, ProtocolError, rows, text, u16, u32, u8 } from "./fields.js";
import { MAX_CURSOR, MAX_DIALOG, MAX_SCREEN, MAX_TEXT } from "./numbers.js";

function checkSize({ width, height }) {
  if (!(width > 0 && width <= MAX_SCREEN && height > 0 && height <= MAX_SCREEN)) {
    throw new LimitExceeded(`no screen has ${width}×${height} pixels here (1 to ${MAX_SCREEN} each)`);
  }
}

function checkKey({ name, down, scancode, keysym }) {
  if (down > 1 || scancode > 0xff || !(scancode || keysym)) {
    throw new ProtocolError(`${name}: down is 0 or 1, the scan code one byte, one of code and keysym set`);
  }
}

function checkCursor({ name, width, height, pixels }) {
  if (pixels.length !== 4 * width * height) {
    throw new ProtocolError(`${name}: ${pixels.length} bytes for ${width}×${height}`);
  }
}

// name → {type, fields, check, sealed}; `sealed` types take no extension fields.
export const LAYOUTS = {
  Ping: { type: 0x01, fields: [u32("nonce")] },
  Pong: { type: 0x02, fields: [u32("nonce")] },
  Close: { type: 0x03, fields: [u16("code"), text("reason")] },
  ClientHello: {
    type: 0x10,
    fields: [
      u16("version"),
      blob("ticket", 64),
      text("client", 128),
      u16("width"),
      u16("height"),
      numbers("capabilities"),
    ],
  },
  Key: { type: 0x11, fields: [u8("down"), u16("scancode"), u32("keysym")], check: checkKey },
  TypeText: { type: 0x12, fields: [text("text", MAX_TEXT)] },
  Pointer: { type: 0x13, fields: [u16("x"), u16("y"), u8("buttons")] },
  Wheel: { type: 0x14, fields: [i16("dx"), i16("dy")] },
  ReleaseKeys: { type: 0x15, fields: [] },
  RequestSize: { type: 0x16, fields: [u16("width"), u16("height")], check: checkSize },
  Ack: { type: 0x17, fields: [u32("number"), u32("decode_us"), u32("present_us")] },
  Refresh: { type: 0x18, fields: [] },
  VideoFailed: { type: 0x19, fields: [u8("codec"), text("reason", 256)] },
  WatchStatistics: { type: 0x1a, fields: [u8("on")] },
  Stay: { type: 0x1b, fields: [] },
  Answer: { type: 0x1c, fields: [u32("id"), u8("yes")] },
  StopShadow: { type: 0x1d, fields: [u32("id")] },
  Move: { type: 0x1e, fields: [i16("dx"), i16("dy"), u8("buttons")] },
  Locks: { type: 0x1f, fields: [u8("on")] },
  ServerHello: {
    type: 0x20,
    fields: [
      u16("version"),
      text("session", 64),
      text("desktop", 256),
      u8("control"),
      u8("window_log"),
      numbers("capabilities"),
    ],
  },
  ScreenSize: { type: 0x21, fields: [u16("width"), u16("height")], check: checkSize },
  State: { type: 0x22, fields: [u8("state"), u8("progress"), text("text")] },
  Cursor: {
    type: 0x23,
    fields: [u16("width"), u16("height"), u16("hot_x"), u16("hot_y"), blob("pixels", 4 * MAX_CURSOR ** 2)],
    check: checkCursor,
    sealed: true,
  },
  Frame: { type: 0x24, sealed: true },
  Statistics: {
    type: 0x25,
    fields: [
      rows("stages", [u8("stage"), u16("share"), u32("p50"), u32("p95"), u32("p99")]),
      u32("rate"),
      u32("round_trip_us"),
      u16("frames_ahead"),
      u32("bytes_ahead"),
      u32("frames"),
      u32("refinements"),
    ],
  },
  Notice: { type: 0x26, fields: [u8("level"), u32("seconds"), text("text")] },
  Dialog: {
    type: 0x27,
    fields: [
      u32("id"),
      u8("kind"),
      u32("seconds"),
      text("sender", 128),
      text("title", 256),
      text("text", MAX_DIALOG),
    ],
  },
  DialogOver: { type: 0x28, fields: [u32("id")] },
  Shadow: { type: 0x29, fields: [u32("id"), u8("state"), text("who", 128)] },
  Switch: { type: 0x2a, fields: [blob("ticket", 64), text("session", 64), text("title", 256)] },
  PointerMode: { type: 0x2b, fields: [u8("relative")] },
};

export const FROM_BOTH = ["Ping", "Pong", "Close"];
export const FROM_VIEWER = [
  "ClientHello", "Key", "TypeText", "Pointer", "Wheel", "ReleaseKeys", "RequestSize", "Ack", "Refresh",
  "VideoFailed", "WatchStatistics", "Stay", "Answer", "StopShadow", "Move", "Locks",
];
export const FROM_SERVER = [
  "ServerHello", "ScreenSize", "State", "Cursor", "Frame", "Statistics", "Notice", "Dialog", "DialogOver",
  "Shadow", "Switch", "PointerMode",
];
