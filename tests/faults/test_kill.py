"""kill -9 of the gateway, of a session host, of both, of a guest: what people see of it, and what not.

How long it takes is measured by bench/recovery.py; here it has to happen.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from sessions.guests.testcard import frame
from sessions.pixels.geometry import Size
from sessions.wire import tsg
from tests.e2e.machine import Machine, wait_for
from tests.faults.follower import Account, Follower
from tests.faults.kept import Kept, kept
from tests.images_fixture import tiny_image

DESKTOPS = """
[desktops.card]
title = "Test card"
kind = "testcard"
groups = ["users"]
fps = 0

[desktops.film]
title = "Moving"
kind = "testcard"
groups = ["users"]
fps = 15

[desktops.tiny]
title = "Tiny"
kind = "qemu"
template = "tiny"
groups = ["users"]

[guests.qemu]
accelerator = "tcg"
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Kept]:
    with kept(DESKTOPS, users=("ada", "bob"), images=tiny_image().folder.parent, hosts=2) as made:
        yield made


class Pair:
    """Ada's session on one host and Bob's on the other, both watched."""

    def __init__(self, gateway: Kept, hers: str, his: str) -> None:
        self.accounts = [Account(gateway.port, user) for user in ("ada", "bob")]
        opened = [account.open(desktop) for account, desktop in zip(self.accounts, (hers, his), strict=True)]
        self.ada, self.bob = (
            Follower(account, session) for account, session in zip(self.accounts, opened, strict=True)
        )
        for each in self.all:
            each.next("picture", seconds=120)

    @property
    def all(self) -> tuple[Follower, Follower]:
        return self.ada, self.bob

    def close(self) -> None:
        for account, follower in zip(self.accounts, self.all, strict=True):
            follower.stop()
            if not follower.first("over", 0):
                account.end(follower.session)


@pytest.fixture
def pair(gateway: Kept) -> Iterator[Pair]:
    made = Pair(gateway, "card", "film")
    yield made
    made.close()


def host_of(gateway: Kept, follower: Follower) -> int:
    """The number of the host that has its session."""
    (folder,) = (each for each in gateway.sessions(follower.account.user) if each.name == follower.session)
    return int(folder.parent.parent.name)


def kill(gateway: Kept, what: str, follower: Follower) -> None:
    before = gateway.gateway_pid, gateway.host_pids()
    number = host_of(gateway, follower)
    if what in ("host", "both"):
        gateway.kill_host(number)
    if what in ("gateway", "both"):
        gateway.kill_gateway()
        wait_for(lambda: gateway.gateway_pid != before[0], "another gateway")
    if what in ("host", "both"):
        wait_for(lambda: gateway.host_pids().get(number) not in (None, before[1][number]), "another host")
    else:
        assert gateway.host_pids() == before[1]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["gateway", "host", "both"])
def test_viewers_come_back_by_themselves(gateway: Kept, pair: Pair, what: str) -> None:
    at = time.monotonic()
    kill(gateway, what, pair.ada)
    pair.ada.next("picture", at)
    pair.ada.sees(lambda: frame(0, Size(800, 600)) & 0xFFFFFF)  # it follows the viewer
    if what == "host":
        assert pair.bob.first("lost", at) is None, "the neighbour saw it"
    else:
        pair.bob.next("picture", at)
    frames = pair.bob.frames
    pair.bob.wait(lambda: pair.bob.frames > frames + 5, "his picture goes on")
    assert [len(gateway.sessions(user)) for user in ("ada", "bob")] == [1, 1]


@pytest.mark.slow
def test_who_connects_while_it_starts_again_gets_the_same_session(gateway: Kept, pair: Pair) -> None:
    """Neither gateway nor hosts have told anybody anything yet."""
    pair.ada.stop()
    kill(gateway, "both", pair.ada)
    assert pair.accounts[0].open("card") == pair.ada.session
    assert len(gateway.sessions("ada")) == 1


@pytest.mark.qemu
def test_a_start_that_was_cut_off_is_begun_anew(gateway: Kept) -> None:
    ada = Account(gateway.port)
    session = ada.open("tiny")
    wait_for(lambda: gateway.sessions("ada"), "its folder")
    follower = Follower(ada, session)
    gateway.kill_host(host_of(gateway, follower))
    try:
        follower.next("picture", seconds=120)
        assert [folder.name for folder in gateway.sessions("ada")] == [session]
    finally:
        follower.stop()
        ada.end(session)


@pytest.mark.qemu
def test_a_machine_runs_on_and_its_death_is_told(gateway: Kept) -> None:
    pair = Pair(gateway, "tiny", "film")
    try:
        (folder,) = gateway.sessions("ada")
        with Machine(folder) as guest:
            at = time.monotonic()
            kill(gateway, "both", pair.ada)
            pair.ada.next("picture", at)
            assert guest.process.alive
            pair.ada.send(tsg.Key(1, 37, 0))
            pair.ada.send(tsg.Key(0, 37, 0))
            guest.says("key 37 down", "key 37 up")
            pair.ada.sees(guest.screen)
            at, frames = time.monotonic(), pair.bob.frames
            os.kill(guest.process.pid, signal.SIGKILL)
        over = pair.ada.next("over", at)
        assert over.code == tsg.CloseCode.SESSION_ENDED
        assert "guest" in over.why
        pair.bob.wait(lambda: pair.bob.frames > frames + 5, "his picture goes on")
        assert pair.bob.first("lost", at) is None
        wait_for(lambda: not folder.exists(), "its folder goes")
    finally:
        pair.close()
