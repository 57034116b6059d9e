// The tsg protocol, version 1: bytes <-> messages, pure. The specification is docs/protocol.md; the same
// golden vectors (tests/golden/tsg.json) hold this file and the gateway's sessions/wire/tsg together.
//
// A message is a plain object {name, ...fields}. Byte fields are Uint8Arrays; those of a decoded message
// are views of the received buffer, not copies.

export const VERSION = 1;
export const SUBPROTOCOL = "tsg.v1";
export const MAX_CLIENT_MESSAGE = 64 * 1024;
export const MAX_SERVER_MESSAGE = 16 * 1024 * 1024;
export const MAX_SCREEN = 8192;
export const MAX_CURSOR = 256;
export const MAX_OPERATIONS = 4096;
export const MAX_VIDEO_STREAMS = 8;
export const MAX_TEXT = 4096;
export const MAX_DIALOG = 4096;

export const CloseCode = Object.freeze({
  NORMAL: 0,
  PROTOCOL: 1,
  UNKNOWN: 2,
  VERSION: 3,
  TICKET: 4,
  LIMIT: 5,
  SESSION_ENDED: 6,
  TAKEN_OVER: 7,
  TIMEOUT: 8,
  SERVER_ERROR: 9,
  SHUTDOWN: 10,
  SIGNED_OUT: 11,
  IN_USE: 12,
  DISCONNECTED: 13,
  SHADOW_OVER: 14,
});

export const SessionState = Object.freeze({
  STARTING: 0,
  ACTIVE: 1,
  CONNECTED: 2,
  IDLE: 3,
  DISCONNECTED: 4,
  ENDED: 5,
});

export const Capability = Object.freeze({
  HISTORY: 1,
  JPEG: 2,
  TEXT: 3,
  RESIZE: 4,
  COPY: 5,
  H264: 6,
  VP8: 7,
  VP9: 8,
  AV1: 9,
  STATISTICS: 10,
  NOTICES: 11,
  DIALOGS: 12,
  SHADOWS: 13,
  SWITCH: 14,
});

export const NoticeLevel = Object.freeze({ INFORMATION: 0, WARNING: 1, ABSENCE: 2 });
export const DialogKind = Object.freeze({ MESSAGE: 0, SHADOW_VIEW: 1, SHADOW_CONTROL: 2 });
export const ShadowState = Object.freeze({ OVER: 0, VIEW: 1, CONTROL: 2 });
export const Encoding = Object.freeze({ HISTORY: 0, JPEG: 1, COPY: 2, VIDEO: 3 });
export const Codec = Object.freeze({ H264: 0, VP8: 1, VP9: 2, AV1: 3 });
export const VideoFlag = Object.freeze({ KEY: 1 });
export const FrameFlag = Object.freeze({ NEW_STREAM: 1, LAST: 2 });
export const Stage = Object.freeze({ INPUT: 0, GUEST: 1, WAIT: 2, ENCODE: 3, SEND: 4, LINE: 5, CLIENT: 6, TOTAL: 7 });
export const Button = Object.freeze({ LEFT: 1, MIDDLE: 2, RIGHT: 4, BACK: 8, FORWARD: 16 });

// The peer broke the protocol; `code` is the CloseCode to leave with.
export class ProtocolError extends Error {
  code = CloseCode.PROTOCOL;
}

// A message type or field that is not optional and not known here.
export class UnknownMessage extends ProtocolError {
  code = CloseCode.UNKNOWN;
}

// A length, size or count beyond what this side takes.
export class LimitExceeded extends ProtocolError {
  code = CloseCode.LIMIT;
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
  }

  get left() {
    return this.bytes.length - this.position;
  }

  // Moves past `count` bytes and returns where they begin.
  skip(count) {
    const start = this.position;
    if (count > this.left) throw new ProtocolError(`message ends early: ${count} bytes wanted at ${start}`);
    this.position = start + count;
    return start;
  }

  take(count) {
    const start = this.skip(count);
    return this.bytes.subarray(start, start + count);
  }

  u8() {
    return this.view.getUint8(this.skip(1));
  }

  u16() {
    return this.view.getUint16(this.skip(2));
  }

  i16() {
    return this.view.getInt16(this.skip(2));
  }

  u32() {
    return this.view.getUint32(this.skip(4));
  }
}

