// What the audit is asked for, and how its records and its check are told: pure.

import { t } from "../strings.js";

export const FIELDS = ["since", "until", "who", "kind", "target", "outcome", "text"];

// wanted: what the form has, by FIELDS; since and until as the browser's time of day. → a query of the API.
export function queryOf(wanted, more = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...wanted, ...more })) {
    const text = String(value ?? "").trim();
    if (text) query.set(key, key === "since" || key === "until" ? utc(text, key === "until") : text);
  }
  return query.toString();
}

// A local time without a zone as one of UTC; a whole minute lasts to its end.
function utc(local, isEnd) {
  const at = new Date(local);
  if (isEnd) at.setTime(at.getTime() + 59_999);
  return at.toISOString();
}

const GOOD = new Set(["done", "allowed", "accepted"]);
const BAD = new Set(["refused", "denied", "throttled", "failed", "damaged", "lost"]);

// The colour of an outcome: good, bad, or neither.
export function outcomeKind(outcome) {
  if (GOOD.has(outcome)) return "active";
  return BAD.has(outcome) ? "bad" : "";
}

// How a check stands, as a sentence and how bad it is.
export function checkText(check) {
  const { state, lines, failed, findings, more, first, last, checkpoints, unsigned } = check;
  if (state === "running") return { kind: "starting", text: t("audit.check.running", { lines }) };
  if (state === "failed") return { kind: "bad", text: t("audit.check.failed", { failed }) };
  if (state === "damaged") return { kind: "bad", text: t("audit.check.damaged", { count: findings.length + more }) };
  if (!last) return { kind: "active", text: t("audit.check.empty") };
  const text = t("audit.check.good", { first, last, checkpoints });
  return { kind: "active", text: unsigned ? `${text} ${t("audit.check.unsigned", { unsigned })}` : text };
}
