// The vectors that the Python side made, with byte fields as bytes.

import { readFileSync } from "node:fs";

import { FROM_SERVER, FROM_VIEWER } from "../../webclient/wire/tsg.js";

export const BYTES = new Set(["ticket", "pixels", "history", "data", "samples"]);

export function read(name) {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf-8"));
}

export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const toHex = (bytes) => Buffer.from(bytes).toString("hex");

export const known = (side) => (side === "viewer" ? FROM_VIEWER : FROM_SERVER);

// A message as the vectors write it → as the codec has it, and back.
export function revive(fields) {
  const value = (name, field) => {
    if (BYTES.has(name)) return fromHex(field);
    return name === "operations" ? field.map(revive) : field;
  };
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, value(name, field)]));
}

export function plain({ name: _, ...fields }) {
  const value = (name, field) => {
    if (BYTES.has(name)) return toHex(field);
    return name === "operations" ? field.map(plain) : field;
  };
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, value(name, field)]));
}
