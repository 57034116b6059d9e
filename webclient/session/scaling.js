// Sizes and places: the window's CSS pixels, the display's device pixels, the guest's pixels.

import { MAX_SCREEN } from "../wire/tsg.js";

const SMALLEST = 600; // guest pixels; desktops are of no use on less

// The screen to ask of the guest for a box of CSS pixels: one guest pixel to one device pixel, or to
// 2×2, 3×3 on dense displays, where single pixels are too small to read.
/** @returns {[number, number]} */
export function wishedSize(width, height, ratio) {
  const dense = Math.max(1, Math.floor(ratio + 0.25));
  const scale = ratio / dense;
  const shorter = Math.max(1, Math.min(width, height) * scale);
  const enlarge = Math.max(1, SMALLEST / shorter);
  const side = (length) => Math.max(1, Math.min(MAX_SCREEN, Math.floor(length * scale * enlarge)));
  return [side(width), side(height)];
}

// Where the guest's screen goes in the box: whole, centred, in proportion. All results in CSS pixels;
// `scale` is CSS pixels per guest pixel, `exact` says that guest pixels fall on device pixels.
export function fit(box, screen, ratio) {
  const free = Math.min((box.width * ratio) / screen.width, (box.height * ratio) / screen.height);
  const whole = Math.round(free);
  // A guest that rounds its size down by a few pixels stays sharp, with a thin border.
  const exact = whole >= 1 && free >= whole && (free - whole) / whole < 0.03;
  const scale = (exact ? whole : free) / ratio;
  const snap = (length) => Math.round(length * ratio) / ratio;
  const [width, height] = [screen.width * scale, screen.height * scale];
  const left = snap((box.width - width) / 2);
  const top = snap((box.height - height) / 2);
  return { left, top, width, height, scale, exact };
}

// The guest's pixel under a place in the box; places outside count as the nearest edge.
export function toGuest(place, placed, screen) {
  const side = (position, start, length) =>
    Math.max(0, Math.min(length - 1, Math.floor((position - start) / placed.scale)));
  return { x: side(place.x, placed.left, screen.width), y: side(place.y, placed.top, screen.height) };
}
