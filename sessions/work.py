"""What a session does in the background: one thing at a time, and what becomes of it if that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from sessions.displays.base import DisplayError
from sessions.guests.base import GuestError
from sessions.lifecycle import EndReason

log = Logger()

FAULT = "The desktop cannot go on: an internal error, see the session host's log."


class Work:
    """The work of one session.

    name: the session's. done: called when something has come to an end and nothing else was begun.
    failed: ends the session, with a sentence for people.
    """

    def __init__(
        self, name: str, done: Callable[[], None], failed: Callable[[str, EndReason], Awaitable[None]]
    ) -> None:
        self._name = name
        self._done = done
        self._failed = failed
        self._doing: Deferred[None] | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether there is some."""
        return self._doing is not None

    def begin(self, what: Coroutine[Any, Any, None], failing: EndReason) -> None:
        """Do something. failing: what it means if the guest or its display say no."""

        async def guarded() -> None:
            try:
                await what
            except (GuestError, DisplayError) as error:
                self.note(error)
                self._doing = None  # so that the end does not cancel it
                await self._failed(str(error), failing)
            except CancelledError:
                pass
            except Exception:
                log.failure("session {id} cannot go on", id=self._name)
                self._doing = None
                await self._failed(FAULT, EndReason.FAULT)

        self._doing = doing = Deferred.fromCoroutine(guarded())
        doing.addBoth(lambda _: self._ended(doing))

    def cancel(self) -> None:
        """Do it no more."""
        doing, self._doing = self._doing, None
        if doing is not None:
            doing.cancel()

    def note(self, error: GuestError | DisplayError) -> None:
        """Write to the log what a guest or a display says, with what is for the operator."""
        detail = error.detail or "no details"
        log.warn("session {id}: {error} ({detail})", id=self._name, error=str(error), detail=detail)

    def _ended(self, doing: Deferred[None]) -> None:
        if self._doing is doing:
            self._doing = None
            self._done()
