// The gateway's JSON interface.

import { noteVersion } from "./install.js";

/** @type {(of: {status: number, code: string, message: string}) => string} */
let words = ({ status, message }) => message || `The server answered ${status || "nothing"}.`;

// how({status, code, message}) → what people are told. Pages set it (errors.js); workers, which load this too and must not
// wait for sentences, do without.
export function speak(how) {
  words = how;
}

// `status` is the HTTP status, 0 when the server could not be reached.
export class ApiError extends Error {
  constructor(status, code, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

// → the answer, {} where there is none. Throws ApiError.
export async function request(method, path, body = undefined, signal = undefined) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  /** @type {RequestInit} */
  const options = { method, credentials: "same-origin", cache: "no-store", headers, signal };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, options);
  } catch {
    throw new ApiError(0, "unreachable", words({ status: 0, code: "unreachable", message: "" }));
  }
  noteVersion(response.headers.get("X-Client-Version"));
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const { code = "error", message = "", reference } = answer.error ?? {};
  const header = Number(response.headers.get("Retry-After"));
  // A fault of the gateway itself: its log has more under the reference.
  const sentence = words({ status: response.status, code, message });
  const said = response.status === 500 && reference ? `${sentence} [${reference}]` : sentence;
  throw new ApiError(response.status, code, said, answer.retry_after ?? (header || null));
}

// Bytes of a base64url text.
export function fromBase64Url(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

// → {name, groups, roles}, null when nobody has signed in.
export const me = async () => (await request("GET", "me")).user;
// → {user, next, recovery_codes}: who it is once it is done, else the next step {challenge, step, secret, uri, qr}.
export const signIn = (name, password) => request("POST", "login", { name, password });
export const answerStep = (challenge, answer) => request("POST", "login/second", { challenge, ...answer });
export const showStep = (challenge) => request("POST", "login/step", { challenge });
// → [{id, title}]: whom else one can sign in by.
export const providers = async () => (await request("GET", "login/methods")).providers;
// Lets a program on this machine sign in as who is signed in here → where the browser goes with that.
export const handOver = async ({ redirect, state, challenge, client }) =>
  (await request("POST", "hand-over", { redirect, state, challenge, client })).location;
export const signOut = () => request("POST", "logout", {});
export const desktops = async () => (await request("GET", "desktops")).desktops;
// Makes a desktop one of one's favourites, or none any more.
export const favour = (desktop, isFavourite) =>
  request(isFavourite ? "PUT" : "DELETE", `desktops/${encodeURIComponent(desktop)}/favourite`, {});
const steer = (session, action) => request("POST", `sessions/${encodeURIComponent(session)}/${action}`, {});
export const disconnect = (session) => steer(session, "disconnect");
export const logOff = (session) => steer(session, "log-off");
export const reset = (session) => steer(session, "reset");

const TURN_TIME = 1000;

// → {session, ticket}; ticket as bytes. The guest's screen begins with this size. When many start at once it
// takes until it is our turn: `waits` is told how many people are before us, as long as `goesOn()`; else → null.
export async function connect(desktop, [width, height], waits, goesOn) {
  const path = `desktops/${encodeURIComponent(desktop)}/connect`;
  let turn = "";
  while (goesOn()) {
    const { session, ticket, waiting } = await request("POST", path, { width, height, turn });
    if (session) return { session, ticket: fromBase64Url(ticket) };
    turn = waiting.turn;
    waits(waiting.before);
    await new Promise((resolve) => setTimeout(resolve, TURN_TIME));
  }
  return null;
}

// → a ticket (bytes) to look on at somebody else's session, with keyboard and pointer or without.
export async function shadowTicket(session, control, signal) {
  const { ticket } = await request("POST", `sessions/${encodeURIComponent(session)}/shadow`, { control }, signal);
  return fromBase64Url(ticket);
}

// → a ticket (bytes) that attaches one viewer to a session. signal: an AbortSignal.
export async function newTicket(session, signal) {
  const { ticket } = await request("POST", `sessions/${encodeURIComponent(session)}/ticket`, {}, signal);
  return fromBase64Url(ticket);
}
