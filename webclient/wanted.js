// Where somebody wanted to go who first has to sign in at a provider, that is, leaves this page.

const KEY = "tsgateway.wanted";
const GOOD_FOR = 15 * 60_000;
const HOME = new Set(["/", "/desktops"]);

export function keepWanted() {
  const path = location.pathname + location.search;
  try {
    if (HOME.has(location.pathname)) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify({ path, at: Date.now() }));
  } catch {
    // They then find themselves among their desktops.
  }
}

// → the path that was kept, or null; it is gone then.
export function takeWanted() {
  try {
    const { path, at } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    sessionStorage.removeItem(KEY);
    const isRecent = Date.now() - at < GOOD_FOR;
    return isRecent && /^\/(?![/\\])/.test(path) ? path : null;
  } catch {
    return null;
  }
}
