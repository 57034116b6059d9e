// Where time goes, from the server's Statistics: pure. docs/latency.md tells what the stages mean.

import { Stage } from "../wire/tsg.js";

const SWIFT = 100; // ms; what takes no longer nobody calls slow
const NAMES = Object.freeze(Object.fromEntries(Object.entries(Stage).map(([name, number]) => [number, name.toLowerCase()])));

// Who can do something about a stage. Pictures wait because the line carries earlier ones.
const WHOSE = Object.freeze({
  input: "guest", guest: "guest", wait: "line", encode: "server", send: "server", line: "line", client: "client",
});

// A Statistics message → {stages: [{name, share, p50, p95}], total: {p50, p95} or null, verdict: {key,
// values, advice where something is slow}}, in milliseconds, shares from 0 to 1 (null without answered input). Stages in the order in which
// they follow each other; unknown ones are left out.
export function splitOf(message) {
  const rows = message.stages
    .filter(({ stage }) => NAMES[stage] !== undefined)
    .sort((a, b) => a.stage - b.stage);
  const total = rows.find(({ stage }) => stage === Stage.TOTAL);
  const parts = rows.filter(({ stage }) => stage !== Stage.TOTAL);
  const isAnswered = total !== undefined && parts.some(({ share }) => share > 0);
  const stages = parts.map(({ stage, share, p50, p95 }) => ({
    name: NAMES[stage], share: isAnswered ? share / 1000 : null, p50: p50 / 1000, p95: p95 / 1000,
  }));
  const whole = isAnswered ? { p50: total.p50 / 1000, p95: total.p95 / 1000 } : null;
  return { stages, total: whole, verdict: verdictOf(stages, whole) };
}

// What is slow, as the key of a sentence and what is to be put into it.
function verdictOf(stages, total) {
  if (!stages.length) return { key: "split.nothing", values: {} };
  if (total === null) return { key: "split.quiet", values: {} };
  const most = stages.reduce((a, b) => (b.share > a.share ? b : a));
  const values = { share: Math.round(100 * most.share) };
  if (total.p95 <= SWIFT) return { key: "split.swift", values };
  return { key: `split.slow.${most.name}`, values, advice: `split.advice.${WHOSE[most.name]}` };
}
