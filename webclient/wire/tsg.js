// The tsg protocol, version 1: bytes <-> messages, pure. The specification is docs/protocol.md; the same
// golden vectors (tests/golden/tsg.json) hold this file and the gateway's sessions/wire/tsg together.
//
// A message is a plain object {name, ...fields}. Byte fields are Uint8Arrays; those of a decoded message
// are views of the received buffer, not copies.

import * as clipboard from "./clipboard.js";
import { ProtocolError, Reader, u8, UnknownMessage, Writer } from "./fields.js";
import { readFrame, writeFrame } from "./frame.js";
import * as messages from "./messages.js";
import * as sharing from "./sharing.js";
import * as sound from "./sound.js";

export {
  CLIPBOARD_PIECE, CLIPBOARD_WINDOW, ClipboardFormat, ClipboardReason, UNKNOWN_SIZE,
} from "./clipboard.js";
export { LimitExceeded, ProtocolError, UnknownMessage } from "./fields.js";
export { copySource, videoPicture } from "./frame.js";
export * from "./numbers.js";
export { Control, NOWHERE, PersonKind, SharingRight } from "./sharing.js";

const TOPICS = [messages, clipboard, sharing, sound];
const LAYOUTS = Object.assign({}, ...TOPICS.map((topic) => topic.LAYOUTS));

function table(...names) {
  return new Map(names.map((name) => [LAYOUTS[name].type, name]));
}

export const FROM_VIEWER = table(...messages.FROM_BOTH, ...TOPICS.flatMap((topic) => topic.FROM_VIEWER));
export const FROM_SERVER = table(...messages.FROM_BOTH, ...TOPICS.flatMap((topic) => topic.FROM_SERVER));

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
