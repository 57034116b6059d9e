import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Connection, GHOST_TIME, HANDSHAKE_TIME, SILENCE_TIME, TicketRefused } from "../../webclient/session/connection.js";
import { CloseCode, decode, encode, FROM_VIEWER } from "../../webclient/wire/tsg.js";

let time;
let timers;
let sockets;
let told;
let tickets;
let connection;

class Socket {
  readyState = 1;
  sent = [];

  constructor() {
    sockets.push(this);
  }

  send(bytes) {
    this.sent.push(decode(bytes, FROM_VIEWER));
  }

  close() {
    this.readyState = 3;
  }

  say(message) {
    this.onmessage?.({ data: encode(message).buffer });
  }
}

const clock = {
  now: () => time,
  setTimeout: (action, delay) => {
    const timer = { action, at: time + delay };
    timers.add(timer);
    return timer;
  },
  clearTimeout: (timer) => timers.delete(timer),
};

function pass(delay) {
  const end = time + delay;
  for (;;) {
    const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
    if (!next) break;
    timers.delete(next);
    time = next.at;
    next.action();
  }
  time = end;
}

const settle = () => new Promise((go) => setImmediate(go));
const HELLO = { name: "ServerHello", version: 1, session: "s", desktop: "d", control: 1, window_log: 24, capabilities: [] };
const state = () => told.at(-1).state;

async function open() {
  await settle();
  sockets.at(-1).onopen();
  sockets.at(-1).say(HELLO);
}

beforeEach(() => {
  time = 0;
  timers = new Set();
  sockets = [];
  told = [];
  tickets = () => Promise.resolve(Uint8Array.of(2));
  connection = new Connection({
    open: () => new Socket(), fetchTicket: () => tickets(), ticket: Uint8Array.of(1), size: () => [800, 600],
    client: "test", capabilities: () => [2, 9], clock, random: () => 0.5,
    events: { status: (status) => told.push(status), hello() {}, message() {}, roundTrip() {} },
  });
  connection.start();
});

test("says hello with the ticket it was given, and is connected", async () => {
  await open();
  const [hello] = sockets[0].sent;
  assert.deepEqual([hello.name, hello.version, [...hello.ticket], hello.width], ["ClientHello", 1, [1], 800]);
  assert.equal(state(), "connected");
});

test("comes back after a cut with a new ticket, more slowly, but not too slowly", async () => {
  await open();
  const waits = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    sockets.at(-1).onclose({ code: 1006, reason: "" });
    assert.equal(state(), "waiting");
    waits.push(told.at(-1).delay);
    pass(told.at(-1).delay);
    await settle();
  }
  assert.deepEqual(waits, [300, 700, 1000, 1000, 2000, 2000]);
  sockets.at(-1).onopen();
  assert.deepEqual([...sockets.at(-1).sent[0].ticket], [2]);
});

test("a silent line is cut, one that answers is not", async () => {
  await open();
  for (let second = 0; second < 30; second += 1) {
    pass(1000);
    sockets[0].say({ name: "Ping", nonce: 1 });
  }
  assert.equal(state(), "connected");
  pass(SILENCE_TIME - 1);
  assert.equal(state(), "connected");
  pass(1);
  assert.notEqual(state(), "connected");
});

test("no answer at all is a cut", async () => {
  await settle();
  pass(10_001);
  assert.equal(state(), "waiting");
});

test("attempts that nobody answers follow each other without a pause", async () => {
  await open();
  sockets[0].onclose({ code: 1006, reason: "" });
  tickets = () => new Promise(() => {});
  for (let attempt = 0; attempt < 3; attempt += 1) {
    assert.deepEqual([state(), told.at(-1).delay], ["waiting", 300]);
    pass(300);
    await settle();
    pass(HANDSHAKE_TIME);
  }
});

for (const name of ["SESSION_ENDED", "TAKEN_OVER", "SIGNED_OUT", "VERSION"]) {
  test(`${name} is final, until the person tries again`, async () => {
    await open();
    sockets[0].say({ name: "Close", code: CloseCode[name], reason: "why" });
    sockets[0].onclose({ code: 1006, reason: "" });
    assert.deepEqual([state(), told.at(-1).code, told.at(-1).reason], ["over", CloseCode[name], "why"]);
    pass(60_000);
    assert.equal(sockets.length, 1);
    connection.retry();
    await open();
    assert.equal(state(), "connected");
  });
}

test("the close code counts when the message got lost", async () => {
  await open();
  sockets[0].onclose({ code: 4006, reason: "ended" });
  assert.deepEqual([state(), told.at(-1).code], ["over", CloseCode.SESSION_ENDED]);
});

