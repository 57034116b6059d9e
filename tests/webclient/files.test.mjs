import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";

import { chosen, dropped } from "../../webclient/files/dropped.js";
import { speedOf, Transfers } from "../../webclient/files/transfers.js";
import { LARGEST_PIECE, SMALLEST_PIECE, Upload } from "../../webclient/files/upload.js";

const DATA = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) >> 3);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function makeHash() {
  const hash = createHash("sha256");
  return { update: (bytes) => hash.update(bytes), digest: () => hash.copy().digest("hex") };
}

class Refused extends Error {
  constructor(status, code) {
    super(`refused: ${code}`);
    Object.assign(this, { status, code });
  }
}

// Keeps what comes as the gateway does; `trouble` are errors that it answers with, in turn.
class Server {
  there = new Uint8Array();
  trouble = [];
  pieces = [];
  files = [];

  #answer() {
    const error = this.trouble.shift();
    if (error) throw error;
  }

  async begin(what) {
    this.#answer();
    this.what = what;
    return { id: "1", offset: this.there.length, sha256: sha256(this.there) };
  }

  async piece(id, offset, bytes, signal) {
    signal.throwIfAborted();
    this.#answer();
    if (offset !== this.there.length) throw new Refused(409, "wrong_offset");
    this.pieces.push(bytes.length);
    this.there = Buffer.concat([this.there, bytes]);
    this.after?.();
    return { offset: this.there.length };
  }

  async end(id, digest) {
    this.#answer();
    if (digest !== sha256(this.there)) throw new Refused(409, "hash_mismatch");
    this.files.push(Buffer.from(this.there));
    return { path: this.what.path, bytes: this.there.length, sha256: digest };
  }

  async cancel() {
    this.there = new Uint8Array();
    this.cancelled = true;
  }
}

let server;
let states;
let time;
let took;
let waits;

function upload(file = new File([DATA], "a.bin", { lastModified: 5000 })) {
  const clock = {
    now: () => (time += took / 2),
    wait: async (delay) => waits.push(delay),
  };
  const changed = ({ state }) => {
    if (states.at(-1) !== state) states.push(state);
  };
  return new Upload(file, { folder: "", path: "a.bin" }, { server, makeHash, clock, changed });
}

beforeEach(() => {
  [server, states, time, took, waits] = [new Server(), [], 0, 10, []];
});

const arrived = () => assert.deepEqual(server.files.map(sha256), [sha256(DATA)]);

test("a file goes in pieces that grow while they are quick", async () => {
  await upload().run();
  arrived();
  assert.deepEqual(states, ["checking", "sending", "finishing", "done"]);
  assert.deepEqual(server.pieces.slice(0, 3), [1, 2, 4].map((times) => times * SMALLEST_PIECE));
  assert.ok(Math.max(...server.pieces) <= LARGEST_PIECE);
  assert.deepEqual(server.what, { folder: "", path: "a.bin", size: DATA.length, changed: 5 });
});

test("on a slow line pieces stay small", async () => {
  took = 8000;
  await upload().run();
  assert.deepEqual([...new Set(server.pieces.slice(0, -1))], [SMALLEST_PIECE]);
});

test("where each answer takes long, pieces grow all the same", async () => {
  took = 3000;
  await upload().run();
  assert.ok(Math.max(...server.pieces) > 2 * SMALLEST_PIECE);
});

for (const offset of [1, SMALLEST_PIECE, DATA.length - 1, DATA.length]) {
  test(`goes on at ${offset} where an earlier page has got to`, async () => {
    server.there = DATA.slice(0, offset);
    await upload().run();
    arrived();
    assert.equal(server.pieces.reduce((sum, size) => sum + size, 0), DATA.length - offset);
  });
}

test("begins anew when what is there is not the file's beginning", async () => {
  server.there = DATA.slice(1, 1000);
  await upload().run();
  assert.equal(server.cancelled, true);
  arrived();
});

test("waits longer and longer while the server is away, and goes on where it was", async () => {
  const made = upload();
  server.after = () => {
    server.after = null;
    server.trouble = [0, 503, 504, 502].map((status) => new Refused(status, "away"));
  };
  await made.run();
  arrived();
  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
  assert.deepEqual(states.filter((state) => state === "waiting").length, 4);
});

