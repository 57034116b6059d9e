// What people do to a session as a whole: from its card in the list, and from its toolbar.

import * as api from "./api.js";
import { ask } from "./dialog.js";
import { t } from "./strings.js";

// Entries of a menu, for the actions that are given.
/** @param {{ disconnect?: () => void, logOff?: () => void, reset?: () => void }} actions */
export function lifeItems({ disconnect, logOff, reset }) {
  const items = [
    disconnect && { label: t("life.disconnect"), hint: t("life.disconnect.hint"), icon: "unplug", action: disconnect },
    logOff && { label: t("life.logoff"), hint: t("life.logoff.hint"), icon: "leave", action: logOff },
    reset && { label: t("life.reset"), hint: t("life.reset.hint"), icon: "power", danger: true, action: reset },
  ];
  return items.filter(Boolean);
}

// Each asks first where something may be lost. → true when it is done, false when the person thought better of
// it. Throws ApiError, except when the session has ended meanwhile: then that is done.

export async function logOff(session, title, parent) {
  const words = { title: t("logoff.title"), text: t("logoff.text", { title }), confirm: t("logoff.confirm") };
  return (await ask({ ...words, danger: false, parent })) && over(api.logOff(session));
}

export async function reset(session, title, parent) {
  const words = { title: t("reset.title"), text: t("reset.text", { title }), confirm: t("reset.confirm") };
  return (await ask({ ...words, parent })) && over(api.reset(session));
}

async function over(request) {
  try {
    await request;
  } catch (error) {
    if (error.status !== 404 && error.status !== 410) throw error;
  }
  return true;
}
