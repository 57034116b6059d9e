// One viewer's line to its session: opens the WebSocket, says hello, keeps it alive, and opens it again
// after a cut. It knows messages, not pictures.
//
//   connecting ──ServerHello──▶ connected ──cut──▶ waiting ──delay, or retry()──▶ connecting
//        └──────────────────────────┴─────────final close code──▶ over ──retry()──▶ connecting
//
// Everything from outside comes in by the constructor, so that tests run it without a browser.

import {
  Capability,
  CloseCode,
  decode,
  encode,
  FROM_SERVER,
  LimitExceeded,
  MAX_SERVER_MESSAGE,
  ProtocolError,
  SUBPROTOCOL,
  VERSION,
} from "../wire/tsg.js";

// ms before each attempt; the last one repeats. A gateway that runs again, or a line that is mended, is found within
// three seconds: an attempt that nobody answers costs a gateway nothing, and one that starts lets viewers wait.
export const DELAYS = [300, 700, 1000, 1000, 2000];
export const HANDSHAKE_TIME = 10_000;
export const PING_TIME = 2000;
export const SILENCE_TIME = 7000; // nothing heard for so long: the line is cut
// A timer that comes so much too late has slept: the machine did, or the browser had put the page away.
export const SLEEP_TIME = 20_000;
const CLOSE_BASE = 4000; // WebSocket close codes from here up are CloseCodes
const MAX_WINDOW_LOG = 27; // what a zstd decoder takes without being told to take more

// After these the session view has to ask the person; after any other, trying again may help.
const FINAL = new Set([
  CloseCode.VERSION, CloseCode.SESSION_ENDED, CloseCode.TAKEN_OVER, CloseCode.SIGNED_OUT, CloseCode.IN_USE,
  CloseCode.DISCONNECTED, CloseCode.SHADOW_OVER,
]);
// After a cut the server may still take this viewer's last connection for alive: so long it is that which is in
// the way, and not somebody else.
export const GHOST_TIME = 10_000;
// Signs that this page and the server disagree: another attempt is made, but not for ever.
const DISAGREEMENT = new Set([CloseCode.PROTOCOL, CloseCode.UNKNOWN, CloseCode.LIMIT]);
const MAX_DISAGREEMENTS = 2;

// Why a line went that no side has closed, as `cause` of a status.
export const Cause = Object.freeze({ OFFLINE: "offline", SILENT: "silent", SLEPT: "slept", UNANSWERED: "unanswered" });

// A ticket was not given. `code` is the CloseCode that fits when it makes no sense to ask again, else null.
export class TicketRefused extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

export class Connection {
  #options;
  #socket = null;
  #timer = null;
  #pinger = null;
  #state = "idle";
  #ticket;
  #attempt = 0;
  #disagreements = 0;
  #heard = 0;
  #pings = new Map();
  #nonce = 0;
  #closing = null;
  #lostAt = -Infinity; // when the last connection that stood was lost
  #pingDue = 0; // when the next ping was to be sent

  // options: open(subprotocol) → WebSocket; fetchTicket() → promise of bytes, rejects with TicketRefused;
  // ticket: bytes for the first attempt or null; size() → [width, height] wished; client: name of this
  // program; capabilities() → what it can do beyond the history stream; clock: {now, setTimeout, clearTimeout}; isOnline() → whether this device has a network; random() → 0…1; events: {status(object),
  // hello(message), message(message, bytes, time), roundTrip(ms)}.
  constructor(options) {
    this.#options = options;
    this.#ticket = options.ticket;
  }

  get connected() {
    return this.#state === "connected";
  }

  start() {
    this.#connect();
  }

