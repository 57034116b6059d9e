// What the session's toolbar offers by itself; other parts bring entries of their own (see toolbar.js).

import { lifeItems } from "../life.js";
import { t } from "../strings.js";
import { themeItems } from "../theme.js";
import { FINGERS, KEYBOARDS, SCALINGS, SIZES } from "./view.js";

const DENSE = 1.2; // device pixels per CSS pixel from which "as large as the window" can mean two things

const CTRL_ALT = ["ControlLeft", "AltLeft"];

// What no page is told of, because the system or the browser keeps it for itself: by purpose, as it is labelled.
export const COMBINATIONS = [
  { purpose: "system", combinations: [
    { label: "Ctrl+Alt+Del", codes: [...CTRL_ALT, "Delete"] },
    { label: "Ctrl+Alt+Backspace", codes: [...CTRL_ALT, "Backspace"] },
    { label: "Ctrl+Shift+Esc", codes: ["ControlLeft", "ShiftLeft", "Escape"] },
    { label: "Print Screen", codes: ["PrintScreen"] },
    { label: "Alt+Print Screen", codes: ["AltLeft", "PrintScreen"] },
    { label: "Ctrl+Alt+F1", codes: [...CTRL_ALT, "F1"] },
    { label: "Ctrl+Alt+F2", codes: [...CTRL_ALT, "F2"] },
    { label: "Ctrl+Alt+F7", codes: [...CTRL_ALT, "F7"] },
  ] },
  { purpose: "windows", combinations: [
    { label: "Super", codes: ["MetaLeft"] },
    { label: "Super+L", codes: ["MetaLeft", "KeyL"] },
    { label: "Ctrl+Esc", codes: ["ControlLeft", "Escape"] },
    { label: "Alt+Tab", codes: ["AltLeft", "Tab"] },
    { label: "Alt+F4", codes: ["AltLeft", "F4"] },
    { label: "Alt+Space", codes: ["AltLeft", "Space"] },
  ] },
  { purpose: "browser", combinations: [
    { label: "Ctrl+W", codes: ["ControlLeft", "KeyW"] },
    { label: "Ctrl+T", codes: ["ControlLeft", "KeyT"] },
    { label: "Ctrl+N", codes: ["ControlLeft", "KeyN"] },
    { label: "Ctrl+Tab", codes: ["ControlLeft", "Tab"] },
    { label: "Ctrl+Shift+T", codes: ["ControlLeft", "ShiftLeft", "KeyT"] },
    { label: "F11", codes: ["F11"] },
  ] },
];

// actions: {combination(codes), screenKeyboard(), textBox(), captures() → undefined where it cannot be, capture(on), fullScreen(), choose(name, value), view: a View, canResize:
// whether the guest's size is this viewer's to choose}.
export function inputEntries(actions) {
  return [
    { id: "full", kind: "button", icon: "full", label: t("session.full"), action: actions.fullScreen, keep: true },
    { id: "screen", kind: "menu", icon: "scale", label: t("session.screen"), items: () => screenItems(actions) },
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
  const groups = COMBINATIONS.map(({ purpose, combinations }) => [
    { heading: t(`session.keys.${purpose}`) },
    ...combinations.map(({ label, codes }) => ({ label, action: () => actions.combination(codes) })),
  ]);
  return groups.flat();
}

// name: one of View's. A choice is said by its key and explained by another, where there is one.
function choicesOf(actions, name, values, keys, hints = {}) {
  return values.map((value) => ({
    label: keys(value),
    hint: hints[value] ?? null,
    checked: actions.view[name] === value,
    action: () => actions.choose(name, value),
  }));
}

function screenItems(actions) {
  const hints = Object.fromEntries(SCALINGS.map((scaling) => [scaling, t(`session.scaling.${scaling}.hint`)]));
  const items = [
    { heading: t("session.scaling") },
    ...choicesOf(actions, "scaling", SCALINGS, (scaling) => t(`session.scaling.${scaling}`), hints),
  ];
  if (!actions.canResize) return items;
  const isDense = devicePixelRatio >= DENSE || actions.view.size === "dense";
  const sizes = SIZES.filter((size) => size !== "dense" || isDense);
  const label = (size) => (/^\d/.test(size) ? size.replace("x", " × ") : t(`session.size.${size}`));
  const sizeHints = { auto: t("session.size.auto.hint"), dense: t("session.size.dense.hint") };
  return [...items, null, { heading: t("session.size") }, ...choicesOf(actions, "size", sizes, label, sizeHints)];
}

function captureItem({ captures, capture }) {
  const on = captures();
  if (on === undefined) return [];
  return [{ label: t("session.capture"), hint: t("session.capture.hint"), checked: on, action: () => capture(!on) }];
}

function keyboardItems(actions) {
  const hints = Object.fromEntries(KEYBOARDS.map((mode) => [mode, t(`session.keyboard.${mode}.hint`)]));
  const fingerHints = Object.fromEntries(FINGERS.map((mode) => [mode, t(`session.fingers.${mode}.hint`)]));
  const fingers = [
    null,
    { heading: t("session.fingers") },
    ...choicesOf(actions, "fingers", FINGERS, (mode) => t(`session.fingers.${mode}`), fingerHints),
  ];
  return [
    ...choicesOf(actions, "keyboard", KEYBOARDS, (mode) => t(`session.keyboard.${mode}`), hints),
    null,
    { label: t("session.box"), icon: "text", action: actions.textBox },
    { label: t("session.keyboard.screen"), icon: "keyboard", action: actions.screenKeyboard },
    ...captureItem(actions),
    { label: t("session.keyboard.test"), hint: t("session.keyboard.test.hint"), icon: "info", action: () => open("/keys", "_blank", "noopener") },
    ...(matchMedia("(any-pointer: coarse)").matches ? fingers : []),
  ];
}