class Writer {
  constructor() {
    this.bytes = new Uint8Array(64);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  // Makes room for `count` more bytes and returns where they begin.
  grow(count) {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return start;
  }

  put(bytes) {
    const at = this.grow(bytes.length); // may move this.bytes
    this.bytes.set(bytes, at);
  }

  done() {
    return this.bytes.slice(0, this.length);
  }
}

function integer(name, size, low, high, setter, getter) {
  return {
    name,
    write(value, out) {
      if (!Number.isInteger(value) || value < low || value > high) {
        throw new RangeError(`${name}: ${value} is not between ${low} and ${high}`);
      }
      const at = out.grow(size);
      out.view[setter](at, value);
    },
    read: (reader) => reader[getter](),
  };
}

const u8 = (name) => integer(name, 1, 0, 0xff, "setUint8", "u8");
const u16 = (name) => integer(name, 2, 0, 0xffff, "setUint16", "u16");
const i16 = (name) => integer(name, 2, -0x8000, 0x7fff, "setInt16", "i16");
const u32 = (name) => integer(name, 4, 0, 0xffffffff, "setUint32", "u32");

function checkLength(name, length, limit, Failure) {
  if (length > limit) throw new Failure(`${name}: ${length} bytes, at most ${limit}`);
}

const blob = (name, limit) => ({
  name,
  write(value, out) {
    checkLength(name, value.length, limit, RangeError);
    u32(name).write(value.length, out);
    out.put(value);
  },
  read(reader) {
    const length = reader.u32();
    checkLength(name, length, limit, LimitExceeded);
    return reader.take(length);
  },
});

const text = (name, limit = 1024) => ({
  name,
  write(value, out) {
    const bytes = utf8.encode(value);
    checkLength(name, bytes.length, limit, RangeError);
    u16(name).write(bytes.length, out);
    out.put(bytes);
  },
  read(reader) {
    const length = reader.u16();
    checkLength(name, length, limit, LimitExceeded);
    const bytes = reader.take(length);
    try {
      return fromUtf8.decode(bytes);
    } catch {
      throw new ProtocolError(`${name}: not UTF-8`);
    }
  },
});

const numbers = (name) => ({
  name,
  write(value, out) {
    u8(name).write(value.length, out);
    for (const number of value) u16(name).write(number, out);
  },
  read: (reader) => Array.from({ length: reader.u8() }, () => reader.u16()),
});

// A list of objects that have `fields`.
const rows = (name, fields) => ({
  name,
  write(value, out) {
    u8(name).write(value.length, out);
    for (const row of value) for (const field of fields) field.write(row[field.name], out);
  },
  read(reader) {
    const readRow = () => Object.fromEntries(fields.map((field) => [field.name, field.read(reader)]));
    return Array.from({ length: reader.u8() }, readRow);
  },
});

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
const LAYOUTS = {
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
};

function table(...names) {
  return new Map(names.map((name) => [LAYOUTS[name].type, name]));
}

const BOTH = ["Ping", "Pong", "Close"];
export const FROM_VIEWER = table(
  ...BOTH, "ClientHello", "Key", "TypeText", "Pointer", "Wheel", "ReleaseKeys", "RequestSize", "Ack", "Refresh",
  "VideoFailed", "WatchStatistics", "Stay", "Answer", "StopShadow",
);
export const FROM_SERVER = table(
  ...BOTH, "ServerHello", "ScreenSize", "State", "Cursor", "Frame", "Statistics", "Notice", "Dialog", "DialogOver",
  "Shadow", "Switch",
);

// Returns the message's bytes. Throws RangeError when a field does not fit.
export function encode(message) {
  const layout = LAYOUTS[message.name];
  const out = new Writer();
  u8("type").write(layout.type, out);
  if (message.name === "Frame") writeFrame(message, out);
  else for (const field of layout.fields) field.write(message[field.name], out);
  return out.done();
}

// Reads one message (a Uint8Array) of the types in `known`. Returns null for an unknown type that is
// optional; throws ProtocolError or one of its kinds.
export function decode(bytes, known) {
  const reader = new Reader(bytes);
  const type = reader.u8();
  const name = known.get(type);
  if (name === undefined) {
    if (type >= 0x80) return null;
    throw new UnknownMessage(`unknown message type 0x${type.toString(16).padStart(2, "0")}`);
  }
  if (name === "Frame") return readFrame(reader);
  const { fields, check, sealed } = LAYOUTS[name];
  const message = { name };
  for (const field of fields) message[field.name] = field.read(reader);
  if (!sealed) skipExtensions(reader, name);
  else if (reader.left) throw new ProtocolError(`${name}: ${reader.left} bytes too many`);
  check?.(message);
  return message;
}

function skipExtensions(reader, where) {
  while (reader.left) {
    const tag = reader.u8();
    const length = reader.u16();
    if (tag < 0x80) throw new UnknownMessage(`${where}: unknown field 0x${tag.toString(16).padStart(2, "0")}`);
    reader.skip(length);
  }
}

function readFrame(reader) {
  const number = reader.u32();
  const flags = reader.u8();
  const count = reader.u16();
  const length = reader.u32();
  if (count > MAX_OPERATIONS) throw new LimitExceeded(`Frame: ${count} operations, at most ${MAX_OPERATIONS}`);
  const heads = new Reader(reader.take(13 * count));
  const history = reader.take(length);
  const operations = [];
  for (let index = 0; index < count; index += 1) operations.push(readOperation(heads, reader));
  if (reader.left) throw new ProtocolError(`Frame: ${reader.left} bytes too many`);
  return { name: "Frame", number, flags, operations, history };
}

function readOperation(head, reader) {
  const encoding = head.u8();
  const [x, y, width, height] = [head.u16(), head.u16(), head.u16(), head.u16()];
  const size = head.u32();
  if (encoding > Encoding.VIDEO) throw new UnknownMessage(`Frame: unknown encoding ${encoding}`);
  checkRectangle(x, y, width, height);
  if (encoding === Encoding.COPY && size !== 4) throw new ProtocolError(`Frame: ${size} bytes of data for a copy`);
  const data = reader.take(size);
  if (encoding === Encoding.COPY) checkRectangle(...copySource(data), width, height);
  if (encoding === Encoding.VIDEO) videoPicture(data);
  return { encoding, x, y, width, height, data };
}

// Where the pixels of a COPY operation stand now: [x, y] of their top left corner.
export function copySource(data) {
  const reader = new Reader(data);
  return [reader.u16(), reader.u16()];
}

// The data of a VIDEO operation: {stream, codec, flags, chunk}, the next picture of one of the videos.
export function videoPicture(data) {
  if (data.length < 4) throw new ProtocolError(`Frame: ${data.length} bytes of data for a video`);
  const [stream, codec, flags] = data;
  if (stream >= MAX_VIDEO_STREAMS) {
    throw new LimitExceeded(`Frame: video ${stream}, they are numbered below ${MAX_VIDEO_STREAMS}`);
  }
  if (codec > Codec.AV1) throw new UnknownMessage(`Frame: unknown codec ${codec}`);
  return { stream, codec, flags, chunk: data.subarray(3) };
}

function checkRectangle(x, y, width, height) {
  if (!width || !height || x + width > MAX_SCREEN || y + height > MAX_SCREEN) {
    throw new ProtocolError(`Frame: no such rectangle: ${width}×${height} at ${x},${y}`);
  }
}

// Viewers never send frames; the tests do.
function writeFrame({ number, flags, operations, history }, out) {
  u32("number").write(number, out);
  u8("flags").write(flags, out);
  u16("count").write(operations.length, out);
  u32("history").write(history.length, out);
  for (const { encoding, x, y, width, height, data } of operations) {
    u8("encoding").write(encoding, out);
    for (const value of [x, y, width, height]) u16("rectangle").write(value, out);
    u32("data").write(data.length, out);
  }
  out.put(history);
  for (const { data } of operations) out.put(data);
}
