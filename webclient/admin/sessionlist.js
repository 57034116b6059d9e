// The list of sessions that run, as events change it, and what is shown of one: pure.

import { matches } from "../parts/sorting.js";
import { duration } from "../parts/times.js";
import { t } from "../strings.js";
import { Stage } from "../wire/tsg.js";

export const STATES = ["starting", "active", "connected", "idle", "disconnected"];

// Since when nobody typed, Unix time; null where that does not apply.
export function idleSince({ state, idle_since: idle, since }) {
  if (state === "starting") return null;
  return idle || (state === "disconnected" && since) || null;
}

export function idleText(session, now) {
  const since = idleSince(session);
  return since === null ? "" : duration(Math.max(0, now - since));
}

export function stateText({ state, progress }) {
  const isKnown = state === "starting" && Number.isInteger(progress) && progress <= 100;
  return isKnown ? t("state.starting.percent", { percent: progress }) : t(`state.${state}`);
}

export function viewersText({ viewers, name, address }) {
  if (!viewers) return "";
  const who = [name, address].filter(Boolean).join(", ");
  return viewers > 1 ? t("sessions.viewers.more", { who, count: viewers - 1 }) : who;
}

// What a message box or a dialog calls it.
export function nameOf({ number, user, title }) {
  return t("sessions.name", { number, user, title });
}

// filter: {text, state}; state "" for any.
export function fits(session, { text, state }) {
  if (state && session.state !== state) return false;
  const { number, user, title, desktop, name, address, host } = session;
  return matches([`#${number}`, user, title, desktop, name, address, t("sessions.host.of", { host })], text);
}

// sessions: a Map by id, which is changed. event: {kind: sessions | session | ended | idle, told}.
export function take(sessions, { kind, told }) {
  if (kind === "ended") sessions.delete(told.id);
  else if (kind === "session") sessions.set(told.id, told);
  else if (kind === "sessions") {
    sessions.clear();
    for (const each of told.sessions) sessions.set(each.id, each);
  } else {
    for (const { id, idle_since: idle } of told.sessions) {
      const known = sessions.get(id);
      if (known) sessions.set(id, { ...known, idle_since: idle });
    }
  }
}

// GET sessions/{id}/stats as the message of the wire that the session's own panel shows.
export function statisticsOf({ stages, frames, refinements, viewers }) {
  const times = Object.entries(stages).filter(([name]) => Stage[name.toUpperCase()] !== undefined);
  const line = viewers[0]?.line ?? {};
  return {
    stages: times.map(([name, { p50, p95, p99, share }]) => ({
      stage: Stage[name.toUpperCase()], share: Math.round(1000 * (share ?? 0)), p50: 1e6 * p50, p95: 1e6 * p95, p99: 1e6 * p99,
    })),
    rate: line.rate ?? 0, round_trip_us: 1e6 * (line.round_trip ?? 0), bytes_ahead: line.bytes_ahead ?? 0, frames, refinements,
  };
}
