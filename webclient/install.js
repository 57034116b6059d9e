// The client as an installed application: its version, its service worker, and what to do when the server has
// another version of it.

// The gateway serves the client below its version; a developer's server does not, and then there is none.
export const version = /\/static\/([0-9a-f]{12})\//.exec(import.meta.url)?.[1] ?? null;

let isStale = false;

// Whether the server has another version of the client than this page is of.
export function stale() {
  return isStale;
}

// served: the version that the server told, or null. Whoever wants to know hears "stale" on the window, once.
export function noteVersion(served) {
  if (isStale || !version || !served || served === version) return;
  isStale = true;
  dispatchEvent(new Event("stale"));
}

// Nothing depends on it: browsers refuse where the certificate is not trusted, and in some private windows.
export function keepForLater() {
  if (!version || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register(`/sw.js?v=${version}`).catch(() => {});
}