test("an answer that is lost costs nothing: the server says where it is", async () => {
  server.after = () => {
    server.after = null;
    throw new Refused(0, "unreachable");
  };
  await upload().run();
  arrived();
  assert.equal(server.pieces.reduce((sum, size) => sum + size, 0), DATA.length);
});

for (const code of ["quota_full", "disk_full", "name", "files_forbidden", "hash_mismatch"]) {
  test(`${code} ends it with the server's sentence, and it can be tried again`, async () => {
    const made = upload();
    server.trouble = [null, new Refused(507, code)];
    await made.run();
    assert.deepEqual([made.state, made.message], ["failed", `refused: ${code}`]);
    made.queue();
    await made.run();
    arrived();
  });
}

test("a file that has changed is not sent half old and half new", async () => {
  const file = { size: 100, lastModified: 1, slice: () => new Blob([new Uint8Array(10)]) };
  const made = upload(file);
  await made.run();
  assert.equal(made.state, "failed");
  assert.equal(server.files.length, 0);
});

test("pausing stops it at once; resuming goes on", async () => {
  const made = upload();
  server.after = () => {
    server.after = null;
    made.pause();
  };
  await made.run();
  assert.equal(made.state, "paused");
  assert.equal(server.pieces.length, 1);
  made.queue();
  assert.equal(made.state, "queued");
  await made.run();
  arrived();
});

test("cancelling throws away what has come", async () => {
  const made = upload();
  server.after = () => made.cancel();
  await made.run();
  assert.deepEqual([made.state, made.isOver, server.cancelled, server.there.length], ["cancelled", true, true, 0]);
  made.queue();
  await made.run();
  assert.equal(made.state, "cancelled");
});

test("an empty file", async () => {
  await upload(new File([], "empty")).run();
  assert.equal(server.files.length, 1);
});

test("transfers say how fast they are and how long they take", () => {
  const posted = [];
  let now = 0;
  const transfers = new Transfers({ post: (message) => posted.push(message), changed: () => {}, now: () => now });
  const item = transfers.add("s", "folder", "a", { size: 1000 });
  assert.deepEqual([item.path, posted[0].kind, transfers.working.length], ["folder/a", "add", 1]);
  for (now = 0; now <= 20_000; now += 1000) transfers.told({ number: 1, state: "sending", offset: now / 25 });
  assert.deepEqual(speedOf(item), { rate: 40, left: 5 });
  assert.ok(item.marks.length < 10);
  transfers.told({ number: 1, state: "paused", offset: 900 });
  assert.equal(speedOf(item), null);
  assert.equal(transfers.areOver, true);
  transfers.told({ number: 1, state: "done", offset: 1000 });
  transfers.told({ number: 99, state: "done", offset: 1 }); // forgotten meanwhile
  transfers.clear();
  assert.deepEqual(transfers.items, []);
});

const entry = (name, inside = null) => ({
  name,
  isFile: inside === null,
  file: (done) => done(new File(["x"], name)),
  createReader() {
    const rest = [...(inside ?? [])];
    return { readEntries: (done) => done(rest.splice(0, 2)) };
  },
});
const transfer = (...entries) => ({
  items: entries.map((each) => ({ kind: "file", webkitGetAsEntry: () => each })),
  files: [],
});

test("a folder that is dropped is taken with all that is in it", async () => {
  const tree = entry("tree", [entry("a"), entry("b"), entry("c"), entry("deep", [entry("d")]), entry("empty", [])]);
  const found = await dropped(transfer(entry("one"), tree));
  assert.deepEqual(found.files.map(({ path }) => path), ["one", "tree/a", "tree/b", "tree/c", "tree/deep/d"]);
  assert.deepEqual(found.folders, ["tree/empty"]);
});

test("without entries there are files all the same", async () => {
  const found = await dropped({ items: [{ kind: "file" }, { kind: "string" }], files: [new File(["x"], "a")] });
  assert.deepEqual(found.files.map(({ path }) => path), ["a"]);
  assert.deepEqual(chosen([{ name: "a", webkitRelativePath: "t/a" }, { name: "b" }]).map(({ path }) => path), ["t/a", "b"]);
});

test("a drop of too many says so", async () => {
  const many = Array.from({ length: 10_050 }, (_, number) => entry(String(number)));
  const found = await dropped(transfer(...many));
  assert.deepEqual([found.files.length, found.tooMany], [10_000, true]);
});
