// What people who help do to sessions: to one, or to all that were chosen.

import { request } from "../api.js";
import { ask } from "../dialog.js";
import { announce, h, icon } from "../dom.js";
import { form, sheet } from "../parts/form.js";
import { at } from "../parts/frame.js";
import { mayTo } from "../rights.js";
import { t } from "../strings.js";
import { nameOf } from "./sessionlist.js";
import { processes } from "./processes.js";

const MAX_WAIT = 300; // seconds that the server waits for an answer at most

// → what may be done to these sessions: [{key, label, icon, danger, run()}]. frame: the page, for complaints.
export function actionsFor(frame, sessions) {
  const person = frame.app.user;
  const all = (action) => sessions.length > 0 && sessions.every((each) => mayTo(person, action, each));
  const [one] = sessions.length === 1 ? sessions : [];
  const isOthers = one && one.user !== person.name;
  const steer = (key) => () => toEach(frame, sessions, key);
  const entries = [
    all("message") && { key: "message", icon: "text", run: () => message(frame, sessions) },
    isOthers && all("shadow") && { key: "view", icon: "eye", run: () => look(one, "view") },
    isOthers && all("shadow") && all("shadow-control") && { key: "control", icon: "keyboard", run: () => look(one, "control") },
    one && all("inspect") && { key: "processes", icon: "pulse", run: () => processes(frame, one, all("kill")) },
    all("disconnect") && { key: "disconnect", icon: "unplug", run: steer("disconnect") },
    all("log-off") && { key: "log-off", icon: "leave", run: steer("log-off") },
    all("reset") && { key: "reset", icon: "power", danger: true, run: steer("reset") },
  ];
  return entries.filter(Boolean).map(({ run, ...each }) => ({ ...each, label: t(`act.${each.key}`), run: () => frame.try(run) }));
}

export function actionButtons(actions) {
  return actions.map(({ key, label, icon: picture, danger, run }) => h("button", {
    type: "button", class: danger ? "button small is-danger" : "button small", "data-act": key, onclick: run,
  }, icon(picture), label));
}

function look({ id }, way) {
  window.open(`/session/${encodeURIComponent(id)}?shadow=${way}`, "_blank", "noopener");
}

// Asks where something may be lost, or where many are meant.
async function toEach(frame, sessions, key) {
  const isAsked = key !== "disconnect" || sessions.length > 1;
  if (isAsked && !(await ask(question(sessions, key)))) return;
  const failed = [];
  for (const session of sessions) {
    try {
      await request("POST", `${at`sessions/${session.id}`}/${key}`, {});
    } catch (error) {
      if (error.status === 401) throw error;
      if (error.status !== 404 && error.status !== 410) failed.push(`${nameOf(session)}: ${error.message}`);
    }
  }
  announce(t(`act.${key}.done`, { count: sessions.length - failed.length }));
  if (failed.length) frame.complain(failed.slice(0, 3).join(" "));
}

function question(sessions, key) {
  const [{ title, user }] = sessions;
  const values = { title, user, count: sessions.length };
  const text = t(`act.${key}.${sessions.length === 1 ? "text" : "texts"}`, values);
  const heading = t(`act.${key}.${sessions.length === 1 ? "ask" : "asks"}`, values);
  return { title: heading, text, confirm: t(`act.${key}`), danger: key === "reset" };
}

async function message(frame, sessions) {
  const [first] = sessions;
  const whom = sessions.length === 1 ? nameOf(first) : t("message.many", { count: sessions.length });
  const sent = await form({
    title: t("message.title"), text: t("message.to", { whom }), confirm: t("message.send"),
    fields: [
      { name: "text", type: "textarea", label: t("message.text"), required: true, maxlength: 2000 },
      { name: "seconds", type: "number", label: t("message.seconds"), hint: t("message.seconds.hint"), value: 60, min: 0, max: 86400, required: true },
      { name: "wait", type: "checkbox", label: t("message.wait"), hint: t("message.wait.hint") },
    ],
    submit: async (values) => {
      const body = { ...values, sessions: sessions.map(({ id }) => id) };
      if (!body.wait) return (await request("POST", "sessions/message", body)).messages;
      if (body.seconds < 1 || body.seconds > MAX_WAIT) throw new Error(t("message.wait.limit", { seconds: MAX_WAIT }));
      return body;
    },
  });
  if (!sent) return;
  if (Array.isArray(sent)) done(frame, sent);
  else await answers(frame, sessions, sent);
}

function done(frame, messages) {
  const failed = messages.filter(({ answer }) => answer === "failed");
  announce(t("message.sent", { count: messages.length - failed.length }));
  if (failed.length) frame.complain(failed.map(({ user, error }) => `${user}: ${error}`).slice(0, 3).join(" "));
}

// What becomes of a message that somebody waits for.
async function answers(frame, sessions, body) {
  const states = new Map(sessions.map(({ id }) => [id, h("td", {}, t("message.waiting"))]));
  const rows = sessions.map((session) => h("tr", {}, h("th", { scope: "row" }, nameOf(session)), states.get(session.id)));
  const content = h("div", { class: "answers", role: "status" }, h("table", { class: "plain-table" }, h("tbody", {}, rows)));
  const { dialog } = sheet({ title: t("message.answers"), content });
  try {
    for (const { session, answer, error } of (await request("POST", "sessions/message", body)).messages) {
      states.get(session)?.replaceChildren(answer === "failed" ? error : t(`message.answer.${answer}`));
    }
  } catch (error) {
    dialog.close();
    throw error;
  }
}
