"""The product as it runs where nothing may stop it: a gateway that is started again when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.gateway import ROOT, RealGateway, holder
from tests.e2e.machine import wait_for


class Kept(RealGateway):
    """`tsgateway serve --keep`. environment: of the gateway and of all that it starts."""

    environment: Mapping[str, str] = {}
    served = ("serve", "--keep")

    def start(self) -> None:
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command(*self.served),
                cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **self.environment},
            )  # fmt: skip
        self._wait()

    @property
    def gateway_pid(self) -> int:
        """The gateway itself, by the lock it holds."""
        return int(wait_for(lambda: holder(self.folder / "data/lock"), "a gateway", self.log.read_text))

    def host_pids(self) -> dict[int, int]:
        """The session hosts that run, by their numbers."""
        locks = (self.folder / "data/hosts").glob("*/guests/lock")
        found = {int(lock.parent.parent.name): holder(lock) for lock in locks}
        return {number: pid for number, pid in found.items() if pid is not None}

    def kill_gateway(self) -> int:
        """kill -9; return the pid that was."""
        pid = self.gateway_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_host(self, number: int = 0) -> int:
        """kill -9; return the pid that was."""
        pid = self.host_pids()[number]
        os.kill(pid, signal.SIGKILL)
        return pid


@contextmanager
def kept(desktops: str, kind: type[Kept] = Kept, **options: object) -> Iterator[Kept]:
    """A gateway for a block. At its end all is gone: sessions, guests, files, whatever was started."""
    gateway = kind(desktops, **options)  # type: ignore[arg-type]
    try:
        yield gateway
    finally:
        gateway.stop()
        assert not gateway.folder.exists()
        wait_for(lambda: not users_of(gateway.folder), "the end of all", lambda: users_of(gateway.folder))


def users_of(folder: Path) -> dict[int, str]:
    """Processes that have something below a folder open, be it removed: what somebody forgot to end."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                opened = [os.readlink(each) for each in (entry / "fd").iterdir()]
                if any(each.startswith(f"{folder}/") for each in opened):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(entry.name)] = command[:200].decode(errors="replace")
    return found
