"""Asks authenticators, and believes them nothing that could do harm.

One that is slow, raises, or answers something else than was asked is unavailable: people hear a sentence, the
log hears which one and why. One that has just failed is left alone for a moment, so that people do not wait
for it in vain; and only so many ask at one time, so that a slow one holds up nobody else's sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooSlow
from twisted.logger import Logger

from sessions import plugins
from tsgateway.auth.authenticators.base import (
    AuthenticatorError,
    Departure,
    Identity,
    SettingsWrong,
    Surroundings,
    T,
    Unavailable,
)
from tsgateway.auth.errors import Busy, SignInError
from tsgateway.config.authenticators import AuthenticatorSection, OtherSection
from tsgateway.errors import StartError
from tsgateway.store import Arrival, StoreUnavailable

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
"""Names of accounts and groups. Directories compare more freely (case, width, spaces), so a name that is not
of this form could be one of many spellings, each with a throttle of its own: it is nobody's."""
ASK_SECONDS = 20.0
PAUSE = 5.0
"""So long nobody asks one that just was unavailable, seconds."""
MAX_ASKED = 32
"""Questions at one time, to one authenticator."""
MAX_KEY = 1024
MAX_DISPLAY_NAME = 128
MAX_GROUPS = 10_000
MAX_GROUP = 1024
MAX_URL = 8192


class Source:
    """One authenticator under its name. kind: its plug-in's name."""

    log = Logger()

    def __init__(self, name: str, section: AuthenticatorSection, around: Surroundings) -> None:
        self.name = name
        self.section = section
        self.kind = section.kind
        self.title = section.title or name
        self._reactor = around.reactor
        self._groups = {theirs.casefold(): ours for theirs, ours in section.groups.items()}
        self._asked = 0
        self._until = 0.0
        self._made: Any = _make(name, section, around)
        self.redirects = hasattr(self._made, "begin")

    @property
    def method(self) -> str:
        """What a sign-in by it is called: "oidc:corp"."""
        return f"{self.kind}:{self.name}"

    async def check(self, name: str, password: str) -> Identity | None:
        """Ask about a name and a password. Raises AuthenticatorError."""
        identity = await self._ask(self._made.check, name, password)
        if identity is None:
            return None
        identity = self._sane(identity)
        if identity.name != name:
            raise self._wrong(f"asked for {name!r}, it answered for {identity.name!r}")
        return identity

    async def begin(self, callback: str, state: str) -> Departure:
        """Ask where to send somebody. Raises AuthenticatorError."""
        departure = await self._ask(self._made.begin, callback, state)
        url = getattr(departure, "url", None)
        if not isinstance(url, str) or len(url) > MAX_URL or not url.startswith(("https://", "http://")):
            raise self._wrong("it named no address to send people to")
        return Departure(url, dict(departure.kept))

    async def finish(self, kept: Mapping[str, str], callback: str, query: Mapping[str, str]) -> Identity:
        """Ask who came back. Raises AuthenticatorError."""
        return self._sane(await self._ask(self._made.finish, kept, callback, query))

    def arrival(self, identity: Identity, *, adopts: bool) -> Arrival:
        """Return what the store is told of somebody whom it let in. adopts: see `Arrival`."""
        groups = {
            self._groups[each.casefold()] for each in identity.groups if each.casefold() in self._groups
        }
        return Arrival(
            self.name,
            identity.key,
            identity.name,
            identity.display_name,
            frozenset(groups),
            adopts,
            self.section.create,
        )

    def close(self) -> None:
        """Let go of everything."""
        try:
            self._made.close()
        except Exception:
            self.log.failure("the authenticator {name} cannot be closed", name=self.name)

    async def _ask(self, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        if self._reactor.seconds() < self._until:
            raise Unavailable(_sentence(self.title), f"{self.name} was just unavailable")
        if self._asked >= MAX_ASKED:
            raise Busy("Many people are signing in right now. Try again in a few seconds.")
        self._asked += 1
        try:
            return await _patiently(call, arguments, self._reactor)
        except Unavailable as error:
            self._until = self._reactor.seconds() + PAUSE
            raise self._wrong(error.detail, str(error)) from None
        except (AuthenticatorError, SignInError, StoreUnavailable):
            raise
        except TooSlow:
            self._until = self._reactor.seconds() + PAUSE
            raise self._wrong(f"it did not answer within {ASK_SECONDS:.0f} s") from None
        except Exception as error:
            self.log.failure("the authenticator {name} failed", name=self.name)
            raise self._wrong(f"it failed: {type(error).__name__}") from None
        finally:
            self._asked -= 1

    def _wrong(self, detail: str, message: str = "") -> Unavailable:
        """Tell the log, and return what the person is told."""
        error = Unavailable(message or _sentence(self.title), detail)
        self.log.error("no sign-in by {method}: {detail}", method=self.method, detail=error.detail)
        return error

    def _sane(self, identity: Any) -> Identity:
        """Return an answer that is of the right form and size. Raises Unavailable."""
        if not isinstance(identity, Identity):
            raise self._wrong("its answer is no identity")
        key, name, display_name, groups = identity
        if not all(isinstance(text, str) for text in (key, name, display_name)):
            raise self._wrong("its answer has parts that are no texts")
        if not 0 < len(key) <= MAX_KEY or not key.isprintable():
            raise self._wrong(f"its key is empty, not printable or longer than {MAX_KEY} characters")
        if not NAME.fullmatch(name):
            raise self._wrong(f"{name[:80]!r} cannot be the name of an account here")
        if not isinstance(groups, frozenset) or len(groups) > MAX_GROUPS:
            raise self._wrong(f"it named more than {MAX_GROUPS} groups")
        if not all(isinstance(group, str) and len(group) <= MAX_GROUP for group in groups):
            raise self._wrong(f"it named a group that is no text of up to {MAX_GROUP} characters")
        shown = "".join(character for character in display_name[:MAX_DISPLAY_NAME] if character.isprintable())
        return Identity(key, name, shown, groups)


def _patiently(call: Callable[..., Awaitable[T]], arguments: tuple[Any, ...], reactor: Any) -> Deferred[T]:
    """Return what comes of a call; TooSlow after `ASK_SECONDS`, also where it goes on when told to stop."""

    async def awaited() -> T:
        return await call(*arguments)

    asked = Deferred.fromCoroutine(awaited())
    answer: Deferred[T] = Deferred(lambda _: asked.cancel())
    asked.addBoth(lambda result: None if answer.called else answer.callback(result))
    return answer.addTimeout(ASK_SECONDS, reactor)


def _sentence(title: str) -> str:
    return f"{title} cannot be reached at the moment, so nobody can be signed in by it. Try again later."


def _make(name: str, section: AuthenticatorSection, around: Surroundings) -> Any:
    """Make an authenticator of its section. Raises StartError."""
    try:
        kind = plugins.load("authenticator", section.kind)
        settings = (
            kind.Settings.model_validate(section.model_dump()) if type(section) is OtherSection else section
        )
        return kind(name, settings, around)
    except plugins.PluginError as error:
        raise StartError(f"[authenticators.{name}] kind: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StartError(f"[authenticators.{name}] {where}: {first['msg']}") from None
    except SettingsWrong as error:
        raise StartError(f"[authenticators.{name}]: {error}") from None
