"""A network between two real network namespaces, which can go dark without a word.

Nothing is refused and nobody is told: packets go to an address that nobody has, as behind a router that died.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

HERE, THERE = "198.18.77.1", "198.18.77.2"
"""Of the block for tests of networks (RFC 2544)."""
NOBODY = "02:00:00:00:00:01"


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Network:
    """This namespace, `HERE`, and another one, `THERE`, in which `inside` runs commands."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "3600"])
        self._near = f"tsgn{os.getpid() % 100_000}"
        self._far = f"tsgf{os.getpid() % 100_000}"
        self.inside = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--"]
        self._links: dict[str, str] = {}

    def open(self) -> None:
        """Join the two. Raises CalledProcessError where that is not permitted."""
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self._holder.pid}/ns/net") == ours:  # until unshare has done its part
            assert self._holder.poll() is None, "there can be no other network namespace"
        _run("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far,
             "netns", str(self._holder.pid))  # fmt: skip
        _run("ip", "address", "add", f"{HERE}/30", "dev", self._near)
        _run("ip", "link", "set", self._near, "up")
        for command in (
            ("ip", "address", "add", f"{THERE}/30", "dev", self._far),
            ("ip", "link", "set", self._far, "up"),
            ("ip", "link", "set", "lo", "up"),
        ):
            _run(*self.inside, *command)

    def cut(self) -> None:
        """Let every packet of both sides go nowhere."""
        self._neighbour("replace", "lladdr", NOBODY, "nud", "permanent")

    def heal(self) -> None:
        """Let them arrive again."""
        self._neighbour("del")

    def _neighbour(self, verb: str, *more: str) -> None:
        _run("ip", "neighbour", verb, THERE, "dev", self._near, *more)
        _run(*self.inside, "ip", "neighbour", verb, HERE, "dev", self._far, *more)

    def close(self) -> None:
        """The namespace goes, and with it both ends of the network."""
        self._holder.kill()
        self._holder.wait()


@contextmanager
def network() -> Iterator[Network]:
    """Two joined namespaces for a block; the test is skipped where they may not be made."""
    if os.geteuid() != 0:
        pytest.skip("only root may join network namespaces")
    made = Network()
    try:
        try:
            made.open()
        except (AssertionError, FileNotFoundError, subprocess.CalledProcessError) as error:
            pytest.skip(f"network namespaces cannot be joined here: {getattr(error, 'stderr', error)}")
        yield made
    finally:
        made.close()
