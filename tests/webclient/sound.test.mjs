import assert from "node:assert/strict";
import { test } from "node:test";

import { JitterBuffer, LEAST_TARGET, MOST_TARGET, RATE } from "../../webclient/sound/jitter.js";
import { VoiceCutter } from "../../webclient/sound/voice.js";

const PIECE = 480;
const QUANTUM = 128;

// A tone that goes on from piece to piece.
function* tone(hertz, loud = 0.5, length = PIECE) {
  for (let at = 0; ; at += length) {
    yield Float32Array.from({ length }, (_, index) => loud * Math.sin((2 * Math.PI * hertz * (at + index)) / RATE));
  }
}

// Plays for so many frames; whenever `arrives(frame)` says how many pieces have come, they are pushed. Returns the
// left channel.
function play(buffer, source, frames, arrives) {
  const out = new Float32Array(frames);
  const right = new Float32Array(QUANTUM);
  let pushed = 0;
  for (let at = 0; at < frames; at += QUANTUM) {
    for (; pushed < arrives(at); pushed += 1) {
      const { value } = source.next();
      buffer.push(value, value);
    }
    buffer.pull(out.subarray(at, at + QUANTUM), right);
  }
  return out;
}

const evenly = (at) => Math.floor(at / PIECE);
const together = (at) => 20 * Math.floor(at / (20 * PIECE));

function pitch(samples) {
  const rises = [];
  for (let at = 1; at < samples.length; at += 1) if (samples[at - 1] < 0 && samples[at] >= 0) rises.push(at);
  return (RATE * (rises.length - 1)) / (rises.at(-1) - rises[0]);
}

// The largest step from sample to sample; a tone of 440 Hz at half loudness has 0.029.
const steepest = (samples) => samples.reduce((most, sample, at) => (at ? Math.max(most, Math.abs(sample - samples[at - 1])) : 0), 0);

test("what comes evenly is played after a short wait, as it is", () => {
  const buffer = new JitterBuffer();
  const heard = play(buffer, tone(440), 2 * RATE, evenly);
  const begin = heard.findIndex((sample) => sample !== 0);
  assert.ok(begin <= LEAST_TARGET + PIECE + QUANTUM, `begins at ${begin}`);
  assert.ok(Math.abs(pitch(heard.subarray(begin + RATE / 2)) - 440) < 5);
  assert.ok(steepest(heard) < 0.035, "it clicks");
  assert.equal(buffer.underruns, 0);
  assert.equal(buffer.left, 0);
});

test("a line that is uneven makes it wait longer, and it does not click", () => {
  const buffer = new JitterBuffer();
  // Twenty pieces come together, 200 ms after the first was due.
  const heard = play(buffer, tone(440), 10 * RATE, together);
  assert.ok(buffer.underruns > 0 && buffer.underruns < 12, `${buffer.underruns} underruns`);
  assert.ok(buffer.target > LEAST_TARGET && buffer.target <= MOST_TARGET);
  assert.ok(steepest(heard) < 0.035, `it clicks: ${steepest(heard)}`);
  const late = buffer.underruns;
  play(buffer, tone(440), 5 * RATE, together);
  assert.ok(buffer.underruns - late <= 1, "it has learned nothing");
});

test("when the line is even again, the wait gets shorter", () => {
  const buffer = new JitterBuffer();
  play(buffer, tone(440), 5 * RATE, together);
  const late = buffer.underruns;
  play(buffer, tone(440), 120 * RATE, evenly);
  assert.ok(buffer.target <= LEAST_TARGET + PIECE, `${buffer.target} is the target`);
  assert.ok(buffer.waiting < buffer.target + 2 * PIECE, `${buffer.waiting} wait for ${buffer.target}`);
  assert.equal(buffer.underruns, late);
});

test("where all comes when it is due, no more waits than a browser takes at once and a piece", () => {
  const buffer = new JitterBuffer();
  const heard = play(buffer, tone(440), 30 * RATE, evenly);
  assert.equal(buffer.target, LEAST_TARGET);
  assert.ok(buffer.waiting < LEAST_TARGET + 2 * PIECE, `${buffer.waiting} wait`);
  assert.equal(buffer.underruns, 0);
  assert.ok(steepest(heard) < 0.035, "it clicks");
});

