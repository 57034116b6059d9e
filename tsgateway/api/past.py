"""GET /api/v1/sessions: who had which session, in pages; one's own, and for administrators everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsgateway.exchange import ApiError
from tsgateway.policy import Action, Owned, Subject, authorize
from tsgateway.store import Cursor, History, Ran
from tsgateway.store.access import Access
from tsgateway.store.history import MAX_PAGE

EVERYBODY = ""
"""As whose sessions are asked for: nobody has this name."""
LIMIT = 100
"""Sessions on a page, when nobody says how many."""
_KNOWN = frozenset({"after", "limit", "user", "desktop", "since"})


class Past:
    """Answers from the table of sessions."""

    def __init__(self, access: Access, history: History) -> None:
        self._access = access
        self._history = history

    async def page(self, subject: Subject, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one page. Raises ApiError for a query that is none, StoreUnavailable."""
        if unknown := query.keys() - _KNOWN:
            raise _bad(f"{min(unknown)!r} is not known here; known: {', '.join(sorted(_KNOWN))}")
        user = query.get("user")
        if not authorize(subject, Action.REVIEW, Owned(user or EVERYBODY, None)):
            if user is not None:
                raise ApiError(403, "not_yours", "Only administrators see the sessions of others.")
            user = subject.name
        try:
            after = Cursor.read(query["after"]) if "after" in query else None
            limit = int(query.get("limit", LIMIT))
            since = float(query["since"]) if "since" in query else None
        except (ValueError, OverflowError):
            raise _bad(
                "limit is a number, since a Unix time, after what an earlier page ended with"
            ) from None
        if not 1 <= limit <= MAX_PAGE:
            raise _bad(f"limit is 1 to {MAX_PAGE}")

        def read() -> tuple[list[Ran], Cursor | None]:
            return self._history.page(
                after=after, limit=limit, user=user, desktop=query.get("desktop"), since=since
            )

        sessions, end = await self._access(read)
        shown = [row._asdict() for row in sessions]
        return {"sessions": shown, "after": None if end is None else str(end)}


def _bad(message: str) -> ApiError:
    return ApiError(400, "bad_request", f"{message}.")
