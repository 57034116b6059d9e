// How good a line is said to be, and that a picture is seen to.

import assert from "node:assert/strict";
import test from "node:test";

import { noticeFor } from "../../webclient/session/notices.js";
import { jitterOf, qualityOf } from "../../webclient/session/quality.js";
import { PICTURE_TIME, PictureWatch } from "../../webclient/session/watchdog.js";
import { t } from "../../webclient/strings.js";
import { CloseCode, SessionState } from "../../webclient/wire/tsg.js";

const LINE = { roundTrip: 20, jitter: 3, rate: 0, silence: 100 };

test("a line is judged by delay, by how that varies, and by what it carries where it is the limit", () => {
  for (const [change, key] of [
    [{}, "excellent"], [{ roundTrip: 41 }, "good"], [{ jitter: 16 }, "good"], [{ rate: 900_000 }, "good"],
    [{ roundTrip: 200 }, "fair"], [{ rate: 130_000 }, "fair"], [{ roundTrip: 221 }, "poor"], [{ rate: 1 }, "poor"],
    [{ jitter: null }, "excellent"], [{ silence: 4001 }, "stalled"],
  ]) {
    const quality = qualityOf({ ...LINE, ...change });
    assert.equal(quality.key, `quality.${key}`, JSON.stringify(change));
    assert.ok(t(quality.key));
  }
  assert.equal(qualityOf({ ...LINE, roundTrip: null }), null);
});

test("jitter is what one value differs from the next", () => {
  assert.deepEqual([[], [5], [5, 5, 5], [10, 20, 10]].map(jitterOf), [null, null, 0, 10]);
});

function watched() {
  const [timers, acts] = [new Map(), []];
  let count = 0;
  const clock = {
    setTimeout: (action, delay) => {
      assert.equal(delay, PICTURE_TIME);
      count += 1;
      timers.set(count, action);
      return count;
    },
    clearTimeout: (timer) => timers.delete(timer),
  };
  const watch = new PictureWatch({ clock, refresh: () => acts.push("refresh"), giveUp: () => acts.push("anew") });
  const pass = () => {
    const due = [...timers];
    timers.clear();
    for (const [, action] of due) action();
  };
  return { watch, acts, pass, timers };
}

test("a picture that does not come is asked for, and then the connection is opened anew", () => {
  const { watch, acts, pass, timers } = watched();
  watch.expect();
  watch.expect();
  assert.equal(timers.size, 1);
  pass();
  assert.deepEqual(acts, ["refresh"]);
  pass();
  assert.deepEqual(acts, ["refresh", "anew"]);
  assert.equal(timers.size, 0);
});

test("one that comes is not asked for again", () => {
  const { watch, acts, pass } = watched();
  watch.expect();
  watch.stop();
  pass();
  watch.expect();
  pass();
  watch.stop();
  pass();
  assert.deepEqual(acts, ["refresh"]);
});

const situation = (status, more = {}) => ({ status: { attempt: 1, ...status }, guest: null, hasPicture: true, title: "T", canStartAgain: true, ...more });

test("each reason for coming back has a sentence of its own", () => {
  const keys = [];
  for (const status of [
    { state: "waiting", code: CloseCode.SHUTDOWN }, { state: "waiting", code: CloseCode.SERVER_ERROR },
    { state: "waiting", code: CloseCode.LIMIT }, { state: "waiting", code: CloseCode.TIMEOUT },
    { state: "waiting", cause: "offline" }, { state: "waiting", cause: "slept" }, { state: "waiting", code: null },
  ]) {
    const { key, keepsPicture } = noticeFor(situation(status));
    assert.ok(keepsPicture, "and the picture stays");
    assert.ok(t(`notice.${key}`, { title: "T" }) && t(`notice.${key}.text`, { title: "T" }));
    keys.push(key);
  }
  assert.deepEqual(keys, ["shutdown", "hostlost", "tooslow", "silent", "offline", "slept", "lost"]);
  assert.equal(noticeFor(situation({ state: "waiting", cause: "slept", attempt: 5 })).key, "gone");
  assert.equal(noticeFor(situation({ state: "waiting", cause: "offline", attempt: 50 })).key, "offline");
});

test("an old picture does not pass for a new one", () => {
  const connected = { state: "connected", attempt: 0 };
  const guest = { state: SessionState.ACTIVE, text: "" };
  assert.equal(noticeFor(situation(connected, { guest, isStale: true })).key, "returning");
  assert.equal(noticeFor(situation(connected, { guest, isStale: false })), null);
  assert.equal(noticeFor(situation(connected, { guest, hasPicture: false })).key, "waiting");
});

test("who has no account is not offered a list of desktops", () => {
  const over = situation({ state: "over", code: CloseCode.SHADOW_OVER, reason: "Your invitation was taken back." }, { isGuest: true });
  assert.deepEqual(noticeFor(over).actions, ["askagain"]);
  assert.deepEqual(noticeFor({ ...over, isGuest: false }).actions, ["askagain", "back"]);
});
