// Who else is there, where they point, and who controls.

import { ProtocolError, rows, text, u16, u32, u8 } from "./fields.js";

export const NOWHERE = 0xffff; // both coordinates of a pointer that is not over the screen

export const PersonKind = Object.freeze({ OWNER: 0, HELPER: 1, GUEST: 2 });
export const Control = Object.freeze({ NONE: 0, ASKS: 1, HAS: 2 });
export const SharingRight = Object.freeze({ ASK: 1, DECIDE: 2, TAKE: 4 });

function checkYesNo({ name, on }) {
  if (on > 1) throw new ProtocolError(`${name}: on is 0 or 1`);
}

export const LAYOUTS = {
  People: {
    type: 0x50,
    fields: [
      u32("you"),
      u8("rights"),
      rows("people", [u32("id"), u8("kind"), u8("control"), u32("seconds"), text("name", 128)]),
    ],
  },
  PointerOf: { type: 0x51, fields: [u32("id"), u16("x"), u16("y")] },
  AskControl: { type: 0x52, fields: [u8("on")], check: checkYesNo },
  SetControl: { type: 0x53, fields: [u32("id"), u8("on")], check: checkYesNo },
  PointAway: { type: 0x54, fields: [] },
};

export const FROM_SERVER = ["People", "PointerOf"];
export const FROM_VIEWER = ["AskControl", "SetControl", "PointAway"];
