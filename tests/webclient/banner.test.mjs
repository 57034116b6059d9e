import assert from "node:assert/strict";
import { test } from "node:test";

import { announcement, isUrgent, left } from "../../webclient/session/banner.js";
import { NoticeLevel } from "../../webclient/wire/tsg.js";

test("a notice is announced until its time, one without text takes the last one back", () => {
  const notice = { name: "Notice", level: NoticeLevel.ABSENCE, seconds: 60, text: "Soon." };
  assert.deepEqual(announcement(notice, 5000), { text: "Soon.", level: NoticeLevel.ABSENCE, until: 65_000 });
  assert.equal(announcement({ ...notice, text: "" }, 5000), null);
});

test("where nothing is going to happen nothing is counted", () => {
  const said = announcement({ level: NoticeLevel.INFORMATION, seconds: 0, text: "By the way." }, 5000);
  assert.equal(said.until, null);
  assert.equal(isUrgent(said.until, 5000), false);
});

test("a level of a later version is a warning", () => {
  assert.equal(announcement({ level: 9, seconds: 1, text: "x" }, 0).level, NoticeLevel.WARNING);
});

test("the time that is left is read as people read it, and never below nothing", () => {
  const after = (seconds) => left(1000 * seconds, 0);
  assert.deepEqual(
    [0, 1, 9.2, 59, 60, 61, 599, 3599, 3600, 3661, 90_000].map(after),
    ["0:00", "0:01", "0:10", "0:59", "1:00", "1:01", "9:59", "59:59", "1:00:00", "1:01:01", "25:00:00"],
  );
  assert.equal(left(0, 5000), "0:00");
});

test("the last seconds look urgent", () => {
  assert.equal(isUrgent(60_000, 44_000), false);
  assert.equal(isUrgent(60_000, 45_000), true);
  assert.equal(isUrgent(60_000, 70_000), true);
});
