"""How long people wait after a kill -9: `python -m bench.recovery [--times 5]`.

A gateway kept by `serve --keep`, a session host that the gateway keeps, and a viewer that comes back by the
browser client's rules. Each is killed several times; docs/resilience.md says what the product promises.

serving: from the kill until the gateway answers an HTTPS request and its session hosts are back.
reattached: from the kill until the viewer has its picture again.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from sessions.images import recipe
from tests.faults.follower import Account, Follower
from tests.faults.kept import Kept, kept
from tests.images_fixture import tiny_image

DESKTOPS = """
[desktops.card]
title = "Test card"
kind = "testcard"
groups = ["users"]
fps = 0

[desktops.tiny]
title = "Tiny"
kind = "qemu"
template = "tiny"
groups = ["users"]
"""
PAUSE = 11.0
"""Between two kills, seconds: what died long after its start is started again at once."""


def kill(gateway: Kept, what: str) -> tuple[float, int]:
    """kill -9; return when, and which session host is not to be counted any more."""
    victims = [gateway.gateway_pid] * (what != "host") + [gateway.host_pids()[0]] * (what != "gateway")
    at = time.monotonic()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    return at, 0 if what == "gateway" else victims[-1]


def serving(gateway: Kept, account: Account, session: str, dead: int) -> float:
    """Wait until the session can be used again; return when."""
    while True:
        try:
            account.post(f"sessions/{session}/ticket")
            if gateway.host_pids().get(0, dead) != dead:
                return time.monotonic()
        except Exception:  # refused, reset, 503: not yet
            time.sleep(0.02)


@contextmanager
def watched(desktop: str) -> Iterator[tuple[Kept, Account, Follower]]:
    """A gateway, and somebody who watches a desktop."""
    with kept(DESKTOPS, images=tiny_image().folder.parent) as gateway:
        account = Account(gateway.port)
        follower = Follower(account, account.open(desktop))
        follower.next("picture", seconds=180)
        yield gateway, account, follower
        follower.stop()
        account.end(follower.session)


def measure(desktop: str, times: int, say: Callable[[str], None]) -> None:
    """Kill each, and print a line for each."""
    with watched(desktop) as (gateway, account, follower):
        for what in ("gateway", "host", "both"):
            rows = []
            for _ in range(times):
                time.sleep(PAUSE)
                at, dead = kill(gateway, what)
                up = serving(gateway, account, follower.session, dead) - at
                rows.append((up, follower.next("picture", at).at - at))
            serves, attached = zip(*rows, strict=True)
            say(
                f"{desktop:8} {what:8} serving {statistics.median(serves):5.2f} s (most {max(serves):5.2f}), "
                f"reattached {statistics.median(attached):5.2f} s (most {max(attached):5.2f})"
            )


@click.command()
@click.option("--times", default=5, show_default=True, help="How often each is killed.")
@click.option("--guest/--no-guest", default=True, help="Measure a QEMU guest's session, too.")
def main(times: int, guest: bool) -> None:
    """Kill the gateway, a session host and both, and tell how long people wait."""
    recipe.default_cache().mkdir(parents=True, exist_ok=True)
    for desktop in ("card", "tiny") if guest else ("card",):
        measure(desktop, times, click.echo)


if __name__ == "__main__":
    main()