test("two disagreements in a row end it; a good picture between forgives", async () => {
  await open();
  connection.fail(CloseCode.PROTOCOL, "x");
  pass(300);
  await open();
  connection.settled();
  connection.fail(CloseCode.PROTOCOL, "x");
  pass(300);
  await open();
  assert.equal(state(), "connected");
  connection.fail(CloseCode.PROTOCOL, "x");
  assert.equal(state(), "over");
});

test("a refused ticket is final when asking again makes no sense, else not", async () => {
  await open();
  tickets = () => Promise.reject(new TicketRefused("down", null));
  sockets[0].onclose({ code: 1006, reason: "" });
  pass(300);
  await settle();
  assert.equal(state(), "waiting");
  tickets = () => Promise.reject(new TicketRefused("not yours", CloseCode.TICKET));
  connection.retry();
  await settle();
  assert.deepEqual([state(), told.at(-1).code], ["over", CloseCode.TICKET]);
});

test("messages before the hello, two hellos and text are refused", async () => {
  for (const offend of [
    (socket) => socket.say({ name: "ScreenSize", width: 1, height: 1 }),
    (socket) => { socket.say(HELLO); socket.say(HELLO); },
    (socket) => socket.onmessage({ data: "text" }),
  ]) {
    connection.retry();
    await settle();
    const socket = sockets.at(-1);
    socket.onopen();
    offend(socket);
    assert.equal(socket.sent.at(-1).name, "Close");
    assert.equal(socket.readyState, 3);
    pass(9000);
  }
});

test("nothing is sent while there is no connection", async () => {
  assert.equal(connection.send({ name: "ReleaseKeys" }), false);
  await open();
  assert.equal(connection.send({ name: "ReleaseKeys" }), true);
  connection.stop();
  assert.equal(sockets[0].sent.at(-1).name, "Close");
  assert.equal(connection.send({ name: "ReleaseKeys" }), false);
});

test("who is disconnected, or finds it in use, is asked before another attempt", async () => {
  for (const code of [CloseCode.IN_USE, CloseCode.DISCONNECTED]) {
    connection.retry();
    await settle();
    sockets.at(-1).onopen();
    sockets.at(-1).onclose({ code: 4000 + code, reason: "because" });
    assert.deepEqual([state(), told.at(-1).code, told.at(-1).reason], ["over", code, "because"]);
    pass(60_000);
    assert.equal(state(), "over");
  }
});

test("after a cut, one's own last connection in the way is waited for, and not for ever", async () => {
  const attempt = async () => {
    await settle();
    sockets.at(-1).onopen();
  };
  await attempt();
  sockets.at(-1).say(HELLO);
  sockets.at(-1).onclose({ code: 1006, reason: "" });
  pass(400);
  await attempt();
  sockets.at(-1).onclose({ code: 4000 + CloseCode.IN_USE, reason: "by a ghost" });
  assert.equal(state(), "waiting");
  pass(GHOST_TIME);
  await attempt();
  sockets.at(-1).onclose({ code: 4000 + CloseCode.IN_USE, reason: "by somebody else" });
  assert.equal(state(), "over");
});

test("why a line went is told where no side has said it", async () => {
  let online = true;
  connection = new Connection({
    open: () => new Socket(), fetchTicket: () => tickets(), ticket: Uint8Array.of(1), size: () => [800, 600],
    client: "test", capabilities: () => [], clock, isOnline: () => online, random: () => 0.5,
    events: { status: (status) => told.push(status), hello() {}, message() {}, roundTrip() {} },
  });
  connection.start();
  await open();
  for (let second = 0; second < SILENCE_TIME; second += 1000) pass(1000);
  assert.deepEqual([state(), told.at(-1).cause], ["waiting", "silent"]);
  connection.retry();
  await open();
  const asleep = [...timers]; // the machine's lid was closed: no timer runs meanwhile, and then all do
  timers.clear();
  time += 3_600_000;
  for (const { action } of asleep) action();
  assert.deepEqual([state(), told.at(-1).cause], ["waiting", "slept"]);
  connection.retry();
  await open();
  online = false;
  sockets.at(-1).onclose({ code: 1006, reason: "" });
  assert.deepEqual([state(), told.at(-1).cause], ["waiting", "offline"]);
  connection.retry();
  await open();
  sockets.at(-1).say({ name: "Close", code: CloseCode.SHUTDOWN, reason: "The gateway is being stopped." });
  sockets.at(-1).onclose({ code: 1006, reason: "" });
  assert.deepEqual([told.at(-1).code, told.at(-1).cause], [CloseCode.SHUTDOWN, null], "a side has said it");
});
