import assert from "node:assert/strict";
import { test } from "node:test";

import { question } from "../../webclient/session/dialogs.js";
import { markText } from "../../webclient/session/marks.js";
import { noticeFor } from "../../webclient/session/notices.js";
import { CloseCode, DialogKind, SessionState, ShadowState } from "../../webclient/wire/tsg.js";

const message = { id: 7, kind: DialogKind.MESSAGE, seconds: 60, sender: "ops", title: "", text: "At noon." };

test("a message says who sends it and closes by itself, or waits", () => {
  const shown = question(message, 5000);
  assert.deepEqual([shown.from, shown.title, shown.until, shown.no], ["ops", "A message for you", 65_000, undefined]);
  assert.equal(question({ ...message, seconds: 0 }, 5000).until, null);
});

test("a wish to look on is allowed or refused, and one of a later version is not shown", () => {
  const wish = question({ ...message, kind: DialogKind.SHADOW_VIEW, title: "Ruth wants to see your screen" }, 0);
  assert.deepEqual([wish.from, wish.yes, wish.no], ["", "dialog.allow", "dialog.refuse"]);
  assert.equal(question({ ...message, kind: 9 }, 0), null);
});

test("a mark says who sees or uses the screen, never less than it is", () => {
  const mark = (state, own) => markText({ state, who: "Ruth" }, own);
  assert.equal(mark(ShadowState.VIEW, false), "Ruth sees your screen");
  assert.equal(mark(ShadowState.CONTROL, false), "Ruth sees and uses your screen");
  assert.equal(mark(9, false), "Ruth sees and uses your screen");
  assert.equal(mark(ShadowState.VIEW, true), "You see Ruth’s session");
});

test("who waits to be let in is told so, and why not when it is refused", () => {
  const situation = { guest: null, hasPicture: false, title: "Desk", canStartAgain: false, shadow: true };
  const guest = { state: SessionState.CONNECTED, text: "ada is asked to allow it." };
  const waiting = noticeFor({ ...situation, status: { state: "connected", attempt: 0 }, guest });
  assert.deepEqual([waiting.key, waiting.text], ["asking", guest.text]);
  const status = { state: "over", code: CloseCode.SHADOW_OVER, reason: "ada does not allow it." };
  const over = noticeFor({ ...situation, status });
  assert.deepEqual([over.key, over.text, over.actions], ["shadowover", status.reason, ["askagain", "back"]]);
});
