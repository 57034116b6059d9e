"""What can go wrong with a request; drawn as a tree in the package's description."""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """A request was not carried out; the text is a sentence for people.

    status: of HTTP, 0 where there was no answer; code: for programs; reference: what the administrator finds
    more under, "" without one; retry_after: seconds until another try makes sense, None where not known.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        reference: str = "",
        retry_after: float | None = None,
        answer: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.reference = reference
        self.retry_after = retry_after
        self.answer = answer or {}


class ServerAway(ClientError):
    """Nothing answers there, or not as a gateway does."""


class WrongCertificate(ServerAway):
    """Who answers there cannot be trusted.

    reason: `expired`, `not_yet`, `other_host`, `unknown` (nobody known here vouches for it), or `changed` (it
    is not the one that was pinned).
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ViewerClosed(ClientError):
    """A desktop is not shown any more. close_code: `CloseCode` of whoever closed it, None for a cut."""

    def __init__(self, message: str, close_code: int | None = None) -> None:
        super().__init__(message)
        self.close_code = close_code


class TookTooLong(ClientError):
    """What was waited for has not happened in time."""


class NotSignedIn(ClientError):
    """Nobody has signed in, or the token is good no more."""


class NoRight(ClientError):
    """One may not do this."""


class NotThere(ClientError):
    """There is nothing of that name, or no more."""


class Refused(ClientError):
    """It cannot be done as asked."""


class Unavailable(ClientError):
    """It cannot be done now."""


_KINDS: dict[int, type[ClientError]] = {
    401: NotSignedIn,
    403: NoRight,
    404: NotThere,
    410: NotThere,
    429: Unavailable,
}


def error_of(status: int, answer: dict[str, Any], retry_after: str | None) -> ClientError:
    """Return the error an answer stands for."""
    told = answer.get("error")
    told = told if isinstance(told, dict) else {}
    kind = _KINDS.get(status, Unavailable if status >= 500 else Refused)
    wait = answer.get("retry_after", retry_after)
    try:
        seconds = None if wait is None else float(wait)
    except (TypeError, ValueError):
        seconds = None
    return kind(
        str(told.get("message") or f"The server answered with the status {status}."),
        status=status,
        code=str(told.get("code", "")),
        reference=str(told.get("reference") or ""),
        retry_after=seconds,
        answer=answer,
    )
