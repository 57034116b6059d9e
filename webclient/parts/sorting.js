// The order of rows and which of them are shown: pure.

import { locale } from "../languages.js";

const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });

// Compares numbers and texts; what is null or undefined comes last.
export function compare(a, b) {
  const [isMissingA, isMissingB] = [a ?? null, b ?? null].map((each) => each === null);
  if (isMissingA || isMissingB) return Number(isMissingA) - Number(isMissingB);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}

// value(row): what is compared. Rows that are equal in it go by id(row), so that they do not change places.
export function sorted(rows, value, isDescending, id) {
  const keyed = rows.map((row) => ({ row, key: value(row) ?? null }));
  const order = (a, b) => {
    if (a.key === null || b.key === null) return compare(a.key, b.key) || compare(id(a.row), id(b.row));
    return (isDescending ? compare(b.key, a.key) : compare(a.key, b.key)) || compare(id(a.row), id(b.row));
  };
  return keyed.sort(order).map(({ row }) => row);
}

// Whether every word of `query` is in one of the texts, whatever its case.
export function matches(texts, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = texts.join("\n").toLowerCase();
  return words.every((word) => all.includes(word));
}
