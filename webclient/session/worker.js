// The session's worker: network, decoding and drawing, away from the page's thread, so that neither a
// busy page delays the picture nor a large picture delays input.
//
// From the page: start, send, size, retry, stop, sound, statistics, outline, picture. To the page: sound, status, hello,
// screen, state, notice, dialog, dialogOver, shadow, people, pointer, again, switch, cursor, drawn, statistics, regions,
// picture (see session/remote.js).

import { ApiError, newTicket, shadowTicket } from "../api.js";
import { clock } from "../clock.js";
import { DecodeError } from "../decode/errors.js";
import { HistoryDecoder } from "../decode/history.js";
import { Picture } from "../decode/picture.js";
import { workingCodecs } from "../decode/probe.js";
import { drawsSlowly } from "../decode/staging.js";
import { Videos } from "../decode/video.js";
import { compileZstd, ZstdStream } from "../decode/zstd.js";
import { trade } from "../invitations.js";
import { Hearing } from "../sound/hearing.js";
import { Capability, CloseCode, FrameFlag, ProtocolError } from "../wire/tsg.js";
import { Acks } from "./acks.js";
import { Connection, HANDSHAKE_TIME, TicketRefused } from "./connection.js";
import { persistent } from "./persistent.js";
import { Statistics } from "./statistics.js";
import { PictureWatch } from "./watchdog.js";

const ABILITIES = [
  Capability.JPEG, Capability.COPY, Capability.NOTICES, Capability.DIALOGS, Capability.SHADOWS, Capability.SWITCH,
  Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT, Capability.SHARING, Capability.POINTERS,
  Capability.RELATIVE,
];
const MAX_TOLD = 8; // changes of one picture that the page is told of
const PROBE_AFTER = 2000; // ms; what is found out about drawing must not delay the first picture
const MAX_WAITING = 64 * 1024 * 1024; // bytes of frames not decoded yet

const zstdUrl = new URL("../vendor/zstddec-stream.mjs", import.meta.url);
const statistics = new Statistics();
const videos = new Videos(videoFailed);
const acks = new Acks(acknowledge, {
  ...clock,
  nextFrame: (callback) => self.requestAnimationFrame?.(callback),
});
const pictures = new PictureWatch({
  clock,
  refresh: () => connection.send({ name: "Refresh" }),
  giveUp: () => connection.fail(CloseCode.TIMEOUT, "no picture has come"),
});
const hearing = new Hearing((message) => connection?.send(message), (details) => tell("sound", details));
let connection;
let zstd;
let picture;
let wished = [1280, 800];
let line = 0; // number of the present connection; what belongs to an older one is dropped
let work = Promise.resolve();
let waiting = 0;
let mending = false; // a new stream was asked for and has not begun
let mends = 0; // of this connection, without a whole picture in between
let canTell = false; // the server can send statistics
let told = null; // its last ones

// HTTP statuses of a ticket that is not given, as the CloseCodes that say the same.
const REFUSALS = {
  401: CloseCode.SIGNED_OUT,
  403: CloseCode.TICKET,
  404: CloseCode.TICKET,
  410: CloseCode.SESSION_ENDED,
};

function tell(kind, details = {}) {
  self.postMessage({ kind, ...details });
}

async function invitedTicket(invitation, signal) {
  const { ticket, again } = await trade(invitation, signal);
  invitation.again = again;
  tell("again", { again });
  return ticket;
}

async function ticketFor(session, shadow, invitation) {
  const ask = (signal) => (invitation ? invitedTicket(invitation, signal) : shadow ? shadowTicket(session, shadow === "control", signal) : newTicket(session, signal));
  try {
    const isFinal = (error) => !(error instanceof ApiError) || error.status !== 0;
    return await persistent(ask, { isFinal, within: HANDSHAKE_TIME, clock });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const isOver = invitation && error.status >= 400 && error.status < 500;
    throw new TicketRefused(error.message, isOver ? CloseCode.SHADOW_OVER : REFUSALS[error.status] ?? null);
  }
}

async function start({ canvas, session, ticket, size, shadow, invitation }) {
  wished = size;
  const probing = workingCodecs();
  try {
    const file = await fetch(zstdUrl);
    if (!file.ok) throw new Error(`the server has no ${zstdUrl.pathname} (${file.status})`);
    zstd = await ZstdStream.create(await compileZstd(await file.text()));
    picture = new Picture(canvas, null, videos, (width, height) => tell("screen", { width, height }));
  } catch (error) {
    tell("status", { state: "broken", reason: error.message });
    return;
  }
  setTimeout(() => { picture.inMemory = drawsSlowly(); }, PROBE_AFTER);
  videos.allow(await probing);
  const scheme = self.location.protocol === "https:" ? "wss" : "ws";
  connection = new Connection({
    open: (subprotocol) => new WebSocket(`${scheme}://${self.location.host}/ws`, subprotocol),
    fetchTicket: () => ticketFor(session, shadow, invitation),
    ticket,
    size: () => wished,
    client: "tsgateway webclient",
    capabilities: () => [...ABILITIES, ...videos.capabilities],
    clock,
    random: Math.random,
    isOnline: () => navigator.onLine,
    events: {
      status: (status) => {
        if (status.state !== "connected") pictures.stop();
        tell("status", status);
        if (status.state === "connected" && reporting !== null) watch(true);
      },
      hello: greeted,
      message: received,
      roundTrip: (milliseconds) => {
        heardAt = clock.now();
        statistics.roundTrip(milliseconds);
      },
    },
  });
  connection.start();
}

