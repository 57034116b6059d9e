// Uploads, away from the page: reading, hashing and sending. A few at a time, the others wait for their turn.
//
// From the page: {kind: "add", number, session, folder, path, file}, {kind: "pause" | "resume" | "cancel", number}.
// To the page: {kind: "changed", number, state, offset, message, stored}.

import { FileServer } from "./server.js";
import { makeSha256 } from "./sha256.js";
import { Upload } from "./upload.js";

const AT_ONCE = 2;
const uploads = new Map();
const clock = { now: () => performance.now(), wait };
let running = 0;

onmessage = ({ data }) => {
  if (data.kind === "add") {
    add(data);
    return;
  }
  const upload = uploads.get(data.number);
  if (data.kind === "pause") upload.pause();
  else if (data.kind === "resume") upload.queue();
  else upload.cancel();
  goOn();
};

addEventListener("online", () => wakeUp?.());

function add({ number, session, folder, path, file }) {
  const changed = ({ state, offset, message, stored }) => postMessage({ kind: "changed", number, state, offset, message, stored });
  const server = new FileServer(session);
  uploads.set(number, new Upload(file, { folder, path }, { server, makeHash: makeSha256, clock, changed }));
  goOn();
}

function goOn() {
  for (const upload of uploads.values()) {
    if (running >= AT_ONCE) return;
    if (upload.state !== "queued") continue;
    running += 1;
    upload.run().finally(() => {
      running -= 1;
      goOn();
    });
  }
}

let wakeUp = null;

function wait(time, signal) {
  return new Promise((/** @type {(value?: void) => void} */ resolve) => {
    const timer = setTimeout(resolve, time);
    wakeUp = resolve;
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
