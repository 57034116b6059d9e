// What the line and the decoder do, over the time since it was last read.

export class Statistics {
  #bytes = 0;
  #frames = 0;
  #total = 0;
  #decode = [];
  #present = [];
  #roundTrip = null;
  #since = 0;

  received(bytes, isFrame) {
    this.#bytes += bytes;
    this.#total += bytes;
    if (isFrame) this.#frames += 1;
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
    this.#roundTrip = milliseconds;
  }

  // Bytes and frames a second, milliseconds (medians; null where nothing was measured), and all bytes.
  read(now) {
    const seconds = Math.max(0.001, (now - this.#since) / 1000);
    const report = {
      bytes: this.#bytes / seconds,
      frames: this.#frames / seconds,
      total: this.#total,
      decode: median(this.#decode),
      present: median(this.#present),
      roundTrip: this.#roundTrip,
    };
    this.#bytes = 0;
    this.#frames = 0;
    this.#decode = [];
    this.#present = [];
    this.#since = now;
    return report;
  }
}

function median(values) {
  return values.length ? values.toSorted((a, b) => a - b)[values.length >> 1] : null;
}