function greeted(hello) {
  line += 1;
  mending = false;
  mends = 0;
  canTell = hello.capabilities.includes(Capability.STATISTICS);
  told = null;
  statistics.restart();
  acks.restart();
  pictures.stop();
  picture.restart(new HistoryDecoder(zstd, hello.window_log));
  hearing.greeted(hello);
  tell("hello", { hello });
}

function received(message, bytes, time) {
  if (message.name === "Switch") { // at once: the connection's end follows
    const { session, title } = message;
    tell("switch", { session, title, ticket: message.ticket.slice() });
    return;
  }
  heardAt = time;
  if (message.name.startsWith("Clipboard")) { // not behind pictures
    tell("clipboard", { message: message.data ? { ...message, data: message.data.slice() } : message });
    return;
  }
  statistics.received(bytes, message.name === "Frame");
  if (hearing.received(message)) return; // it does not wait for pictures
  if (message.name === "Frame") statistics.travelled(message.operations);
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
    pictures.expect();
  } else if (message.name === "Statistics") told = message;
  else if (message.name === "State") tell("state", { state: message });
  else if (message.name === "Notice") tell("notice", { notice: message });
  else if (message.name === "Dialog") tell("dialog", { dialog: message });
  else if (message.name === "DialogOver") tell("dialogOver", { id: message.id });
  else if (message.name === "Shadow") tell("shadow", { shadow: message });
  else if (message.name === "People") tell("people", { people: message });
  else if (message.name === "PointerOf") tell("pointer", { pointer: message });
  else if (message.name === "PointerMode") tell("pointerMode", { relative: Boolean(message.relative) });
  else if (message.name === "Cursor") tell("cursor", { cursor: { ...message, pixels: message.pixels.slice() } });
}

async function frame(message, time) {
  if (mending && !(message.flags & FrameFlag.NEW_STREAM)) {
    const of = line;
    await picture.skip(message);
    if (of !== line) return;
    acks.decoded(message.number, time, clock.now());
    return;
  }
  mending = false;
  try {
    const of = line;
    const isWhole = await picture.add(message);
    if (of !== line) return;
    const decoded = clock.now();
    statistics.decoded(decoded - time);
    if (!isWhole) {
      outline(message, false);
      acks.decoded(message.number, time, decoded);
      return;
    }
    picture.draw();
    outline(message, true);
    mends = 0;
    pictures.stop();
    connection.settled();
    tell("drawn", { changed: message.operations.slice(0, MAX_TOLD).map(({ x, y, width, height }) => ({ x, y, width, height })) });
    acks.drawn(message.number, time, decoded);
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof RangeError)) throw error;
    mend(message, time, error);
  }
}

function outline({ operations }, isWhole) {
  if (!outlining) return;
  outlines.push(...operations.map(({ encoding, x, y, width, height }) => [encoding, x, y, width, height]));
  if (!isWhole) return;
  tell("regions", { regions: outlines });
  outlines = [];
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
  acks.decoded(message.number, time, clock.now());
}

// The picture goes on without it: the server sends that part by other means from now on.
function videoFailed(codec, reason) {
  console.warn(`This browser does not decode a video after all. ${reason}`);
  connection?.send({ name: "VideoFailed", codec, reason });
}

function acknowledge(ack) {
  if (ack.present_us) statistics.presented(ack.present_us / 1000);
  connection.send(ack);
}

let reporting = null;
let outlining = false; // the page shows which parts of the picture came how
let outlines = []; // of the picture that is being put together
let heardAt = 0;

function watch(on) {
  if (canTell) connection?.send({ name: "WatchStatistics", on: on ? 1 : 0 });
}

function report() {
  tell("statistics", { statistics: { ...statistics.read(clock.now()), silence: clock.now() - heardAt, server: told } });
}

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
  picture: async () => {
    if (picture) tell("picture", { file: await picture.file() });
  },
  sound: ({ want, speakers, microphone }) => {
    if (want !== undefined) hearing.want(want);
    if (speakers) hearing.speakers(speakers);
    if (microphone !== undefined) hearing.microphone(microphone);
  },
  outline: ({ on }) => {
    outlining = on;
    outlines = [];
  },
  statistics: ({ on }) => {
    clearInterval(reporting);
    reporting = on ? setInterval(report, 1000) : null;
    watch(on);
  },
};

self.onmessage = ({ data }) => actions[data.kind](data);
self.addEventListener("online", () => connection?.retry());
self.addEventListener("unhandledrejection", ({ reason }) => {
  connection?.fail(CloseCode.PROTOCOL, "the viewer has failed");
  tell("status", { state: "broken", reason: String(reason instanceof ProtocolError ? reason.message : reason) });
});
