import assert from "node:assert/strict";
import { test } from "node:test";

import { splitOf } from "../../webclient/session/split.js";
import { t } from "../../webclient/strings.js";
import { Stage } from "../../webclient/wire/tsg.js";

const LINE = { rate: 0, round_trip_us: 0, frames_ahead: 0, bytes_ahead: 0, frames: 0, refinements: 0 };

// times: {NAME: [share, p50, p95]}, in thousandths and milliseconds.
function statistics(times) {
  const stages = Object.entries(times).map(([name, [share, p50, p95]]) => {
    return { stage: Stage[name] ?? Number(name), share, p50: 1000 * p50, p95: 1000 * p95, p99: 1000 * p95 };
  });
  return { name: "Statistics", stages, ...LINE };
}

test("stages come in their order, in milliseconds, and the total apart", () => {
  const split = splitOf(statistics({ TOTAL: [0, 40, 90], LINE: [600, 24, 50], GUEST: [400, 16, 33] }));
  assert.deepEqual(split.stages, [
    { name: "guest", share: 0.4, p50: 16, p95: 33 },
    { name: "line", share: 0.6, p50: 24, p95: 50 },
  ]);
  assert.deepEqual(split.total, { p50: 40, p95: 90 });
});

test("a stage of a newer server is passed over", () => {
  const split = splitOf(statistics({ GUEST: [400, 16, 33], 77: [600, 9, 9], TOTAL: [0, 40, 400] }));
  assert.deepEqual(split.stages.map(({ name }) => name), ["guest"]);
  assert.equal(split.verdict.key, "split.slow.guest");
});

test("what is slow is said, as soon as anything is", () => {
  for (const name of Object.keys(Stage).filter((key) => key !== "TOTAL")) {
    const other = name === "LINE" ? "GUEST" : "LINE";
    const times = { [other]: [199, 20, 30], [name]: [801, 100, 300], TOTAL: [0, 125, 101] };
    const { key, values } = splitOf(statistics(times)).verdict;
    assert.equal(key, `split.slow.${name.toLowerCase()}`);
    assert.match(t(key, values), / 80 % of the time/);
    assert.ok(t(splitOf(statistics(times)).verdict.advice).length > 20, "and what can be done about it");
    times.TOTAL[2] = 100;
    assert.deepEqual(splitOf(statistics(times)).verdict, { key: "split.swift", values });
  }
});

test("without input nothing is said of shares", () => {
  const split = splitOf(statistics({ WAIT: [0, 5, 9], LINE: [0, 30, 300] }));
  assert.equal(split.verdict.key, "split.quiet");
  assert.equal(split.total, null);
  assert.ok(split.stages.every(({ share }) => share === null));
  assert.deepEqual(splitOf(statistics({})), { stages: [], total: null, verdict: { key: "split.nothing", values: {} } });
});

test("an input whose answer is still on its way makes no shares", () => {
  const split = splitOf(statistics({ INPUT: [0, 0, 0], GUEST: [0, 20, 20], WAIT: [0, 2, 2] }));
  assert.equal(split.total, null);
  assert.equal(split.verdict.key, "split.quiet");
});
