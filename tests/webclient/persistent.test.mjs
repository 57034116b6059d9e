import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ASK_AGAIN, persistent } from "../../webclient/session/persistent.js";

const WITHIN = 10_000;
let time;
let timer;
let asked;
let outcome;

const clock = {
  now: () => time,
  setTimeout: (action, delay) => (timer = { action, at: time + delay }),
  clearTimeout: (which) => {
    if (which === timer) timer = null;
  },
};

async function pass(delay) {
  const end = time + delay;
  while (timer && timer.at <= end) {
    const { action, at } = timer;
    [timer, time] = [null, at];
    action();
  }
  time = end;
  await new Promise((go) => setImmediate(go));
}

beforeEach(() => {
  [time, timer, asked, outcome] = [0, null, [], null];
  const ask = (signal) =>
    new Promise((answer, fail) => {
      asked.push({ signal, answer, fail });
      signal.addEventListener("abort", () => fail(new Error("dropped")));
    });
  const isFinal = ({ message }) => message === "refused";
  persistent(ask, { isFinal, within: WITHIN, clock }).then(
    (answer) => (outcome = answer),
    (error) => (outcome = error),
  );
});

const dropped = () => asked.map(({ signal }) => signal.aborted);

test("asks again while nobody answers; the first and the newest are kept", async () => {
  await pass(3 * ASK_AGAIN);
  assert.deepEqual(dropped(), [false, true, true, false]);
  assert.equal(outcome, null);
});

for (const [which, name] of [[0, "first"], [-1, "newest"]]) {
  test(`the ${name} one's answer is the answer, and ends all`, async () => {
    await pass(3 * ASK_AGAIN);
    asked.at(which).answer("here");
    await pass(0);
    assert.equal(outcome, "here");
    assert.deepEqual([timer, asked.length], [null, 4]);
    assert.equal(asked.at(-1 - which).signal.aborted, true);
  });
}

test("a refusal is final", async () => {
  await pass(ASK_AGAIN);
  asked[1].fail(new Error("refused"));
  await pass(0);
  assert.deepEqual([outcome.message, asked.length, asked[0].signal.aborted], ["refused", 2, true]);
});

test("one that fails leaves the other; the last one's failure is told", async () => {
  await pass(ASK_AGAIN);
  asked[0].fail(new Error("unreachable"));
  await pass(0);
  assert.equal(outcome, null);
  asked[1].fail(new Error("unreachable too"));
  await pass(0);
  assert.equal(outcome.message, "unreachable too");
});

test("not for ever", async () => {
  await pass(2 * WITHIN);
  assert.equal(outcome.message, "no answer");
  assert.equal(timer, null);
  assert.ok(dropped().every(Boolean));
});
