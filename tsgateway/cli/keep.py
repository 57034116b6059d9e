"""`tsgateway serve --keep`: a parent that starts the gateway again when it has died.

It is for those who have no service manager; with one, systemd/tsgateway.service does the same and more. The
parent loads next to nothing and does one thing, so that it does not die of what the gateway died of.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import click

BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits before it is started again, seconds: none the first time, since people look at their desktops."""
STEADY_AFTER = 10.0
"""A gateway that ran this long has done well: its next death counts as the first, seconds."""
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Keeper:
    """Keeps one command running until it ends by itself or somebody ends it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._child: subprocess.Popen[bytes] | None = None
        self._is_ending = False

    def run(self) -> int:
        """Run it, again and again; return its exit status, negative for a signal."""
        for number in PASSED_ON:
            signal.signal(number, self._pass_on)
        deaths = 0
        while True:
            begun = time.monotonic()
            # In a group of its own: Ctrl-C reaches it once, from here.
            self._child = subprocess.Popen(self._command, process_group=0)
            if self._is_ending:
                self._child.terminate()
            status = self._child.wait()
            if time.monotonic() - begun >= STEADY_AFTER:
                deaths = 0
            elif status > 0 and deaths == 0:
                return status  # it has never run, and said why
            if status == 0 or self._is_ending:
                return status
            self._pause(BACK_OFF[min(deaths, len(BACK_OFF) - 1)], status)
            deaths += 1

    def _pause(self, seconds: float, status: int) -> None:
        how = (
            f"was ended by {signal.Signals(-status).name}" if status < 0 else f"has failed (status {status})"
        )
        click.echo(f"tsgateway: the gateway {how} and is started again; desktops go on running.", err=True)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._is_ending:
            time.sleep(0.05)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        self._is_ending = True
        if self._child is not None and self._child.returncode is None:
            self._child.send_signal(number)


def keep() -> None:
    """Run this very command without `--keep` under a keeper, and exit as it does."""
    arguments = [argument for argument in sys.orig_argv[1:] if argument != "--keep"]
    status = Keeper([sys.executable, *arguments]).run()
    sys.exit(status if status >= 0 else 128 - status)
