// The menu of how the page looks and which language it speaks, at the top of every page.

import { iconButton, setIcon } from "./dom.js";
import { chooseLanguage, language, LANGUAGES } from "./languages.js";
import { menuButton } from "./menu.js";
import { t } from "./strings.js";
import { themeIcon, themeItems } from "./theme.js";

export function appearance() {
  const button = iconButton(themeIcon(), t("appearance.label"));
  const items = () => [
    { heading: t("theme.label") },
    ...themeItems(() => setIcon(button, themeIcon())),
    null,
    { heading: t("language.label") },
    ...Object.entries(LANGUAGES).map(([code, name]) => ({
      label: name, lang: code, checked: code === language, action: () => code !== language && chooseLanguage(code),
    })),
  ];
  return menuButton(button, items, t("appearance.label"));
}
