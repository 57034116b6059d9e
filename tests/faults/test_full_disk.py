"""The disk of the data directory runs full under a gateway that serves: on a small file system in memory.

The test runs itself in a mount namespace, where that file system is all that the product may write to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.gateway import ROOT
from tests.e2e.machine import wait_for
from tests.faults.follower import Account, Follower, Lost
from tests.faults.kept import Kept, kept
from tests.sessions.images.test_full_disk import MOUNTED, NAMESPACE

DESKTOPS = """
[desktops.film]
title = "Moving"
kind = "testcard"
groups = ["users"]
fps = 15

[desktops.card]
title = "Test card"
kind = "testcard"
groups = ["users"]
"""


class Filling:
    """What takes all the room that is left."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "filling"

    def fill(self) -> None:
        with self._file.open("ab", 0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def clear(self) -> None:
        self._file.unlink()


def goes_on(film: Follower) -> None:
    frames = film.frames
    film.wait(lambda: film.frames > frames + 10, "the picture goes on")


def refused(account: Account) -> str:
    """What a person is told who wants a new session."""
    try:
        account.open("card", patience=0)
    except Lost as lost:
        return str(lost)
    raise AssertionError("there was room")


def live_sessions_go_on_and_new_ones_are_refused(gateway: Kept, small: Path) -> None:
    ada = Account(gateway.port)
    film = Follower(ada, ada.open("film"))
    film.next("picture")
    (folder,) = gateway.sessions()
    filling = Filling(small)
    filling.fill()
    goes_on(film)
    filling.fill()  # whoever could not write has let go of what was half written
    assert "No space left" in refused(ada)
    with pytest.raises(Lost, match="disk is full"):
        Account(gateway.port, "bob")
    at, host = time.monotonic(), gateway.kill_host()
    wait_for(lambda: gateway.host_pids().get(0) not in (None, host), "another session host")
    film.next("picture", at)
    goes_on(film)
    assert [each.name for each in folder.parent.iterdir() if each.is_dir()] == [folder.name], "half-made ones"
    filling.fill()
    at = time.monotonic()
    gateway.kill_gateway()  # it may not start again before there is room
    time.sleep(2)
    filling.clear()
    film.next("picture", at)
    goes_on(film)
    Account(gateway.port, "bob")
    card = ada.open("card")
    assert {each.name for each in gateway.sessions()} == {folder.name, card}
    film.stop()
    for session in (film.session, card):
        ada.end(session)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder in which the names of Unix sockets, 107 bytes at most, find room; pytest's has a long name."""
    with tempfile.TemporaryDirectory(prefix="tsg-") as folder:
        yield Path(folder)


@pytest.mark.slow
def test_live_sessions_go_on_and_new_ones_are_refused(short_path: Path) -> None:
    small = short_path
    mounted = [*NAMESPACE, "sh", "-c", MOUNTED, "sh", "24m", str(small)]
    tried = subprocess.run([*mounted, "true"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode:
        pytest.skip(f"no small file system can be mounted here: {tried.stderr.strip()}")
    program = [sys.executable, "-m", "tests.faults.test_full_disk", str(small)]
    environment = {**os.environ, "TMPDIR": str(small)}
    done = subprocess.run(
        [*mounted, *program], cwd=ROOT, env=environment, text=True, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]


if __name__ == "__main__":
    with kept(DESKTOPS, users=("ada", "bob")) as served:
        try:
            live_sessions_go_on_and_new_ones_are_refused(served, Path(sys.argv[1]))
        except BaseException:
            for log in (served.log, *served.folder.glob("data/hosts/*/host.log")):
                print(log.read_text(errors="replace")[-1500:])
            raise
