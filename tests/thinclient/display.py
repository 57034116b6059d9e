"""A display of its own for a program with windows: Xvfb, a window manager, hands, and what is to be seen."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tests.e2e.machine import wait_for

GRAB = """
from Xlib import X, display
there = display.Display()
print(there.screen().root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime))
"""
"""Says 1, AlreadyGrabbed, where another program has the keyboard."""


class Display:
    """An X server of width × height; its screen is a file, so that looking takes nobody's time."""

    def __init__(self, width: int, height: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsx-")
        screen = ("-screen", "0", f"{width}x{height}x24", "-fbdir", self._folder.name)
        reading, writing = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), *screen, "-nolisten", "tcp", "-noreset", "-s", "0"],
            pass_fds=[writing], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb has not begun"
        outside = {
            key: value for key, value in os.environ.items() if not key.startswith(("TSCLIENT_", "QT_"))
        }
        self.environment = outside | {"DISPLAY": f":{number}"}
        self._windows = subprocess.Popen(
            ["openbox"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._is_managed, "a window manager")

    @property
    def file(self) -> Path:
        """The screen's memory."""
        return Path(self._folder.name) / "Xvfb_screen0"

    def screen(self) -> np.ndarray:
        """What is to be seen: height × width of 0xRRGGBB. The file is of the xwd format."""
        data = self.file.read_bytes()
        head = struct.unpack(">25I", data[:100])
        size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
        pixels = np.frombuffer(data, "<u4", line // 4 * height, size + 12 * colours)
        return pixels.reshape(height, line // 4)[:, :width] & 0xFFFFFF

    def do(self, *words: str) -> str:
        """Move the pointer, press keys: what xdotool can do. Returns what it says."""
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        self.do("key", *keys)

    def type(self, text: str) -> None:
        """Type a text and Return."""
        self.do("type", "--delay", "20", text)
        self.press("Return")

    def wait_for_window(self, title: str) -> None:
        """Wait until a window with this in its title has the keyboard."""
        wait_for(lambda: title in self.active(), f"a window “{title}”", self.active)

    def active(self) -> str:
        """The title of the window that has the keyboard."""
        return self.do("getactivewindow", "getwindowname")

    def wait_for_grab(self) -> None:
        """Wait until a program has the keyboard to itself, after its window is the active one."""
        wait_for(lambda: self._python(GRAB) == "1\n", "the keyboard being taken")

    def _python(self, script: str) -> str:
        """What a script says that Debian's own Python runs, which has Xlib."""
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script], env=self.environment, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        return done.stdout

    def stop(self) -> None:
        """End it."""
        for process in (self._windows, self._server):
            process.terminate()
            process.wait()
        self._folder.cleanup()

    def _is_managed(self) -> bool:
        said = subprocess.run(
            ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], env=self.environment, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        return "window id" in said.stdout
