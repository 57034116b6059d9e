// A ticket works once and for seconds: it goes from page to page in memory, never through the address.

const tickets = new Map();

export function keepTicket(session, ticket) {
  tickets.clear();
  tickets.set(session, ticket);
}

// The ticket kept for a session, or null; it is gone then.
export function takeTicket(session) {
  const ticket = tickets.get(session) ?? null;
  tickets.delete(session);
  return ticket;
}
