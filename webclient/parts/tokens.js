// A token for programs, in words.

import { t } from "../strings.js";
import { moment } from "./times.js";

// A token in a line.
export function tokenText({ name, roles, read_only: isReadOnly, expires, used }) {
  return [
    name,
    isReadOnly && t("tokens.readonly"),
    roles && t("tokens.roles", { roles: roles.join(", ") || t("tokens.noroles") }),
    expires ? t("tokens.expires", { when: moment(expires) }) : t("tokens.forever"),
    used ? t("tokens.used", { when: moment(used) }) : t("tokens.unused"),
  ].filter(Boolean).join(" · ");
}
