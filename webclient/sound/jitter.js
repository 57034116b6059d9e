// What lies between the line and the loudspeakers: sound waits here as long as the line is uneven, and no longer.
//
// It begins when `target` frames are there. While it plays, its speed follows how much is there, by so little that
// nobody hears it; far too much is left out, and where too little has come it fades out and waits anew, longer than
// before. What was never needed of the wait in a long time is taken off it again, after an ever longer time where that
// has gone wrong. Pure: it knows neither clock nor browser.

import { SOUND_RATE } from "../wire/numbers.js";

export const RATE = SOUND_RATE;
const MS = RATE / 1000;

export const LEAST_TARGET = 40 * MS;
export const MOST_TARGET = 240 * MS;
const LONGER = 30 * MS; // after the line has kept it waiting
const SHORTER = 5 * MS; // at least, after a while without
const CALM = 10 * RATE; // frames of such a while, at first
const MOST_CALM = 80 * RATE;
const SPARE = 30 * MS; // has to be left when least is there: browsers take 10 ms at once, and a large picture keeps the worker
const NEAR = 10 * MS; // as near to the target as it has to be
const FASTER = 1.01;
const SLOWER = 0.99;
const TOO_MUCH = 150 * MS; // beyond the target: left out
const FADE = 3 * MS;
const QUIET = 1e-4; // what is left of silence by encoding it

export class JitterBuffer {
  #pieces = []; // [{left, right, length}]
  #offset = 0; // in the first of them, with a fraction
  #there = 0; // frames in all of them
  #level = 0; // of late, on average
  #calm = 0; // frames played since it ran out, or the wait got shorter
  #least = Infinity; // that waited, in that time
  #patience = CALM;
  #isShortened = false; // since it ran out
  #ramp = 1; // how much of what is played is not `from` any more
  #fromLeft = 0;
  #fromRight = 0;
  #pace = 1;
  #lastLeft = 0; // what was played last
  #lastRight = 0;
  #isPlaying = false;
  #isSilent = true; // what came last
  target = LEAST_TARGET;
  underruns = 0; // how often it had to wait for the line
  left = 0; // frames left out

  // Frames that wait.
  get waiting() {
    return Math.max(0, this.#there - this.#offset);
  }

  get isPlaying() {
    return this.#isPlaying;
  }

  // Takes what comes next: two arrays of samples from -1 to 1.
  push(left, right) {
    if (!left.length) return;
    this.#pieces.push({ left, right, length: left.length });
    this.#there += left.length;
    this.#isSilent = isSilent(left) && isSilent(right);
    this.#leaveOut();
  }

  // Fills two arrays with what is played next.
  pull(left, right) {
    if (!this.#isPlaying && this.waiting >= this.target) {
      this.#isPlaying = true;
      this.#level = this.waiting;
      this.#join();
    }
    const speed = this.#isPlaying ? this.#speed(left.length) : 1;
    for (let at = 0; at < left.length; at += 1) {
      if (this.#isPlaying && this.waiting < 2) this.#runOut();
      if (this.#isPlaying) this.#play(left, right, at, speed);
      else this.#emit(left, right, at, 0, 0);
    }
  }

  #speed(frames) {
    this.#level += (this.waiting - this.#level) * 0.01;
    this.#calm += frames;
    if (!this.#isSilent) this.#least = Math.min(this.#least, this.waiting); // at the end of a sound nothing waits
    if (this.#calm > this.#patience) this.#shorten();
    const above = this.#level - this.target;
    if (above > NEAR) this.#pace = FASTER;
    else if (above < -NEAR) this.#pace = SLOWER;
    else if (above * (this.#pace - 1) <= 0 && this.#isWhole) this.#settle();
    return this.#pace;
  }

  // Takes off half of what was not needed; what is above the target goes anyway.
  #shorten() {
    const spare = this.#least - SPARE - Math.max(0, this.#level - this.target);
    if (spare >= SHORTER && this.target > LEAST_TARGET) {
      this.target = Math.max(LEAST_TARGET, this.target - Math.max(SHORTER, spare / 2));
      this.#isShortened = true;
    }
    this.#calm = 0;
    this.#least = Infinity;
  }

  get #isWhole() {
    return Math.abs(this.#offset - Math.round(this.#offset)) < FASTER - 1;
  }

  // With a fraction left over every sample would be a mean of two, and the treble gone.
  #settle() {
    this.#offset = Math.round(this.#offset);
    this.#pace = 1;
  }

  // For every single sample, so nothing is made here that would have to be tidied up.
  #play(left, right, at, speed) {
    const first = this.#pieces[0];
    const index = Math.floor(this.#offset);
    const part = this.#offset - index;
    let leftSample = first.left[index];
    let rightSample = first.right[index];
    if (part) {
      const isLast = index + 1 === first.length;
      const next = isLast ? this.#pieces[1] : first;
      const nextIndex = isLast ? 0 : index + 1;
      if (next) {
        leftSample += (next.left[nextIndex] - leftSample) * part;
        rightSample += (next.right[nextIndex] - rightSample) * part;
      }
    }
    this.#emit(left, right, at, leftSample, rightSample);
    this.#offset += speed;
    while (this.#pieces.length && this.#offset >= this.#pieces[0].length) this.#drop();
  }

  #drop() {
    const { length } = this.#pieces.shift();
    this.#offset -= length;
    this.#there -= length;
    if (!this.#pieces.length) this.#offset = 0;
  }

  // A click is what a jump is heard as: where something else begins, it comes out of what was there.
  #emit(left, right, at, leftSample, rightSample) {
    if (this.#ramp < 1) this.#ramp = Math.min(1, this.#ramp + 1 / FADE);
    left[at] = this.#lastLeft = this.#fromLeft + (leftSample - this.#fromLeft) * this.#ramp;
    right[at] = this.#lastRight = this.#fromRight + (rightSample - this.#fromRight) * this.#ramp;
  }

  #join() {
    this.#fromLeft = this.#lastLeft;
    this.#fromRight = this.#lastRight;
    this.#ramp = 0;
  }

  #runOut() {
    this.#isPlaying = false;
    this.#join();
    this.#pieces = [];
    this.#offset = this.#there = 0;
    if (this.#isSilent) return; // the guest has ended, not the line
    this.underruns += 1;
    this.#calm = 0;
    this.#least = Infinity;
    if (this.#isShortened) this.#patience = Math.min(MOST_CALM, 2 * this.#patience);
    this.#isShortened = false;
    this.target = Math.min(MOST_TARGET, this.target + LONGER);
  }

  #leaveOut() {
    if (this.waiting <= this.target + TOO_MUCH) return;
    const before = this.waiting;
    while (this.waiting > this.target && this.#pieces.length > 1) this.#drop();
    this.#offset = Math.max(0, Math.floor(this.#offset));
    this.#join();
    this.#level = this.waiting;
    this.left += Math.round(before - this.waiting);
  }
}

function isSilent(samples) {
  return samples.every((sample) => Math.abs(sample) < QUIET);
}
