// The server's sentences for people, in the language of this page. The server speaks English only; strings/told/ has
// its sentences in other languages. What is not there, a later version's sentence above all, is said as it came.

import { FALLBACK, language } from "../languages.js";
import { fill } from "../strings.js";

// What stands in a {place} of a sentence; where it is not named here, some words.
const PARTS = {
  time: "less than a minute|\\d+ (?:second|minute|hour)s?",
  what: ".+?[.!]", // another sentence, or several
};
const WORDS = ".{1,200}?";

// table: {times, sentences} of a file of strings/told/.
export function compiled({ times, sentences }) {
  const known = Object.entries(sentences).map(([english, own]) => ({ pattern: patternOf(english), english, own }));
  return { times, known };
}

// english: a sentence with {places}, of which one may stand in it several times.
function patternOf(english) {
  const seen = new Set();
  const parts = english.split(/\{(\w+)\}/).map((part, at) => {
    if (at % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    if (seen.has(part)) return `\\k<${part}>`;
    seen.add(part);
    return `(?<${part}>${PARTS[part] ?? WORDS})`;
  });
  return new RegExp(`^${parts.join("")}$`);
}

const ours = language === FALLBACK ? null : await import(`../strings/told/${language}.js`).then(
  (module) => compiled(module.default),
  () => null, // a language may do without
);

// text: what the server says. → the same in the person's language.
export function spoken(text, table = ours) {
  for (const { pattern, own } of table?.known ?? []) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined && !pattern.test(text)) continue;
    const { time, what, ...values } = groups ?? {};
    return fill(own, { ...values, time: time && spokenTime(time, table.times), what: what && spoken(what, table) });
  }
  return text;
}

function spokenTime(time, times) {
  const [, count, unit] = /^(\d+) (\w+?)s?$/.exec(time) ?? [];
  return unit ? fill(times[unit], { count }) : times.less;
}
