import assert from "node:assert/strict";
import { test } from "node:test";

import { FIELDS, checkText, outcomeKind, queryOf } from "../../webclient/admin/records.js";
import { fits, idleSince, idleText, statisticsOf, stateText, take, viewersText } from "../../webclient/admin/sessionlist.js";
import "../../webclient/admin/strings.js";
import { compare, matches, sorted } from "../../webclient/parts/sorting.js";
import { duration, moment } from "../../webclient/parts/times.js";
import { may, mayAnywhere, mayTo, pagesFor } from "../../webclient/rights.js";
import { splitOf } from "../../webclient/session/split.js";

const session = (changes = {}) => ({
  id: "a", number: 7, name: "web#3", address: "10.0.0.9", user: "ada", desktop: "card", title: "Test card", host: 1,
  state: "active", viewers: 1, started: 1000, since: 1500, idle_since: 1900, progress: null, text: "", ...changes,
});

test("numbers go by size, texts as people count, and what is missing last, whichever way", () => {
  assert.ok(compare(2, 10) < 0);
  assert.ok(compare("host 2", "host 10") < 0);
  assert.ok(compare("Ada", "bob") < 0);
  const rows = [{ id: "x", value: null }, { id: "y", value: 3 }, { id: "z", value: 9 }];
  const order = (isDescending) => sorted(rows, ({ value }) => value, isDescending, ({ id }) => id).map(({ id }) => id).join("");
  assert.equal(order(false), "yzx");
  assert.equal(order(true), "zyx");
});

test("rows that are equal keep their places, whichever way and in whatever order they come", () => {
  const rows = ["c", "a", "b"].map((id) => ({ id, value: 1 }));
  for (const isDescending of [false, true]) {
    for (const each of [rows, [...rows].reverse()]) {
      assert.equal(sorted(each, ({ value }) => value, isDescending, ({ id }) => id).map(({ id }) => id).join(""), "abc");
    }
  }
});

test("a search wants every word, wherever it is", () => {
  assert.ok(matches(["Ada Lovelace", "office"], "love OFF"));
  assert.ok(!matches(["Ada Lovelace", "office"], "love bob"));
  assert.ok(!matches(["ab", "cd"], "bc"), "a word does not reach from one text into another");
  assert.ok(matches(["anything"], "  "));
});

test("sessions are found by what the table shows of them, and by state", () => {
  for (const text of ["#7", "ada", "card", "web#3", "10.0.0.9", "host 1"]) assert.ok(fits(session(), { text, state: "" }), text);
  assert.ok(!fits(session(), { text: "bob", state: "" }));
  assert.ok(!fits(session(), { text: "", state: "idle" }));
  assert.ok(fits(session({ state: "idle" }), { text: "", state: "idle" }));
});

test("nobody is idle who has just come, nor a session that starts; one without viewers is since they left", () => {
  assert.equal(idleSince(session({ state: "starting" })), null);
  assert.equal(idleSince(session({ idle_since: 0 })), null);
  assert.equal(idleSince(session({ state: "disconnected", idle_since: 0 })), 1500);
  assert.equal(idleText(session(), 1930), "under 1 min");
  assert.equal(idleText(session(), 1900 + 3 * 3600 + 120), "3 h 2 min");
  assert.equal(idleText(session(), 1800), "under 1 min", "a clock that goes wrong does not lead to less than nothing");
});

test("how a start goes on is told where it is known", () => {
  assert.equal(stateText(session({ state: "starting", progress: 40 })), "Starting · 40 %");
  assert.equal(stateText(session({ state: "starting", progress: 255 })), "Starting");
  assert.equal(stateText(session()), "Running");
});

test("the viewer that came last is named, the others are counted", () => {
  assert.equal(viewersText(session()), "web#3, 10.0.0.9");
  assert.equal(viewersText(session({ viewers: 3 })), "web#3, 10.0.0.9 and 2 more");
  assert.equal(viewersText(session({ viewers: 0 })), "");
});

test("events change the list, and a whole list replaces it", () => {
  const sessions = new Map([["gone", session({ id: "gone" })]]);
  take(sessions, { kind: "sessions", told: { sessions: [session(), session({ id: "b" })] } });
  assert.deepEqual([...sessions.keys()], ["a", "b"]);
  take(sessions, { kind: "session", told: session({ id: "c" }) });
  take(sessions, { kind: "session", told: session({ state: "idle" }) });
  take(sessions, { kind: "ended", told: session({ id: "b" }) });
  assert.deepEqual([...sessions.values()].map(({ id, state }) => [id, state]), [["a", "idle"], ["c", "active"]]);
  take(sessions, { kind: "idle", told: { sessions: [session({ state: "active", idle_since: 1999 }), session({ id: "late" })] } });
  assert.equal(sessions.get("a").idle_since, 1999);
  assert.equal(sessions.get("a").state, "idle", "an older answer says nothing but since when nobody typed");
  assert.ok(!sessions.has("late"), "nor does it bring back what has ended");
});

