// What the system is asked to show while another window is in front.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { alertPerson, alerts, turnAlerts } from "../../webclient/alerts.js";

let shown;
let hasFocus;
let kept;

class FakeNotification {
  static permission = "default";
  static answer = "granted";
  static asked = 0;
  static async requestPermission() {
    FakeNotification.asked += 1;
    FakeNotification.permission = FakeNotification.answer;
  }

  constructor(title, { body, tag }) {
    shown.push([title, body, tag]);
  }
}

beforeEach(() => {
  shown = [];
  hasFocus = false;
  kept = new Map();
  Object.assign(FakeNotification, { permission: "default", answer: "granted", asked: 0 });
  globalThis.Notification = FakeNotification;
  globalThis.document = { hasFocus: () => hasFocus };
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
});

test("nothing is shown, and nobody asked, before somebody wants it", () => {
  FakeNotification.permission = "granted";
  alertPerson("a", "b", "c");
  assert.deepEqual([shown, FakeNotification.asked, alerts()], [[], 0, "off"]);
});

test("who turns it on is asked once, and then told what they would not see", async () => {
  assert.equal(await turnAlerts(true), "on");
  hasFocus = true;
  alertPerson("seen", "anyway", "c");
  hasFocus = false;
  alertPerson("Message", "Lunch?", "asking-1");
  assert.deepEqual(shown, [["Message", "Lunch?", "asking-1"]]);
  assert.equal(await turnAlerts(false), "off");
  assert.equal(await turnAlerts(true), "on");
  assert.equal(FakeNotification.asked, 1);
});

test("a browser that forbids it, has none, keeps nothing or fails is no reason to fail", async () => {
  FakeNotification.answer = "denied";
  assert.equal(await turnAlerts(true), "denied");
  alertPerson("a", "b", "c");
  assert.deepEqual(shown, []);
  FakeNotification.permission = "granted";
  shown = null; // its constructor throws, as on phones
  alertPerson("a", "b", "c");
  globalThis.localStorage = new Proxy({}, { get: () => () => assert.fail("forbidden") });
  assert.equal(await turnAlerts(true), "off");
  delete globalThis.Notification;
  assert.equal(alerts(), "missing");
});
