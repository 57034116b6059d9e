// Times as people read them. Unix times in seconds.

import { locale } from "../languages.js";
import { t } from "../strings.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// How long something took, in its two largest units.
export function duration(seconds) {
  if (seconds < MINUTE) return t("time.moment");
  if (seconds < HOUR) return t("time.minutes", { minutes: Math.floor(seconds / MINUTE) });
  if (seconds < DAY) {
    return t("time.hours", { hours: Math.floor(seconds / HOUR), minutes: Math.floor((seconds % HOUR) / MINUTE) });
  }
  return t("time.days", { days: Math.floor(seconds / DAY), hours: Math.floor((seconds % DAY) / HOUR) });
}

const today = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const thisYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

// A time, as short as it can be without doubt; "" for none.
export function moment(unix, now = Date.now() / 1000) {
  if (!unix) return "";
  const [at, present] = [new Date(1000 * unix), new Date(1000 * now)];
  if (at.toDateString() === present.toDateString()) return today.format(at);
  return (at.getFullYear() === present.getFullYear() ? thisYear : whole).format(at);
}

// A time to the second. date: a Date.
export function exactly(date) {
  return exact.format(date);
}
