"""Somebody sets the clock by an hour, forth and back: libfaketime does so for gateway and session hosts.

It leaves the monotonic clock alone, as setting the clock does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.follower import Account, Follower
from tests.faults.kept import Kept, kept

DESKTOPS = """
[desktops.film]
title = "Moving"
kind = "testcard"
groups = ["users"]
fps = 15

[desktops.other]
title = "Another"
kind = "testcard"
groups = ["users"]
fps = 15
"""
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
HOUR = 3600
WATCHED = 9
"""Seconds: longer than silence may last before either end cuts the line."""


class Shifted(Kept):
    """A gateway whose clock can be set. Nobody keeps it: the library disturbs how the parent sleeps."""

    served = ("serve",)

    def start(self, shift: int = 0) -> None:
        self.clock = self.folder / "clock"
        self.set(shift)
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        super().start()

    def set(self, seconds: int) -> None:
        """Set the clock to so many seconds beside the right time."""
        aside = self.clock.with_suffix(".new")
        aside.write_text(f"{seconds:+d}")
        aside.rename(self.clock)


@pytest.fixture
def gateway() -> Iterator[Shifted]:
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed")
    with kept(DESKTOPS, kind=Shifted) as made:
        assert isinstance(made, Shifted)
        yield made


@pytest.mark.slow
def test_nothing_is_lost(gateway: Shifted) -> None:
    ada = Account(gateway.port)
    film = Follower(ada, ada.open("film"))
    film.next("picture")
    for shift in (HOUR, -HOUR):
        at, frames = time.monotonic(), film.frames
        gateway.set(shift)
        other = ada.open("other")  # signed in still, and new sessions begin
        assert abs(started(ada, "other") - (time.time() + shift)) < HOUR / 2, "the clock was not set"
        film.wait(lambda at=at: time.monotonic() > at + WATCHED, "some time")
        film.wait(lambda frames=frames: film.frames > frames + 30, "the picture goes on")
        assert film.first("lost", at) is None
        ada.end(other)
        Account(gateway.port)
    for shift in (-HOUR, HOUR):  # two hours pass by the clock, and people may be idle for one
        at = time.monotonic()
        gateway.kill()
        gateway.start(shift)
        film.next("picture", at)
    film.stop()
    ada.end(film.session)


def started(account: Account, desktop: str) -> float:
    """When a session was started, by the session host's clock."""
    shown = account.get("desktops")["desktops"]
    return float(next(each["session"]["started"] for each in shown if each["id"] == desktop))
