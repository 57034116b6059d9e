// The service worker: keeps the client's files, so that the page comes up when the server cannot be reached, and says
// so. It never touches the API or a session's connection, and never decides between old and new: files are asked for
// by their version, and the page itself comes from the server whenever that answers.
//
// It is registered as /sw.js?v=VERSION (install.js): a new version is a new worker, which fetches its files in the
// background. Those of the version before are kept for pages that are still open.

/** What types say of `self` is for pages. */
const worker = /** @type {any} */ (self);
const VERSION = new URL(location.href).searchParams.get("v");
const PREFIX = "tsgateway-";
const CACHE = PREFIX + VERSION;
const KEPT = 2; // versions
const BASE = `/static/${VERSION}/`;
const SHELL = "/";
const AWAY = new Set([502, 503, 504]); // what a proxy answers for a server that is not there

async function keep() {
  const names = await (await fetch(`${BASE}shell.json`)).json();
  const cache = await caches.open(CACHE);
  await cache.addAll([SHELL, ...names.map((name) => BASE + name)]);
  const page = await (await cache.match(SHELL)).text();
  // The server may have been updated between the registration and now; then the next worker does it.
  if (!page.includes(BASE)) {
    await caches.delete(CACHE);
    throw new Error("the client's version has changed meanwhile");
  }
}

async function forgetOld() {
  const mine = (await caches.keys()).filter((name) => name.startsWith(PREFIX)); // the oldest first
  await Promise.all(mine.filter((name) => name !== CACHE).slice(0, -(KEPT - 1)).map((name) => caches.delete(name)));
}

async function file(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

async function page(request) {
  const kept = () => caches.match(SHELL, { cacheName: CACHE });
  try {
    const answer = await fetch(request);
    return AWAY.has(answer.status) ? ((await kept()) ?? answer) : answer;
  } catch (error) {
    const shell = await kept();
    if (shell) return shell;
    throw error;
  }
}

worker.addEventListener("install", (event) => event.waitUntil(keep().then(() => worker.skipWaiting())));
worker.addEventListener("activate", (event) => event.waitUntil(forgetOld().then(() => worker.clients.claim())));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (/^\/static\/[0-9a-f]{12}\//.test(pathname)) event.respondWith(file(request));
});