test("a line that is late now and then is waited for, and the wait gets shorter ever more rarely", () => {
  const buffer = new JitterBuffer();
  const seldom = (at) => Math.floor((at % (15 * RATE) < RATE / 10 ? at - (at % (15 * RATE)) : at) / PIECE); // 0.1 s late each 15 s
  play(buffer, tone(440), 300 * RATE, seldom);
  const learned = buffer.underruns;
  assert.ok(learned <= 12, `${learned} underruns`);
  play(buffer, tone(440), 300 * RATE, seldom);
  assert.ok(buffer.underruns - learned <= 5, `${buffer.underruns - learned} underruns more`);
});

for (const [what, drift] of [["fast", 1.004], ["slow", 0.996]]) {
  test(`a guest whose clock is ${what} is followed`, () => {
    const buffer = new JitterBuffer();
    const heard = play(buffer, tone(440), 60 * RATE, (at) => Math.floor((at * drift) / PIECE));
    assert.ok(buffer.waiting < LEAST_TARGET + 2 * PIECE, `${buffer.waiting} wait`);
    assert.ok(buffer.underruns <= 1, `${buffer.underruns} underruns`);
    assert.equal(buffer.left, 0);
    assert.ok(Math.abs(pitch(heard.subarray(RATE)) - 440 * drift) < 2);
  });
}

test("after a stall old sound is left out: what is heard is of now", () => {
  const buffer = new JitterBuffer();
  const heard = play(buffer, tone(440), 4 * RATE, (at) => (at > RATE && at < 3 * RATE ? Math.floor(RATE / PIECE) : evenly(at)));
  assert.ok(buffer.left > RATE, `${buffer.left} frames left out`);
  assert.ok(buffer.waiting <= buffer.target + 2 * PIECE);
  assert.ok(steepest(heard) < 0.035, `it clicks: ${steepest(heard)}`);
});

test("the end of a sound is not taken for a slow line", () => {
  const buffer = new JitterBuffer();
  const sound = tone(440);
  const pieces = [...Array.from({ length: 50 }, () => sound.next().value), ...Array.from({ length: 20 }, () => new Float32Array(PIECE))];
  const source = pieces[Symbol.iterator]();
  const heard = play(buffer, source, 2 * RATE, (at) => Math.min(pieces.length, evenly(at)));
  assert.equal(buffer.underruns, 0);
  assert.equal(buffer.target, LEAST_TARGET);
  assert.ok(!buffer.isPlaying);
  assert.ok(heard.subarray(RATE).every((sample) => sample === 0));
});

test("a flood takes no more memory than some pieces", () => {
  const buffer = new JitterBuffer();
  const source = tone(440);
  for (let count = 0; count < 10_000; count += 1) {
    const { value } = source.next();
    buffer.push(value, value);
    assert.ok(buffer.waiting < RATE / 2);
  }
});

test("pieces of any size", () => {
  const buffer = new JitterBuffer();
  buffer.push(new Float32Array(0), new Float32Array(0));
  const source = tone(440, 0.5, 1);
  const heard = play(buffer, source, RATE, (at) => at);
  assert.ok(Math.abs(pitch(heard.subarray(RATE / 2)) - 440) < 8);
});

for (const rate of [48000, 44100, 24000, 16000]) {
  test(`a voice of ${rate} samples a second is cut into 20 ms of 24,000`, () => {
    const pieces = [];
    const cutter = new VoiceCutter(rate, (piece) => pieces.push(piece));
    for (let at = 0; at < rate; at += 128) {
      cutter.take(Float32Array.from({ length: 128 }, (_, index) => 0.5 * Math.sin((2 * Math.PI * 440 * (at + index)) / rate)));
    }
    assert.ok(pieces.length >= 49 && pieces.length <= 50, `${pieces.length} pieces`);
    assert.ok(pieces.every((piece) => piece.length === 960));
    const samples = pieces.flatMap((piece) => [...new Int16Array(piece.buffer, piece.byteOffset, piece.length / 2)]);
    assert.ok(Math.abs(pitch(samples) / 2 - 440) < 4, `${pitch(samples) / 2} Hz`);
    const loudest = Math.max(...samples);
    assert.ok(loudest > 15000 && loudest < 16500, `${loudest}`);
  });
}

test("a voice that is too loud is cut off, not turned over", () => {
  const pieces = [];
  new VoiceCutter(24000, (piece) => pieces.push(piece)).take(new Float32Array(480).fill(7));
  assert.ok(new Int16Array(pieces[0].buffer).every((sample) => sample === 32767));
});
