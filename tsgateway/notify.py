"""Tells the service manager how the gateway stands (sd_notify(3)): one datagram on a socket it names."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping


class Notifier:
    """Where to tell; nowhere when no service manager asks for it.

    interval: seconds between signs of life, None when none are wanted: half of what the manager waits for.

    What says so is taken out of the environment: session hosts and guests do not answer for the gateway.
    """

    def __init__(self, environment: MutableMapping[str, str], pid: int) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        whose = environment.pop("WATCHDOG_PID", str(pid))
        is_ours = bool(self._address) and microseconds.isdecimal() and whose == str(pid)
        self.interval = int(microseconds) / 2e6 if is_ours else None

    @classmethod
    def ours(cls) -> Notifier:
        """Return this process's own."""
        return cls(os.environ, os.getpid())

    def tell(self, *words: str) -> None:
        """Tell a state, as in `READY=1`. That it cannot be told is no reason to stop."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.sendto("\n".join(words).encode(), self._address)
