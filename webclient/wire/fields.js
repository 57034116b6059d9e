// Fields of messages: bytes <-> values, every length checked before anything is taken.

import { CloseCode } from "./numbers.js";

// The peer broke the protocol; `code` is the CloseCode to leave with.
export class ProtocolError extends Error {
  /** @type {number} */
  code = CloseCode.PROTOCOL;
}

// A message type or field that is not optional and not known here.
export class UnknownMessage extends ProtocolError {
  /** @type {number} */
  code = CloseCode.UNKNOWN;
}

// A length, size or count beyond what this side takes.
export class LimitExceeded extends ProtocolError {
  /** @type {number} */
  code = CloseCode.LIMIT;
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Reader {
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

export class Writer {
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

export const u8 = (name) => integer(name, 1, 0, 0xff, "setUint8", "u8");
export const u16 = (name) => integer(name, 2, 0, 0xffff, "setUint16", "u16");
export const i16 = (name) => integer(name, 2, -0x8000, 0x7fff, "setInt16", "i16");
export const u32 = (name) => integer(name, 4, 0, 0xffffffff, "setUint32", "u32");

function checkLength(name, length, limit, Failure) {
  if (length > limit) throw new Failure(`${name}: ${length} bytes, at most ${limit}`);
}

export const blob = (name, limit) => ({
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

export const text = (name, limit = 1024) => ({
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

export const numbers = (name) => ({
  name,
  write(value, out) {
    u8(name).write(value.length, out);
    for (const number of value) u16(name).write(number, out);
  },
  read: (reader) => Array.from({ length: reader.u8() }, () => reader.u16()),
});

// A list of objects that have `fields`.
export const rows = (name, fields) => ({
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
