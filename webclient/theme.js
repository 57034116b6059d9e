// Light or dark: as the system has it, unless the person chose.

import { t } from "./strings.js";

const KEY = "tsgateway.theme";
const ICONS = { auto: "auto", light: "sun", dark: "moon" };

function stored() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme in ICONS ? theme : "auto";
  } catch {
    return "auto"; // storage may be forbidden
  }
}

export function applyTheme(theme = stored()) {
  document.documentElement.dataset.theme = theme;
}

function choose(theme) {
  applyTheme(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The choice then holds for this page.
  }
}

export function themeIcon() {
  return ICONS[document.documentElement.dataset.theme];
}

// Menu entries to choose one; done() is called after a choice.
export function themeItems(done = () => {}) {
  const current = document.documentElement.dataset.theme;
  return Object.keys(ICONS).map((theme) => ({
    label: t(`theme.${theme}`),
    checked: theme === current,
    action: () => {
      choose(theme);
      done();
    },
  }));
}
