// What a People message means for whoever reads it, and what is offered then.

import assert from "node:assert/strict";
import test from "node:test";

import { actsOn, edgeOf, hueOf, initialsOf, standing } from "../../webclient/session/persons.js";
import { Control, PersonKind, SharingRight } from "../../webclient/wire/tsg.js";

const { ASK, DECIDE, TAKE } = SharingRight;
const person = (id, kind, control, name) => ({ id, kind, control, seconds: 0, name });
const ada = (control = Control.HAS) => person(1, PersonKind.OWNER, control, "ada");
const bob = (control = Control.NONE) => person(2, PersonKind.GUEST, control, "Bob (guest)");
const ruth = (control = Control.NONE) => person(3, PersonKind.HELPER, control, "ruth (helpdesk)");
const seenBy = (you, rights, ...people) => standing({ you, rights, people }, true);
const keys = (acts) => acts.map(({ key }) => key.replace("people.", ""));

test("before anything is told, what the hello said holds", () => {
  for (const control of [true, false]) {
    const now = standing(null, control);
    assert.equal(now.controls, control);
    assert.deepEqual(now.others, []);
    assert.equal(edgeOf(now, "ada"), null);
  }
});

test("the session's person gives, takes and sends away, and decides about who asks", () => {
  const now = seenBy(1, DECIDE | TAKE, ada(), bob(), ruth(Control.HAS));
  assert.equal(edgeOf(now, "ada"), null);
  assert.deepEqual(keys(actsOn(now.me, now)), []);
  assert.deepEqual(keys(actsOn(now.others[0], now)), ["give", "send"]);
  assert.deepEqual(keys(actsOn(now.others[1], now)), ["take", "send"]);
  const asked = seenBy(1, DECIDE | TAKE, ada(), bob(Control.ASKS));
  const [allow, refuse, send] = actsOn(asked.others[0], asked);
  assert.deepEqual(allow.message, { name: "SetControl", id: 2, on: 1 });
  assert.deepEqual(refuse.message, { name: "SetControl", id: 2, on: 0 });
  assert.deepEqual(send.message, { name: "StopShadow", id: 2 });
});

test("a helper is not offered control that only a right of theirs gives", () => {
  const now = seenBy(1, DECIDE | TAKE, ada(), ruth());
  assert.deepEqual(keys(actsOn(now.others[0], now)), ["send"]);
});

test("a person who has handed control over takes it back at the edge of the screen", () => {
  const edge = edgeOf(seenBy(1, DECIDE | TAKE, ada(Control.NONE), bob(Control.HAS)), "ada");
  assert.equal(edge.text, "Bob (guest) controls");
  assert.deepEqual(edge.message, { name: "SetControl", id: 1, on: 1 });
});

test("who looks on asks, waits, or gives back", () => {
  const watching = edgeOf(seenBy(2, ASK, ada(), bob()), "ada");
  assert.equal(watching.text, "You see ada’s session");
  assert.deepEqual(watching.message, { name: "AskControl", on: 1 });
  const waiting = edgeOf(seenBy(2, ASK, ada(), bob(Control.ASKS)), "ada");
  assert.deepEqual(waiting.message, { name: "AskControl", on: 0 });
  const controlling = edgeOf(seenBy(2, DECIDE, ada(Control.NONE), bob(Control.HAS)), "ada");
  assert.deepEqual(controlling.message, { name: "SetControl", id: 2, on: 0 });
  const several = edgeOf(seenBy(2, 0, ada(), bob(Control.HAS)), "ada");
  assert.deepEqual([several.text, several.label], ["You see and use ada’s session", ""]);
});

test("names of any kind have initials", () => {
  const names = ["ada", "Bob Baker (guest)", "ruth.smith", "山田 太郎 (guest)", "🙂", "", "(guest)"];
  assert.deepEqual(names.map(initialsOf), ["A", "BB", "RS", "山太", "🙂", "?", "?"]);
  for (const id of [0, 7, 8, 0xffffffff]) assert.ok(hueOf(id) >= 0 && hueOf(id) < 8);
});
