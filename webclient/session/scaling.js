// Sizes and places: the window's CSS pixels, the display's device pixels, the guest's pixels.

import { MAX_SCREEN } from "../wire/tsg.js";

const SMALLEST = 600; // guest pixels; desktops are of no use on less

// The screen to ask of the guest for a box of CSS pixels: one guest pixel to one device pixel, or to
// 2×2, 3×3 on dense displays, where single pixels are too small to read; isDense: one to one even there.
/** @returns {[number, number]} */
export function wishedSize(width, height, ratio, isDense = false) {
  const dense = isDense ? 1 : Math.max(1, Math.floor(ratio + 0.25));
  const scale = ratio / dense;
  const shorter = Math.max(1, Math.min(width, height) * scale);
  const enlarge = Math.max(1, SMALLEST / shorter);
  const side = (length) => Math.max(1, Math.min(MAX_SCREEN, Math.floor(length * scale * enlarge)));
  return [side(width), side(height)];
}

// Device pixels per guest pixel, before zooming. `exact` says that it is a whole number.
//   fit    as large as fits
//   sharp  the largest whole number that fits; where not even one does, as large as fits
//   exact  one
function factorOf(box, screen, ratio, mode) {
  if (mode === "exact") return { factor: 1, exact: true };
  const free = Math.min((box.width * ratio) / screen.width, (box.height * ratio) / screen.height);
  const below = Math.floor(free + 1e-6);
  if (mode === "sharp" && below >= 1) return { factor: below, exact: true };
  const whole = Math.round(free);
  // A guest that rounds its size down by a few pixels stays sharp, with a thin border.
  const exact = whole >= 1 && free >= whole && (free - whole) / whole < 0.03;
  return { factor: exact ? whole : free, exact };
}

// Where the guest's screen goes in the box, in proportion. All results in CSS pixels; `scale` is CSS pixels per
// guest pixel, `exact` says that guest pixels fall on device pixels.
// view: {mode, zoom: at least 1, centre: {x, y}, which part of the screen (0…1) is in the middle where it is larger than
// the box, scale: to be kept whatever the box is}.
export function fit(box, screen, ratio, { mode = "fit", zoom = 1, centre = { x: 0.5, y: 0.5 }, scale: kept = 0 } = {}) {
  const { factor, exact: isWhole } = factorOf(box, screen, ratio, mode);
  const exact = isWhole && Number.isInteger(factor * zoom) && !kept;
  const scale = kept || (factor * zoom) / ratio;
  const [width, height] = [screen.width * scale, screen.height * scale];
  const snap = (length) => Math.round(length * ratio) / ratio;
  const start = (room, length, part) => {
    if (length <= room + 0.01) return snap((room - length) / 2);
    return snap(Math.max(room - length, Math.min(0, room / 2 - part * length)));
  };
  return { left: start(box.width, width, centre.x), top: start(box.height, height, centre.y), width, height, scale, exact };
}

// What is in the middle when the picture moves by {x, y} CSS pixels and grows by `factor` around `place`.
export function moved(box, placed, place, by, factor) {
  const part = (room, start, length, at, move) => (room / 2 - (at + move - (at - start) * factor)) / (length * factor);
  return {
    x: part(box.width, placed.left, placed.width, place.x, by.x),
    y: part(box.height, placed.top, placed.height, place.y, by.y),
  };
}

// How fast the picture is to move while the pointer is near an edge beyond which there is more of it, as a share of the
// full speed, −1…1 each way.
export function edgePull(box, placed, place, margin) {
  const side = (room, start, length, at) => {
    if (length <= room + 0.01) return 0;
    if (at < margin && start < 0) return Math.min(1, (margin - at) / margin);
    if (at > room - margin && start + length > room) return -Math.min(1, (at - room + margin) / margin);
    return 0;
  };
  return { x: side(box.width, placed.left, placed.width, place.x), y: side(box.height, placed.top, placed.height, place.y) };
}

// The guest's pixel under a place in the box; places outside count as the nearest edge.
export function toGuest(place, placed, screen) {
  const side = (position, start, length) =>
    Math.max(0, Math.min(length - 1, Math.floor((position - start) / placed.scale)));
  return { x: side(place.x, placed.left, screen.width), y: side(place.y, placed.top, screen.height) };
}
