// The session's worker: network, decoding and drawing, away from the page's thread, so that neither a
// busy page delays the picture nor a large picture delays input.
//
// From the page: start, send, size, retry, stop, statistics, picture. To the page: status, hello, screen,
// state, cursor, drawn, statistics, picture (see session/remote.js).

import { ApiError, newTicket } from "../api.js";
import { DecodeError } from "../decode/errors.js";
import { HistoryDecoder } from "../decode/history.js";
import { Picture } from "../decode/picture.js";
import { compileZstd, ZstdStream } from "../decode/zstd.js";
import { CloseCode, FrameFlag, ProtocolError } from "../wire/tsg.js";
import { Connection, TicketRefused } from "./connection.js";
import { Statistics } from "./statistics.js";

const MAX_WAITING = 64 * 1024 * 1024; // bytes of frames not decoded yet
const SLOWEST_ACK = 1000; // ms; a page in the background gets no animation frames

const zstdUrl = new URL("../vendor/zstddec/dist/zstddec-stream.mjs", import.meta.url);
const statistics = new Statistics();
let connection;
let zstd;
let picture;
let wished = [1280, 800];
let line = 0; // number of the present connection; what belongs to an older one is dropped
let work = Promise.resolve();
let waiting = 0;
let mending = false; // a new stream was asked for and has not begun
let mends = 0; // of this connection, without a whole picture in between
let owed = null; // the acknowledgement that goes out once the picture is on the screen

function tell(kind, details = {}) {
  self.postMessage({ kind, ...details });
}

function now() {
  return performance.now();
}

async function ticketFor(session) {
  try {
    return await newTicket(session);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const code = { 401: CloseCode.SIGNED_OUT, 403: CloseCode.TICKET, 404: CloseCode.SESSION_ENDED }[error.status];
    throw new TicketRefused(error.message, code ?? null);
  }
}

async function start({ canvas, session, ticket, size }) {
  wished = size;
  try {
    const text = await (await fetch(zstdUrl)).text();
    zstd = await ZstdStream.create(await compileZstd(text));
    picture = new Picture(canvas, null);
  } catch (error) {
    tell("status", { state: "broken", reason: error.message });
    return;
  }
  const scheme = self.location.protocol === "https:" ? "wss" : "ws";
  connection = new Connection({
    open: (subprotocol) => new WebSocket(`${scheme}://${self.location.host}/ws`, subprotocol),
    fetchTicket: () => ticketFor(session),
    ticket,
    size: () => wished,
    client: "tsgateway webclient",
    clock: {
      now,
      setTimeout: (action, delay) => setTimeout(action, delay),
      clearTimeout: (timer) => clearTimeout(timer),
    },
    random: Math.random,
    events: {
      status: (status) => tell("status", status),
      hello: greeted,
      message: received,
      roundTrip: (milliseconds) => statistics.roundTrip(milliseconds),
    },
  });
  connection.start();
}

function greeted(hello) {
  line += 1;
  mending = false;
  mends = 0;
  owed = null;
  picture.restart(new HistoryDecoder(zstd, hello.window_log));
  tell("hello", { hello });
}

function received(message, bytes, time) {
  statistics.received(bytes, message.name === "Frame");
  waiting += bytes;
  if (waiting > MAX_WAITING) {
    connection.fail(CloseCode.LIMIT, "frames arrive faster than they can be shown");
    return;
  }
  const of = line;
  work = work.then(async () => {
    waiting -= bytes;
    if (of === line && connection.connected) await handle(message, time);
  });
}

async function handle(message, time) {
  if (message.name === "Frame") await frame(message, time);
  else if (message.name === "ScreenSize") {
    picture.resize(message.width, message.height);
    tell("screen", { width: message.width, height: message.height });
  } else if (message.name === "State") tell("state", { state: message });
  else if (message.name === "Cursor") tell("cursor", { cursor: { ...message, pixels: message.pixels.slice() } });
}

async function frame(message, time) {
  if (mending && !(message.flags & FrameFlag.NEW_STREAM)) {
    acknowledge(message.number, time, now());
    return;
  }
  mending = false;
  try {
    const of = line;
    const whole = await picture.add(message);
    const decoded = now();
    statistics.decoded(decoded - time);
    if (!whole || of !== line) return;
    picture.draw();
    mends = 0;
    connection.settled();
    tell("drawn");
    acknowledge(message.number, time, decoded);
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof RangeError)) throw error;
    mend(message, time, error);
  }
}

// The first picture that cannot be decoded is asked for again; after a second the connection is, too.
function mend(message, time, error) {
  mends += 1;
  if (mends > 1) {
    connection.fail(CloseCode.PROTOCOL, `frame ${message.number}: ${error.message}`.slice(0, 200));
    return;
  }
  mending = true;
  connection.send({ name: "Refresh" });
  acknowledge(message.number, time, now());
}

// Acknowledges when the browser has taken the picture to its screen: with the next animation frame.
function acknowledge(number, arrived, decoded) {
  const isAsked = owed !== null;
  owed = { number, arrived, decoded, line };
  if (isAsked) return;
  let done = false;
  const presented = () => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    const ack = owed;
    owed = null;
    if (ack === null || ack.line !== line) return;
    const micros = (to) => Math.min(0xffffffff, Math.max(0, Math.round(1000 * (to - ack.arrived))));
    statistics.presented(now() - ack.arrived);
    connection.send({
      name: "Ack", number: ack.number, decode_us: micros(ack.decoded), present_us: micros(now()),
    });
  };
  const timer = setTimeout(presented, SLOWEST_ACK);
  self.requestAnimationFrame?.(presented);
}

let reporting = null;

const actions = {
  start,
  send: ({ message }) => connection?.send(message),
  size: ({ size }) => {
    wished = size;
    connection?.send({ name: "RequestSize", width: size[0], height: size[1] });
  },
  retry: () => connection?.retry(),
  stop: () => {
    connection?.stop();
    self.close();
  },
  picture: async () => tell("picture", { file: await picture.file() }),
  statistics: ({ on }) => {
    clearInterval(reporting);
    if (on) reporting = setInterval(() => tell("statistics", { statistics: statistics.read(now()) }), 1000);
  },
};

self.onmessage = ({ data }) => actions[data.kind](data);
self.addEventListener("online", () => connection?.retry());
self.addEventListener("unhandledrejection", ({ reason }) => {
  connection?.fail(CloseCode.PROTOCOL, "the viewer has failed");
  tell("status", { state: "broken", reason: String(reason instanceof ProtocolError ? reason.message : reason) });
});
