// Which desktop a session belongs to, and how that is started again when the session is over.

import * as api from "../api.js";
import { t, waitingText } from "../strings.js";
import { keepTicket } from "../tickets.js";

// {desktop, title} of a session, or null when that is not known.
export async function desktopOf(session) {
  const desktops = await api.desktops().catch(() => []);
  const found = desktops.find(({ session: one, sessions = [] }) => [one, ...sessions].some((each) => each?.id === session));
  return found ? { desktop: found.id, title: found.title } : null;
}

// known: {desktop, title}; size: as api.connect has it; tell(text): why it takes a while, or cannot be done; goesOn():
// whether it is still wanted. Goes to the page of the new session.
export async function startAgain(app, known, size, tell, goesOn) {
  try {
    const given = await api.connect(known.desktop, size, (before) => tell(waitingText(before)), goesOn);
    if (given === null) return;
    keepTicket(given.session, given.ticket);
    app.go(`/session/${encodeURIComponent(given.session)}`, known);
  } catch (error) {
    if (error.status === 401) app.signedOut(t("signin.again"));
    else tell(error.message);
  }
}
