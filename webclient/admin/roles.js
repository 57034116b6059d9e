// Roles of a person or a group: which there are, giving one, taking one away.

import { request } from "../api.js";
import { ask } from "../dialog.js";
import { announce } from "../dom.js";
import { form } from "../parts/form.js";
import { at, button } from "../parts/frame.js";
import { t } from "../strings.js";
import { lines, section } from "../parts/panel.js";

const ROLES = ["helpdesk", "auditor", "operator", "template-manager", "owner"]; // what does least harm first

// What members of this group are without having been given it.
const OWNERS = [{ role: "owner", group: "administrators", desktop: null }];

// whose: {user} or {group}, by name. context: as in users.js.
export function rolesOf({ frame, known, mayGive, refresh }, whose) {
  const [[kind, name]] = Object.entries(whose);
  const have = known.roles.filter((each) => each[kind] === name);
  const groups = kind === "user" ? (known.users.find((each) => each.name === name)?.groups ?? []) : [];
  const items = have.map((each) => [
    each.desktop ? t("roles.for", { role: t(`role.${each.role}`), desktop: titleOf(known, each.desktop) }) : t(`role.${each.role}`),
    mayGive && button(t("roles.take"), () => take(each), {
      class: "button small", "data-key": `role-${each.id}`, "aria-label": t("roles.take.of", { role: t(`role.${each.role}`), name }),
    }),
  ]);
  for (const { role, group, desktop } of [...OWNERS, ...known.roles].filter((each) => (kind === "user" ? groups.includes(each.group) : each.group === name && !each.id))) {
    const values = { role: t(`role.${role}`), group, desktop: desktop && titleOf(known, desktop) };
    items.push([kind === "group" ? values.role : t(desktop ? "roles.by.for" : "roles.by", values), null]);
  }
  const give = mayGive && button(t("roles.give"), () => giveOne(), { class: "button small", "data-key": "give" });
  return section(t("roles.title"), lines(items, t("roles.none")), give);

  async function take(role) {
    const text = t("roles.take.text", { role: t(`role.${role.role}`), name });
    if (!(await ask({ title: t("roles.take.ask"), text, confirm: t("roles.take") }))) return;
    await frame.try(() => request("DELETE", at`roles/${role.id}`));
    announce(t("roles.taken"));
    await refresh();
  }

  async function giveOne() {
    const given = await form({
      title: t("roles.give.title", { name }), confirm: t("roles.give"),
      fields: [
        { name: "role", type: "select", label: t("roles.role"), options: ROLES.map((each) => [each, `${t(`role.${each}`)} – ${t(`role.${each}.hint`)}`]) },
        { name: "desktop", type: "select", label: t("roles.desktop"), hint: t("roles.desktop.hint"), options: [["", t("roles.everything")], ...known.desktops] },
      ],
      submit: ({ role, desktop }) => request("PUT", "roles", { role, desktop: desktop || null, [kind]: name }),
    });
    if (!given) return;
    announce(t("roles.given"));
    await refresh();
  }
}

function titleOf(known, desktop) {
  return known.desktops.find(([id]) => id === desktop)?.[1] ?? desktop;
}
