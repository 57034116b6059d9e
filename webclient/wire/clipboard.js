// The messages about the clipboard.

import { blob, ProtocolError, rows, text, u32, u8 } from "./fields.js";

export const CLIPBOARD_PIECE = 48 * 1024; // most bytes of a content in one message
export const CLIPBOARD_WINDOW = 256 * 1024; // bytes that may be sent and not acknowledged
export const UNKNOWN_SIZE = 0xffffffff;

export const ClipboardFormat = Object.freeze({ TEXT: 1, HTML: 2, PNG: 3 });
export const ClipboardReason = Object.freeze({ GONE: 0, LARGER: 1, TOO_LARGE: 2, FAILED: 3 });

function checkState({ name, maximum }) {
  if (maximum === 0) throw new ProtocolError(`${name}: a maximum of 0 bytes`);
}

export const LAYOUTS = {
  ClipboardOffer: { type: 0x30, fields: [u32("id"), rows("parts", [u8("format"), u32("size")])] },
  ClipboardRequest: { type: 0x31, fields: [u32("id"), u8("format"), u32("limit")] },
  ClipboardData: { type: 0x32, fields: [u32("id"), u8("format"), u32("size"), blob("data", CLIPBOARD_PIECE)] },
  ClipboardAck: { type: 0x33, fields: [u32("id"), u8("format"), u32("received")] },
  ClipboardEnd: { type: 0x34, fields: [u32("id"), u8("format"), u8("reason"), u32("size"), text("text")] },
  ClipboardTaken: { type: 0x35, fields: [u32("id")] },
  ClipboardState: { type: 0x36, fields: [u8("formats"), u32("maximum")], check: checkState },
};

const FROM_BOTH = ["ClipboardOffer", "ClipboardRequest", "ClipboardData", "ClipboardAck", "ClipboardEnd"];
export const FROM_VIEWER = FROM_BOTH;
export const FROM_SERVER = [...FROM_BOTH, "ClipboardTaken", "ClipboardState"];
