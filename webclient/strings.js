// Every sentence people read, in their language. strings/ has a file a language, and so has admin/strings/ for pages
// that few people open. A language is added by such files alone, and a line in languages.js.

import { FALLBACK, language, locale } from "./languages.js";

// The sentences of a folder: what the language lacks, it has from English. load(language): imports one file of it.
export async function tableOf(load) {
  const tables = await Promise.all([...new Set([FALLBACK, language])].map(async (each) => {
    try {
      return (await load(each)).default;
    } catch (error) {
      if (each === FALLBACK) throw error;
      return {}; // better English than nothing
    }
  }));
  return Object.assign({}, ...tables);
}

const sentences = await tableOf((each) => import(`./strings/${each}.js`));

// Adds the sentences of a page that was loaded later.
export function addStrings(table) {
  Object.assign(sentences, table);
}

// The sentence `key`, with {names} replaced from `values`.
export function t(key, values = {}) {
  const text = sentences[key];
  if (text === undefined) throw new Error(`no sentence "${key}"`);
  return fill(text, values);
}

// A sentence with {names} replaced from `values`.
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// before: how many people come before us.
export function waitingText(before) {
  if (before === 0) return t("desktops.waiting.next");
  return before === 1 ? t("desktops.waiting.one") : t("desktops.waiting.many", { count: before });
}

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const clockOfDay = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", weekday: "short" });

export function time(date) {
  return (date.toDateString() === new Date().toDateString() ? clock : clockOfDay).format(date);
}

const decimals = [0, 1].map((count) =>
  new Intl.NumberFormat(locale, { minimumFractionDigits: count, maximumFractionDigits: count, useGrouping: false }));

// A number as the language writes it, with `places` (0 or 1) decimals.
export function number(value, places = 0) {
  return decimals[places].format(value);
}

export function bytes(count) {
  if (count < 1000) return `${number(count)} B`;
  if (count < 1e6) return `${number(count / 1e3, 1)} kB`;
  return count < 1e9 ? `${number(count / 1e6, 1)} MB` : `${number(count / 1e9, 1)} GB`;
}

export function milliseconds(value) {
  return value === null ? "–" : `${number(value, value < 10 ? 1 : 0)} ms`;
}
