"""A desktop to record: an X server without a screen, a window manager, a terminal, a browser, and xdotool.

with Desktop() as desktop:
    desktop.browser("page.html", Rect(600, 60, 1260, 960))
    desktop.do("type", "hello")
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.peers.base import PeerError
from bench.peers.processes import running, xvfb
from bench.traces import HEIGHT, WIDTH
from sessions.pixels.geometry import Rect

PACKAGES = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xterm": "xterm",
    "xdotool": "xdotool",
    "xsetroot": "x11-xserver-utils",
    "chromium": "chromium",
    "ffmpeg": "ffmpeg",
}
_WINDOW_SECONDS = 30.0
_BROWSER = (
    "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--password-store=basic",
    "--disable-features=Translate,MediaRouter", "--hide-crash-restore-bubble", "--test-type",
    "--autoplay-policy=no-user-gesture-required", "--force-device-scale-factor=1", "--lang=en-GB",
)  # fmt: skip


class DesktopError(Exception):
    """The desktop cannot be started; says what is missing."""


def need(*commands: str) -> None:
    """Raise DesktopError, with what to install, if one of these commands is not there."""
    absent = sorted({PACKAGES[command] for command in commands if shutil.which(command) is None})
    if absent:
        raise DesktopError(f"it takes these Debian packages: apt-get install {' '.join(absent)}")


class Desktop:
    """A running desktop of 1920×1080. display: its X display. folder: for files, gone at the end."""

    def __init__(self) -> None:
        need("Xvfb", "openbox", "xterm", "xdotool", "xsetroot")
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tsg-desktop-")))
            try:
                self.display, _ = stack.enter_context(xvfb(WIDTH, HEIGHT))
            except PeerError as error:
                raise DesktopError(str(error)) from error
            self._environment = os.environ | {
                "DISPLAY": self.display,
                "HOME": str(self.folder),
                "XDG_CONFIG_HOME": str(self.folder / "config"),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
            }
            stack.enter_context(self._started("openbox"))
            self._wait(lambda: self.do("get_desktop"), "the window manager did not start")
            subprocess.run(["xsetroot", "-solid", "#35506b"], env=self._environment, check=False)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _started(self, *command: str) -> contextlib.AbstractContextManager[int]:
        return running(command, environment=self._environment)

    def do(self, *words: str) -> str:
        """Have xdotool do something; return what it says."""
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def terminal(self, columns: int, rows: int, x: int, y: int, command: Sequence[str] = ()) -> str:
        """Open a terminal, with a shell or this command; return its window."""
        shell = ["-e", *command] if command else ["-e", "sh"]
        words = ["xterm", "-fa", "Monospace", "-fs", "11", "-geometry", f"{columns}x{rows}+{x}+{y}"]
        self._stack.enter_context(self._started(*words, *shell))
        return self._window("xterm")

    def browser(self, page: Path, where: Rect) -> str:
        """Open a page in a browser window; return the window. Raises DesktopError."""
        need("chromium")
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        profile = self.folder / "browser"
        geometry = [f"--window-position={where.x},{where.y}", f"--window-size={where.width},{where.height}"]
        words = ["chromium", *_BROWSER, *root, f"--user-data-dir={profile}", *geometry]
        self._stack.enter_context(self._started(*words, page.as_uri()))
        window = self._window("chromium")
        time.sleep(3)  # until the page is painted: nothing tells it from outside
        return window

    def _window(self, kind: str) -> str:
        found = self._wait(
            lambda: self.do("search", "--onlyvisible", "--class", kind), f"{kind} did not open a window"
        )
        return found.split()[-1]

    @staticmethod
    def _wait(answer: Callable[[], str], else_say: str) -> str:
        """Return the answer as soon as there is one. Raises DesktopError."""
        deadline = time.monotonic() + _WINDOW_SECONDS
        while time.monotonic() < deadline:
            if said := answer():
                return said
            time.sleep(0.1)
        raise DesktopError(f"{else_say} within {_WINDOW_SECONDS:.0f} s")
