"""What ends a command without having done its work, and the exit codes that say so to scripts."""

from __future__ import annotations

DONE = 0
CANNOT = 1
USAGE = 2
NO_RIGHT = 3
AWAY = 4
SIGNED_OUT = 5
INTERRUPTED = 130
"""As shells tell of Ctrl-C."""
CLOSED = 141
"""As shells tell of a program whose reader has gone (SIGPIPE)."""

EXIT_CODES = (
    (DONE, "It is done."),
    (CANNOT, "It cannot be done; the sentence says why: no such session, no answer, something is in use."),
    (USAGE, "The command line, or a file it names, is wrong. Nothing was done."),
    (NO_RIGHT, "Whoever asks has no right to it."),
    (AWAY, "The gateway cannot be reached, or it is not the one whose certificate is trusted."),
    (SIGNED_OUT, "Nobody is signed in there: no token, or it has expired or was revoked."),
    (INTERRUPTED, "Interrupted by Ctrl-C."),
    (CLOSED, "Whoever read the output has stopped reading."),
)


class Failed(Exception):
    """The command ends. code: for programs, as in the API; status: the exit code."""

    status = CANNOT

    def __init__(self, sentence: str, code: str = "cannot", status: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        if status is not None:
            self.status = status


class Cannot(Failed):
    """It cannot be done."""


class WrongUse(Failed):
    """The command line, or a file it names, is wrong."""

    status = USAGE


class NoRight(Failed):
    """Whoever asks may not do it."""

    status = NO_RIGHT


class Away(Failed):
    """The gateway cannot be reached."""

    status = AWAY


class SignedOut(Failed):
    """The gateway does not know who asks."""

    status = SIGNED_OUT
