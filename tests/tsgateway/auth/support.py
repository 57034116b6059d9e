"""Signing in with real parts and clocks that stand still."""

from __future__ import annotations

from pathlib import Path

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from tsgateway.auth import assembly
from tsgateway.auth.passwords import Passwords
from tsgateway.auth.sign_in import SignIn
from tsgateway.config import Config
from tsgateway.store import open_store

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
HERE = "192.0.2.1"
PASSWORD = "correct horse battery"
NOW = 1_900_000_000.0
"""Unix time; a multiple of 30 plus 10 s."""


def at_once(call, *arguments) -> Deferred:
    """Stands for a thread: the call is made now."""
    return maybeDeferred(call, *arguments)


def result(coroutine):
    """What a coroutine returns that waits for nothing, or its exception."""
    outcome: list = []
    deferred = Deferred.fromCoroutine(coroutine)
    deferred.addBoth(outcome.append)
    assert outcome, "it waits"
    if hasattr(outcome[0], "raiseException"):
        outcome[0].raiseException()
    return outcome[0]


class House:
    """A data directory with ada (administrator) and bob, and what signs them in."""

    def __init__(self, folder: Path, monkeypatch=None, **sections) -> None:
        folder.mkdir(exist_ok=True)
        self.config = Config.model_validate({"data": {"directory": folder}, **sections})
        self.folder = folder
        self.clock = Clock()
        self.now = NOW
        self.events: list = []
        self.store = open_store(self.config.data, folder / "tsgateway.db")
        for name, groups in (("ada", {"administrators"}), ("bob", set())):
            if self.store.user(name) is None:
                self.store.add_user(name, CHEAP.hash(PASSWORD), groups, 0)
        self.sign_in = self._made()

    def note(self, event) -> None:
        self.events.append(event)

    def _made(self) -> SignIn:
        made = assembly.make_sign_in(
            self.config,
            store=self.store,
            passwords=CHEAP,
            seal=self.folder / "secrets.key",
            journal=self,
            database=at_once,
            hashing=at_once,
            directories=at_once,
            reactor=self.clock,
            wall=lambda: self.now,
        )
        made.factors._wall = lambda: self.now
        return made

    def restart(self) -> None:
        self.store.close()
        self.store = open_store(self.config.data, self.folder / "tsgateway.db")
        self.sign_in = self._made()

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.now += seconds