  // Tries at once: the person asked for it, or the network came back.
  retry() {
    if (this.#state !== "waiting" && this.#state !== "over") return;
    if (this.#state === "over") this.#attempt = 0;
    this.#disagreements = 0;
    this.#connect();
  }

  // Returns false when the message was dropped because there is no connection.
  send(message) {
    if (!this.connected) return false;
    this.#socket.send(encode(message));
    return true;
  }

  // This side cannot go on with what the server sent.
  fail(code, reason) {
    if (this.#state !== "connected" && this.#state !== "connecting") return;
    this.#say({ name: "Close", code, reason });
    this.#lost(code, reason);
  }

  // The person leaves; the session goes on.
  stop() {
    this.#say({ name: "Close", code: CloseCode.NORMAL, reason: "" });
    this.#hangUp();
    this.#enter("stopped");
  }

  #enter(state, details = {}) {
    this.#state = state;
    this.#options.events.status({ state, attempt: this.#attempt, ...details });
  }

  async #connect() {
    this.#hangUp();
    this.#closing = null;
    this.#enter("connecting");
    this.#after(HANDSHAKE_TIME, () => this.#unanswered());
    const timer = this.#timer;
    try {
      const ticket = this.#ticket ?? (await this.#options.fetchTicket());
      this.#ticket = null; // a ticket works once
      if (timer === this.#timer) this.#open(ticket);
    } catch (error) {
      if (timer === this.#timer) this.#lost(error.code ?? null, error.message, { final: typeof error.code === "number" });
    }
  }

  #open(ticket) {
    const socket = this.#options.open(SUBPROTOCOL);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#greet(ticket);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      const ours = code >= CLOSE_BASE && code < CLOSE_BASE + 100 ? { code: code - CLOSE_BASE, reason } : null;
      const cause = this.#closing ?? ours ?? { code: null, reason };
      this.#lost(cause.code, cause.reason);
    };
  }

  #greet(ticket) {
    const [width, height] = this.#options.size();
    const capabilities = [Capability.HISTORY, ...this.#options.capabilities()];
    const client = this.#options.client;
    this.#say({ name: "ClientHello", version: VERSION, ticket, client, width, height, capabilities });
  }

  #receive(data) {
    const now = this.#options.clock.now();
    this.#heard = now;
    try {
      if (!(data instanceof ArrayBuffer)) throw new ProtocolError("a text message");
      if (data.byteLength > MAX_SERVER_MESSAGE) throw new LimitExceeded(`a message of ${data.byteLength} bytes`);
      const message = decode(new Uint8Array(data), FROM_SERVER);
      if (message) this.#dispatch(message, data.byteLength, now);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.fail(error.code, error.message);
    }
  }

  #dispatch(message, bytes, now) {
    const { events } = this.#options;
    if (message.name === "Close") this.#closing = message;
    else if (message.name === "Ping") this.#say({ name: "Pong", nonce: message.nonce });
    else if (message.name === "Pong") this.#pong(message.nonce, now);
    else if (message.name === "ServerHello") this.#welcome(message);
    else if (this.connected) events.message(message, bytes, now);
    else throw new ProtocolError(`${message.name} before ServerHello`);
  }

  #welcome(hello) {
    if (this.connected) throw new ProtocolError("a second ServerHello");
    if (hello.version !== VERSION) return this.fail(CloseCode.VERSION, `version ${hello.version} is not known here`);
    if (hello.window_log > MAX_WINDOW_LOG) throw new LimitExceeded(`a history window of 2^${hello.window_log}`);
    this.#options.clock.clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#pingDue = this.#options.clock.now();
    this.#options.events.hello(hello);
    this.#enter("connected");
    return this.#ping();
  }

  // What was received could be used: disagreements before this were chance.
  settled() {
    this.#disagreements = 0;
  }

  #ping() {
    const { clock } = this.#options;
    const now = clock.now();
    if (now - this.#pingDue > SLEEP_TIME) return this.#lost(null, "this machine has slept", { cause: Cause.SLEPT });
    const left = this.#heard + SILENCE_TIME - now;
    if (left <= 0) return this.#lost(null, "the line is silent", { cause: Cause.SILENT });
    this.#nonce = (this.#nonce + 1) >>> 0;
    this.#pings.set(this.#nonce, clock.now());
    this.#say({ name: "Ping", nonce: this.#nonce });
    const wait = Math.min(PING_TIME, left);
    this.#pingDue = now + wait;
    this.#pinger = clock.setTimeout(() => this.#ping(), wait);
    return undefined;
  }

  #pong(nonce, now) {
    const sent = this.#pings.get(nonce);
    if (sent === undefined) return;
    this.#pings.clear();
    this.#options.events.roundTrip(now - sent);
  }

  // The attempt itself has taken long: the next one need not wait as well.
  #unanswered() {
    this.#attempt = 0;
    this.#lost(null, "no answer", { cause: Cause.UNANSWERED });
  }

  // cause: of Cause, where no side has said why.
  #lost(code, reason, { final = FINAL.has(code) && !this.#isGhost(code), cause = null } = {}) {
    const why = code === null && !(this.#options.isOnline?.() ?? true) ? Cause.OFFLINE : cause;
    if (this.connected) this.#lostAt = this.#options.clock.now();
    this.#hangUp();
    if (DISAGREEMENT.has(code)) this.#disagreements += 1;
    if (final || this.#disagreements >= MAX_DISAGREEMENTS) {
      this.#enter("over", { code, reason });
      return;
    }
    const base = DELAYS[Math.min(this.#attempt, DELAYS.length - 1)];
    const delay = Math.round(base * (0.8 + 0.4 * this.#options.random()));
    this.#attempt += 1;
    this.#enter("waiting", { code, reason, delay, cause: why });
    this.#after(delay, () => this.#connect());
  }

  #isGhost(code) {
    return code === CloseCode.IN_USE && this.#options.clock.now() - this.#lostAt < GHOST_TIME;
  }

  #after(delay, action) {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = this.#options.clock.setTimeout(action, delay);
  }

  #say(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(encode(message));
  }

  // Forgets the socket at once: on a dead line its own close may take minutes.
  #hangUp() {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    clock.clearTimeout(this.#pinger);
    this.#timer = null;
    this.#pings.clear();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }
}
