"""`tsadmin top` and `events`: what happens now."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from typing import Any

import click

from tsgateway.admin import columns, overview
from tsgateway.admin.command import Gateway, Said, command
from tsgateway.admin.errors import Away
from tsgateway.admin.gauge import Gauge
from tsgateway.admin.overview import Row, View
from tsgateway.admin.place import Near
from tsgateway.admin.text import clean
from tsgateway.client import ClientError

QUIET = 0.3
"""Seconds that must lie between two looks, however much happens."""
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME, REST_OF_LINE, REST = "\x1b[H", "\x1b[K", "\x1b[J"
NAMED = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down", "\x1b[5~": "page up",
    "\x1b[6~": "page down", "\x1b[H": "home", "\x1b[F": "end", "k": "up", "j": "down", " ": "page down",
}  # fmt: skip
MEASURING = 0.5
"""Seconds of each look for asking where sessions' time goes, one by one: keys wait meanwhile."""


@command(
    "top",
    examples=(
        ("tsadmin top", "sessions, and where the time of each goes, until you press q"),
        ("tsadmin top | head", "once, as text"),
    ),
)
@click.option("--every", type=click.FloatRange(0.5, 3600), default=2.0, show_default=True, help="Seconds.")
@click.option("--sort", type=click.Choice(list(overview.SORTS)), default="t", show_default=True,
              help="By id, user, state, idle time (d) or total time.")  # fmt: skip
def top(gateway: Gateway, every: float, sort: str) -> Said | None:
    """Show sessions as they are now, and where the time of each goes.

    TOTAL: 95 of 100 inputs are seen within so many milliseconds; then what of it the guest, the gateway, the
    line and the viewer take, and which of them is slow. Keys: i, u, s, d, t sort; r turns round; arrows
    scroll; q ends. What changes is shown at once. Where there is no terminal, or with --json, it is said
    once.
    """
    view = View(sort)
    as_json = click.get_current_context().params.get("as_json")
    if as_json or not (sys.stdout.isatty() and sys.stdin.isatty()):
        rows = overview.ordered(Gauge(gateway.client).look(), view)
        return Said(overview.told(rows), overview.lines(rows, time.time(), 120), head=True)
    _Screen(gateway, every, view).run()
    return None


@command(
    "events",
    examples=(
        ("tsadmin events", "what begins, changes and ends, until Ctrl-C"),
        ("tsadmin events --json", "the same, a JSON object a line"),
    ),
)
def events(gateway: Gateway) -> Iterator[Said]:
    """Tell of sessions as they begin, change and end, until Ctrl-C."""
    for event in gateway.following().follow():
        if event.kind == "sessions":
            continue  # the whole list: what is, not what happens
        told = {"event": event.kind, "at": time.time(), **event.told}
        yield Said(told, [_sentence(event.kind, event.told)])
    raise Away("the gateway tells no more: it is being stopped, or you are signed out", code="ended")


def _sentence(kind: str, told: dict[str, Any]) -> str:
    clock = f"{time.strftime('%H:%M:%S')}  {kind:<8}"
    if "number" not in told:
        return clock.rstrip()
    where = f" at {told['name']}" if told.get("name") else ""
    words = f"{told['number']}  {told['user']}  {told['desktop']}  {columns.state(told)}{where}"
    return clean(f"{clock}  {words}  {told.get('text', '')}".rstrip())


class _Screen:
    """The terminal, while `top` has it."""

    def __init__(self, gateway: Gateway, every: float, view: View) -> None:
        self._gateway = gateway
        self._every = every
        self._view = view
        self._rows: list[Row] = []
        self._gauge = Gauge(gateway.client)
        where = gateway.place
        self._where = "this machine" if isinstance(where, Near) else where.server.removeprefix("https://")
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def run(self) -> None:
        """Show it until the person has enough. Raises ClientError."""
        self._rows = self._gauge.look(MEASURING)  # what is wrong is said before the screen is taken
        before = termios.tcgetattr(0)
        old = signal.signal(signal.SIGWINCH, lambda *_: self._nudge(b"w"))
        threading.Thread(target=self._follow, daemon=True).start()
        try:
            tty.setcbreak(0)
            self._write(ENTER)
            self._loop()
        finally:
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # an impatient person gets a whole terminal all the same
            self._write(LEAVE)
            termios.tcsetattr(0, termios.TCSADRAIN, before)
            signal.signal(signal.SIGWINCH, old)

    def _loop(self) -> None:
        looked = time.monotonic()
        changed = False
        while True:
            self._draw()
            due = looked + (QUIET if changed else self._every)
            ready, _, _ = select.select([0, self._woken], [], [], max(0.0, due - time.monotonic()))
            if self._woken in ready:
                changed |= b"e" in os.read(self._woken, 4096)
            if 0 in ready and not self._keys(os.read(0, 1024).decode(errors="replace")):
                return
            if time.monotonic() >= looked + (QUIET if changed else self._every):
                self._rows = self._gauge.look(MEASURING)
                looked, changed = time.monotonic(), False

    def _keys(self, typed: str) -> bool:
        """Take keys; False when one of them ends it."""
        rest = typed
        while rest:
            name = next((each for each in NAMED if rest.startswith(each)), rest[0])
            rest = rest[len(name) :]
            if name in ("q", "Q", "\x04"):
                return False
            self._view = overview.pressed(self._view, NAMED.get(name, name), len(self._rows), self._page())
        return True

    def _page(self) -> int:
        return max(1, shutil.get_terminal_size().lines - 4)

    def _draw(self) -> None:
        width, height = shutil.get_terminal_size()
        page = self._page()
        self._view = overview.pressed(self._view, "", len(self._rows), page)
        rows = overview.ordered(self._rows, self._view)[self._view.first : self._view.first + page]
        title, *table = overview.lines(rows, time.time(), width)
        clock = time.strftime("%H:%M:%S")
        shown = [
            overview.head(self._rows, self._where, clock)[:width],
            "",
            click.style(title, bold=True),
            *table,
        ]
        shown += [""] * (height - 1 - len(shown))
        shown = [*shown[: height - 1], click.style(overview.KEYS[:width], dim=True)]
        if click.get_current_context().color is False:
            shown = [click.unstyle(line) for line in shown]
        self._write(HOME + f"{REST_OF_LINE}\r\n".join(shown) + REST_OF_LINE + REST)

    def _follow(self) -> None:
        """Hear of what happens, in a thread of its own; when that ends, there is still the clock."""
        with contextlib.suppress(ClientError, OSError):
            for _ in self._gateway.following().follow():
                self._nudge(b"e")

    def _nudge(self, why: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, why)

    def _write(self, shown: str) -> None:
        sys.stdout.write(shown)
        sys.stdout.flush()
