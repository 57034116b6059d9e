// What the roles of who has signed in allow, to offer what they may do and nothing else: pure. The server
// decides in any case.

// What everybody may do to sessions of their own (tsgateway/policy/rules.py).
const ONES_OWN = new Set(["list", "disconnect", "log-off", "reset", "measure", "inspect", "review", "peek"]);

// person: {name, roles: [{role, desktop, actions}]}, desktop null for a role that is for everything.
// desktop: the one it is about; without it, the gateway as a whole.
export function may(person, action, desktop = null) {
  return rolesOf(person).some((each) => [null, desktop].includes(each.desktop) && each.actions.includes(action));
}

// Whether any role allows it, if only for one desktop.
export function mayAnywhere(person, action) {
  return rolesOf(person).some((each) => each.actions.includes(action));
}

// session: {user, desktop}.
export function mayTo(person, action, session) {
  return (session.user === person.name && ONES_OWN.has(action)) || may(person, action, session.desktop);
}

// The pages of the portal that are worth showing to a person.
export function pagesFor(person) {
  const pages = [
    mayAnywhere(person, "list") && "sessions",
    may(person, "see-users") && "users",
    (mayAnywhere(person, "see-desktops") || may(person, "see-hosts")) && "desktops",
    may(person, "see-audit") && "audit",
  ];
  return pages.filter(Boolean);
}

function rolesOf(person) {
  return person.roles ?? [];
}
