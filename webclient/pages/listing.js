// Which desktops are shown, and in which order: pure.

import { compare, matches } from "../parts/sorting.js";

// Sessions of a desktop that run.
export function runningOf({ session, sessions }) {
  return (sessions ?? (session ? [session] : [])).filter(({ state }) => state !== "ended");
}

// only: "all", "running" or "favourites". → those whose title, description or kind have every word of `text`.
/** @param {any[]} desktops @param {{text?: string, only?: string, kindOf?: (desktop: any) => string}} how */
export function shownOf(desktops, { text = "", only = "all", kindOf = () => "" }) {
  return desktops.filter((desktop) => {
    if (only === "running" && !runningOf(desktop).length) return false;
    if (only === "favourites" && !desktop.favourite) return false;
    return matches([desktop.title, desktop.description ?? "", desktop.id, kindOf(desktop)], text);
  });
}

// Favourites first, then what runs, then what was used last; what is equal in that, as the server has it.
export function inOrder(desktops) {
  const rank = (desktop) => [desktop.favourite ? 0 : 1, runningOf(desktop).length ? 0 : 1, -(desktop.used ?? 0)];
  return desktops.map((desktop) => ({ desktop, rank: rank(desktop) }))
    .sort((a, b) => a.rank.map((each, at) => compare(each, b.rank[at])).find(Boolean) ?? 0)
    .map(({ desktop }) => desktop);
}

// A person who looks at the list must not see it jump: those that were there stay in their order, new ones come behind
// them. before: ids. → ids.
export function steady(before, desktops) {
  const ids = inOrder(desktops).map(({ id }) => id);
  return [...before.filter((id) => ids.includes(id)), ...ids.filter((id) => !before.includes(id))];
}

// What has become of sessions between two lists: → [{title, state}], state "ended" for those that are gone.
export function changesOf(before, after) {
  const states = (desktops) => new Map(desktops.flatMap((desktop) =>
    runningOf(desktop).map(({ id, state }) => [id, { title: desktop.title, state }])));
  const [old, present] = [states(before), states(after)];
  const changed = [...present].filter(([id, { state }]) => old.has(id) && old.get(id).state !== state).map(([, each]) => each);
  const gone = [...old].filter(([id]) => !present.has(id)).map(([, { title }]) => ({ title, state: "ended" }));
  return [...changed, ...gone];
}
