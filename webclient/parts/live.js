// What happens at the gateway, as it happens (GET /api/v1/events). The browser itself reconnects a stream that
// breaks; one that was refused is asked for again here.

import * as api from "../api.js";

const AGAIN = 3000;
const KINDS = ["sessions", "session", "ended"];

// user: of whose sessions, null for all that one may list. told({kind, told}): an event. lost(isLost): the line broke, or is back. over(): nobody is signed in any more.
// → a function that ends it.
export function follow({ user = null, told, lost, over }) {
  const address = user === null ? "/api/v1/events" : `/api/v1/events?user=${encodeURIComponent(user)}`;
  let source = null;
  let timer = null;
  let isEnded = false;

  function begin() {
    source = new EventSource(address);
    for (const kind of KINDS) {
      source.addEventListener(kind, ({ data }) => {
        lost(false);
        told({ kind, told: JSON.parse(data) });
      });
    }
    source.addEventListener("error", () => {
      lost(true);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(again, AGAIN);
    });
  }

  async function again() {
    const person = await api.me().catch(() => undefined);
    if (isEnded) return;
    if (person === null) over();
    else begin();
  }

  begin();
  return () => {
    isEnded = true;
    clearTimeout(timer);
    source.close();
  };
}
