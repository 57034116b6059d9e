// What the session's toolbar offers by itself; other parts bring entries of their own (see toolbar.js).

import { lifeItems } from "../life.js";
import { t } from "../strings.js";
import { themeItems } from "../theme.js";

const CTRL_ALT = ["ControlLeft", "AltLeft"];

// What no page is told of, because the system or the browser keeps it for itself: by purpose, as it is labelled.
export const COMBINATIONS = [
  ["system", [
    ["Ctrl+Alt+Del", [...CTRL_ALT, "Delete"]],
    ["Ctrl+Alt+Backspace", [...CTRL_ALT, "Backspace"]],
    ["Ctrl+Shift+Esc", ["ControlLeft", "ShiftLeft", "Escape"]],
    ["Print Screen", ["PrintScreen"]],
    ["Alt+Print Screen", ["AltLeft", "PrintScreen"]],
    ["Ctrl+Alt+F1", [...CTRL_ALT, "F1"]],
    ["Ctrl+Alt+F2", [...CTRL_ALT, "F2"]],
    ["Ctrl+Alt+F7", [...CTRL_ALT, "F7"]],
  ]],
  ["windows", [
    ["Super", ["MetaLeft"]],
    ["Super+L", ["MetaLeft", "KeyL"]],
    ["Ctrl+Esc", ["ControlLeft", "Escape"]],
    ["Alt+Tab", ["AltLeft", "Tab"]],
    ["Alt+F4", ["AltLeft", "F4"]],
    ["Alt+Space", ["AltLeft", "Space"]],
  ]],
  ["browser", [
    ["Ctrl+W", ["ControlLeft", "KeyW"]],
    ["Ctrl+T", ["ControlLeft", "KeyT"]],
    ["Ctrl+N", ["ControlLeft", "KeyN"]],
    ["Ctrl+Tab", ["ControlLeft", "Tab"]],
    ["Ctrl+Shift+T", ["ControlLeft", "ShiftLeft", "KeyT"]],
    ["F11", ["F11"]],
  ]],
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
  const groups = COMBINATIONS.map(([purpose, combinations]) => [
    { heading: t(`session.keys.${purpose}`) },
    ...combinations.map(([label, codes]) => ({ label, action: () => actions.combination(codes) })),
  ]);
  return groups.flat();
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
