// Light or dark, as the system has it unless the person chose; with high contrast for who chose that, or asks the
// system for it.

import { t } from "./strings.js";

const KEY = "tsgateway.theme";
const ICONS = { auto: "auto", light: "sun", dark: "moon", contrast: "contrast" };
const MORE = "(prefers-contrast: more)";

function stored() {
  try {
    const theme = localStorage.getItem(KEY);
    return Object.hasOwn(ICONS, theme) ? theme : "auto";
  } catch {
    return "auto"; // storage may be forbidden
  }
}

function apply(theme) {
  const { dataset } = document.documentElement;
  dataset.theme = theme;
  dataset.contrast = theme === "contrast" || matchMedia(MORE).matches ? "more" : "usual";
}

export function applyTheme() {
  apply(stored());
  matchMedia(MORE).addEventListener("change", () => apply(present()));
}

export const themes = Object.keys(ICONS);

// → which one is shown now.
export function present() {
  return document.documentElement.dataset.theme;
}

// theme: one of `themes`.
export function choose(theme) {
  apply(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The choice then holds for this page.
  }
}

export function themeIcon() {
  return ICONS[present()];
}

// Menu entries to choose one; done() is called after a choice.
export function themeItems(done = () => {}) {
  return themes.map((theme) => ({
    label: t(`theme.${theme}`),
    checked: theme === present(),
    action: () => {
      choose(theme);
      done();
    },
  }));
}
