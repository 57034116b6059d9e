"""QEMU's process: started detached from us, and recognised again without mistaking another for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

_MAX_ERROR_TEXT = 16 * 1024


@dataclass(frozen=True)
class ProcessId:
    """A process for good: pids come again, but not with the same start time (clock ticks after boot)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Return the process that has `pid` now; None when there is none, or only its remains."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The name, in parentheses, may hold anything.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return ProcessId.of(self.pid) == self

    def cpu_seconds(self) -> float:
        """Return how long it has kept processors busy, to a hundredth of a second; 0 when it is gone."""
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def held_up_seconds(self) -> float:
        """Return how long its threads, added up, have waited for a processor while they could have run.

        0 when the process is gone.
        """
        waited = 0
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{self.pid}/task"):
                path = f"/proc/{self.pid}/task/{thread}/schedstat"
                with contextlib.suppress(OSError), open(path, "rb") as file:
                    waited += int(file.read().split()[1])
        return waited / 1e9

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it is gone."""
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.alive:  # so the descriptor is this one's, and stays it
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)


class QemuProcess:
    """A QEMU that we started.

    It has a session of its own and holds nothing of ours, so it goes on when we end. Its error output
    is a pipe that we let go of once it runs; what it writes then is lost, and cannot fill a disk.
    """

    def __init__(self, command: Sequence[str], descriptors: Sequence[int]) -> None:
        """Start it. Raises OSError."""
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
        )
        self._error_output = self._child.stderr
        if self._error_output is not None:
            os.set_blocking(self._error_output.fileno(), False)
        id = ProcessId.of(self._child.pid)
        self.id = id if id is not None else ProcessId(self._child.pid, -1)

    def exit_code(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        return self._child.poll()

    def error_text(self) -> str:
        """Return what it has complained about so far."""
        if self._error_output is None:
            return ""
        text = self._error_output.read(_MAX_ERROR_TEXT) or b""
        return text.decode(errors="replace").strip()

    def let_go(self) -> None:
        """Close its error output."""
        if self._error_output is not None:
            self._error_output.close()
            self._error_output = None
