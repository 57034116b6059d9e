// What the session's toolbar offers by itself; other parts bring entries of their own (see toolbar.js).

import { lifeItems } from "../life.js";
import { t } from "../strings.js";
import { themeItems } from "../theme.js";

export const COMBINATIONS = [
  ["Ctrl+Alt+Del", ["ControlLeft", "AltLeft", "Delete"]],
  ["Ctrl+Alt+Backspace", ["ControlLeft", "AltLeft", "Backspace"]],
  ["Ctrl+Esc", ["ControlLeft", "Escape"]],
  ["Ctrl+W", ["ControlLeft", "KeyW"]],
  ["Ctrl+T", ["ControlLeft", "KeyT"]],
  ["Alt+Tab", ["AltLeft", "Tab"]],
  ["Alt+F4", ["AltLeft", "F4"]],
  ["Ctrl+Alt+F1", ["ControlLeft", "AltLeft", "F1"]],
  ["Ctrl+Alt+F2", ["ControlLeft", "AltLeft", "F2"]],
  ["Super", ["MetaLeft"]],
  ["Print Screen", ["PrintScreen"]],
];

// actions: {combination(codes), mode(name), modeNow(), screenKeyboard(), textBox(), fullScreen()}.
export function inputEntries(actions) {
  return [
    { id: "full", kind: "button", icon: "full", label: t("session.full"), action: actions.fullScreen, keep: true },
    { id: "keys", kind: "menu", icon: "command", label: t("session.keys"), items: () => combinationItems(actions) },
    { id: "keyboard", kind: "menu", icon: "keyboard", label: t("session.keyboard"), items: () => keyboardItems(actions), keep: true },
  ];
}

// actions: {statistics(), picture(), disconnect(), logOff(), reset(), refocus()}.
export function sessionEntries(actions) {
  const disconnect = { label: t("session.disconnect"), hint: t("session.disconnect.hint"), icon: "unplug", action: actions.disconnect };
  return [
    { id: "statistics", kind: "item", icon: "pulse", label: t("session.statistics"), action: actions.statistics },
    { id: "picture", kind: "item", icon: "camera", label: t("session.picture"), action: actions.picture },
    { id: "theme", kind: "item", items: () => [{ heading: t("theme.label") }, ...themeItems(actions.refocus)] },
    { id: "life", kind: "item", items: () => [disconnect, ...lifeItems({ logOff: actions.logOff, reset: actions.reset })] },
    { id: "disconnect", kind: "button", ...disconnect, keep: true },
  ];
}

function combinationItems(actions) {
  return COMBINATIONS.map(([label, codes]) => ({ label, action: () => actions.combination(codes) }));
}

function keyboardItems(actions) {
  const choice = (mode) => ({
    label: t(`session.keyboard.${mode}`),
    hint: t(`session.keyboard.${mode}.hint`),
    checked: actions.modeNow() === mode,
    action: () => actions.mode(mode),
  });
  return [
    choice("keys"),
    choice("text"),
    null,
    { label: t("session.box"), icon: "text", action: actions.textBox },
    { label: t("session.keyboard.screen"), icon: "keyboard", action: actions.screenKeyboard },
  ];
}