test("statistics of the API say the same as those of the wire", () => {
  const time = (share, p50, p95) => ({ share, p50, p95, p99: p95, count: 9 });
  const stages = { guest: time(0.8, 0.2, 0.3), line: time(0.2, 0.05, 0.06), total: time(null, 0.25, 0.36), later: time(1, 1, 1) };
  const viewers = [{ line: { rate: 1e6, round_trip: 0.021, frames_ahead: 1, bytes_ahead: 300 } }];
  const message = statisticsOf({ stages, frames: 4, refinements: 0, viewers });
  const { total, verdict } = splitOf(message);
  assert.deepEqual(total, { p50: 250, p95: 360 });
  assert.deepEqual(verdict, { key: "split.slow.guest", values: { share: 80 }, advice: "split.advice.guest" });
  assert.equal(Math.round(message.round_trip_us), 21000);
  assert.equal(statisticsOf({ stages: {}, frames: 0, refinements: 0, viewers: [] }).rate, 0);
});

test("times are as short as they can be", () => {
  assert.equal(duration(59), "under 1 min");
  assert.equal(duration(60), "1 min");
  assert.equal(duration(2 * 86400 + 3 * 3600 + 59), "2 d 3 h");
  assert.equal(moment(0), "");
  const noon = new Date(2026, 5, 1, 12).getTime() / 1000;
  assert.ok(moment(noon, noon + 60).length < moment(noon, noon + 86400).length);
  assert.match(moment(noon, noon + 366 * 86400), /2026/);
});

const person = (...roles) => ({ name: "ada", roles: roles.map(([role, desktop, ...actions]) => ({ role, desktop, actions })) });

test("a role for one desktop reaches its sessions and nothing else", () => {
  const helper = person(["helpdesk", "card", "list", "message", "see-users", "see-desktops"]);
  assert.ok(may(helper, "message", "card"));
  assert.ok(!may(helper, "message", "design"));
  assert.ok(!may(helper, "message"));
  assert.ok(mayAnywhere(helper, "list"));
  assert.deepEqual(pagesFor(helper), ["sessions", "desktops"]);
});

test("pages are shown to those whom they have something to tell", () => {
  assert.deepEqual(pagesFor({ name: "dora" }), []);
  assert.deepEqual(pagesFor(person(["auditor", null, "list", "see-audit", "see-users", "see-hosts"])), ["sessions", "users", "desktops", "audit"]);
});

test("everybody may log off from their own session, nobody sends messages without a role", () => {
  const nobody = person();
  assert.ok(mayTo(nobody, "log-off", session()));
  assert.ok(!mayTo(nobody, "log-off", session({ user: "bob" })));
  assert.ok(!mayTo(nobody, "message", session()));
  assert.ok(mayTo(person(["helpdesk", null, "message"]), "message", session({ user: "bob" })));
});

test("what is left empty is not asked for, and a minute lasts to its end", () => {
  const wanted = Object.fromEntries(FIELDS.map((name) => [name, ""]));
  assert.equal(queryOf(wanted), "");
  const query = new URLSearchParams(queryOf({ ...wanted, who: " ada ", since: "2026-06-01T12:00", until: "2026-06-01T12:00" }, { limit: 5 }));
  assert.equal(query.get("who"), "ada");
  assert.equal(query.get("limit"), "5");
  assert.equal(new Date(query.get("until")) - new Date(query.get("since")), 59_999);
  assert.equal(query.get("since"), new Date(2026, 5, 1, 12).toISOString());
});

test("outcomes are good, bad, or neither", () => {
  assert.deepEqual(["done", "accepted", "refused", "throttled", "signed out", ""].map(outcomeKind), ["active", "active", "bad", "bad", "", ""]);
});

test("a check that found something is never told as a good one", () => {
  const check = { state: "good", lines: 0, failed: "", findings: [], more: 0, first: 1, last: 9, checkpoints: 2, unsigned: 0 };
  assert.equal(checkText(check).kind, "active");
  assert.match(checkText({ ...check, unsigned: 3 }).text, /last 3 are not signed/);
  assert.deepEqual(checkText({ ...check, state: "damaged", findings: [{}], more: 4 }), { kind: "bad", text: "The audit is not as it was written: 5 findings." });
  assert.equal(checkText({ ...check, state: "failed", failed: "x" }).kind, "bad");
  assert.equal(checkText({ ...check, state: "running" }).kind, "starting");
});
