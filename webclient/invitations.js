// Invitations: what the gateway is asked about them, and what this browser keeps of one that it came by.

import { fromBase64Url, request } from "./api.js";

const KEPT = "tsgateway.invitation"; // of this tab only: closed, nothing is left

const ofSession = (session) => `sessions/${encodeURIComponent(session)}/invitations`;

// → {allowed: "off", "signed-in" or "anybody", invitations: […]}
export const list = (session) => request("GET", ofSession(session));
// wanted: {control, anybody, ask, minutes, uses}. → the invitation, with `path` for its link.
export const make = (session, wanted) => request("POST", ofSession(session), wanted);
export const revoke = (id) => request("DELETE", `invitations/${encodeURIComponent(id)}`);

// → {by, title, control, ask, expires, needs}
export const look = (secret) => request("POST", "invitations/look", { secret });

/**
 * → {ticket (bytes), again, session, title, by, control}. again: what the last trade gave, so that coming again
 * counts for nobody else.
 * @param {{secret: string, name: string, again: string}} invitation
 * @param {AbortSignal} [signal]
 */
export async function trade({ secret, name, again }, signal) {
  const given = await request("POST", "invitations/trade", { secret, name, again }, signal);
  return { ...given, ticket: fromBase64Url(given.ticket) };
}

// The link's secret stands behind the `#`, which browsers send to nobody. It goes from the address at once, so that
// nobody reads it there, into this tab's own storage. → {secret, name, again} or null.
export function taken() {
  const secret = /^#([\w-]{43})$/.exec(location.hash)?.[1];
  if (secret) {
    keep({ secret, name: "", again: "" });
    history.replaceState(history.state, "", location.pathname);
  }
  return kept() ?? (secret ? { secret, name: "", again: "" } : null);
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  } catch {
    return null; // storage may be forbidden
  }
}

export function keep(invitation) {
  try {
    const known = kept();
    const same = known?.secret === invitation.secret && !invitation.again;
    sessionStorage.setItem(KEPT, JSON.stringify(same ? { ...known, name: invitation.name || known.name } : invitation));
  } catch {
    // then a reload counts as another use
  }
}
