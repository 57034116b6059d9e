// What the line and the decoder do, over the time since it was last read.

import { NAMES } from "../decode/codecs.js";
import { Encoding, videoPicture } from "../wire/tsg.js";
import { jitterOf } from "./quality.js";

const WAYS = { [Encoding.HISTORY]: "exact", [Encoding.JPEG]: "still", [Encoding.COPY]: "copy", [Encoding.VIDEO]: "video" };
const ROUND_TRIPS = 20; // the last ones: forty seconds
const MAX_WAYS = 4; // told at a time: those taken most

export class Statistics {
  #bytes = 0;
  #frames = 0;
  #total = 0;
  #decode = [];
  #present = [];
  #roundTrips = [];
  #ways = new Map();
  #since = 0;

  received(bytes, isFrame) {
    this.#bytes += bytes;
    this.#total += bytes;
    if (isFrame) this.#frames += 1;
  }

  // A Frame's operations, by the ways in which parts of the picture travel: each counts once a frame.
  travelled(operations) {
    const ways = operations.map(({ encoding, width, height, data }) => {
      const detail = encoding === Encoding.VIDEO ? `${NAMES[videoPicture(data).codec]} ${width}×${height}` : "";
      return `${WAYS[encoding]} ${detail}`;
    });
    for (const way of new Set(ways)) this.#ways.set(way, (this.#ways.get(way) ?? 0) + 1);
  }

  decoded(milliseconds) {
    this.#decode.push(milliseconds);
    if (this.#decode.length > 1000) this.#decode.shift();
  }

  presented(milliseconds) {
    this.#present.push(milliseconds);
    if (this.#present.length > 1000) this.#present.shift();
  }

  roundTrip(milliseconds) {
    this.#roundTrips.push(milliseconds);
    if (this.#roundTrips.length > ROUND_TRIPS) this.#roundTrips.shift();
  }

  // Bytes and frames a second, milliseconds (medians; null where nothing was measured), all bytes, and which
  // ways the picture came: {way: exact, still, copy or video; detail; rate: frames a second}.
  read(now) {
    const seconds = Math.max(0.001, (now - this.#since) / 1000);
    const report = {
      bytes: this.#bytes / seconds,
      frames: this.#frames / seconds,
      total: this.#total,
      decode: median(this.#decode),
      present: median(this.#present),
      roundTrip: this.#roundTrips.at(-1) ?? null,
      typicalTrip: median(this.#roundTrips),
      jitter: jitterOf(this.#roundTrips),
      ways: this.#takeWays(seconds),
    };
    this.#bytes = 0;
    this.#frames = 0;
    this.#decode = [];
    this.#present = [];
    this.#since = now;
    return report;
  }

  // A new connection is another line.
  restart() {
    this.#roundTrips = [];
  }

  #takeWays(seconds) {
    const often = [...this.#ways].sort(([, a], [, b]) => b - a).slice(0, MAX_WAYS);
    this.#ways.clear();
    return often.map(([key, count]) => {
      const [way, ...detail] = key.split(" ");
      return { way, detail: detail.join(" "), rate: count / seconds };
    });
  }
}

function median(values) {
  return values.length ? values.toSorted((a, b) => a - b)[values.length >> 1] : null;
}
