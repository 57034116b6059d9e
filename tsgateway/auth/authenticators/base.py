"""The contract of authenticators: who say who somebody is.

The gateway makes one object of each section [authenticators.NAME] when it starts, by calling what the entry
point names with the name, the settings and `Surroundings`; and calls `close` when it stops. An authenticator
has one of two shapes:

- it is given a name and a password (`PasswordAuthenticator`), as directories are, or PAM;
- it sends people elsewhere and judges what they come back with (`RedirectAuthenticator`), as OpenID Connect.

Both are asked on the reactor's thread and must not hold it up: what blocks goes to `Surroundings.threads`.
The gateway gives them a limited time and a limited number of questions at once, believes no answer that is
too large or of the wrong form (`tsgateway/auth/asking.py`), and gives them accounts of their own only: what
one of them says is never about an account that another one checks.

AuthenticatorError      the text is a sentence for the person
├── Unavailable         it cannot be asked now; `detail` is for the log, and names what does not answer
├── Declined            it said no, for a reason that the person should hear
└── SettingsWrong       (when it is made) the settings cannot be used; the text is for the operator

What raises anything else is taken as unavailable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel
from twisted.internet.defer import Deferred

T = TypeVar("T")


class AuthenticatorError(Exception):
    """Nobody is let in; the text is for the person."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        # Others' words: they must not make lines of their own in the log.
        self.detail = "".join(each if each.isprintable() else " " for each in (detail or message)[:1000])


class Unavailable(AuthenticatorError):
    """It cannot be asked now."""


class Declined(AuthenticatorError):
    """It said no, for a reason to be told."""


class SettingsWrong(AuthenticatorError):
    """It cannot be made of these settings."""


class Identity(NamedTuple):
    """Who somebody is.

    key: what the authenticator calls them for ever, also when they are renamed; name: what their account is
    to be called, small letters, digits, ".", "_", "@" and "-", at most 64; groups: under their names there.
    """

    key: str
    name: str
    display_name: str = ""
    groups: frozenset[str] = frozenset()


class Departure(NamedTuple):
    """Where to send somebody. kept: what `finish` has to know of it, which nobody else sees."""

    url: str
    kept: Mapping[str, str]


class InThread(Protocol):
    """Runs a blocking call on a thread."""

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Return what the call returns, or its exception."""


class LocalPasswords(Protocol):
    """What the authenticator of local accounts asks: nobody else's business."""

    async def check(self, name: str, password: str) -> bool:
        """Tell whether it is the password of a local account, always at the same cost."""


@dataclass(frozen=True)
class Surroundings:
    """What an authenticator may use. threads: a few; wall: the Unix time."""

    reactor: Any
    threads: InThread
    wall: Callable[[], float]
    local: LocalPasswords


class PasswordAuthenticator(Protocol):
    """Checks a name and a password."""

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is, under the name that was asked for; None for a wrong name or password.

        name: of the form that `Identity.name` has; password: not empty. Raises Unavailable.
        """

    def close(self) -> None:
        """Let go of everything."""


class RedirectAuthenticator(Protocol):
    """Sends people elsewhere, and judges what they come back with."""

    async def begin(self, callback: str, state: str) -> Departure:
        """Return where to. callback: the address to come back to, with `state` in the query.

        Raises Unavailable.
        """

    async def finish(self, kept: Mapping[str, str], callback: str, query: Mapping[str, str]) -> Identity:
        """Return who came back. Raises Declined, Unavailable. It is called once for each departure."""

    def close(self) -> None:
        """Let go of everything."""


Authenticator = PasswordAuthenticator | RedirectAuthenticator


class Kind(Protocol):
    """What an entry point names: a class, mostly.

    Settings: the model of its section, with further keys than `AuthenticatorSection` has.
    """

    Settings: ClassVar[type[BaseModel]]

    def __call__(self, name: str, settings: Any, around: Surroundings) -> Authenticator:
        """Return an authenticator. Raises SettingsWrong."""
