// Notifications of the system: what a person should hear of while another window is in front. There are none until
// somebody turns them on, in this browser (pages/account.js).

import { asset } from "./dom.js";

const KEY = "tsgateway.alerts";

// → "missing" where the browser has none, "denied" where it forbids them to this page, else "on" or "off".
export function alerts() {
  if (!globalThis.Notification) return "missing";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && isWanted() ? "on" : "off";
}

// The browser asks the person, the first time. → as alerts().
export async function turnAlerts(isOn) {
  try {
    if (isOn) localStorage.setItem(KEY, "on");
    else localStorage.removeItem(KEY);
  } catch {
    return "off"; // storage is forbidden: it would be forgotten at once
  }
  if (isOn && Notification.permission === "default") await Notification.requestPermission();
  return alerts();
}

// Says what would not be seen. tag: a newer one of it takes the place of the older.
export function alertPerson(title, text, tag) {
  if (document.hasFocus() || alerts() !== "on") return;
  try {
    const shown = new Notification(title, { body: text, tag, icon: asset("images/icon-192.png") });
    shown.onclick = () => {
      globalThis.focus();
      shown.close();
    };
  } catch {
    // Phones let only service workers show them. The page says it all the same.
  }
}

function isWanted() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}
