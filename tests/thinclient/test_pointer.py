"""The captured pointer, the wheel and the locks, with a real X server and its hands."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine import wait_for
from tests.thinclient.display import Display

SCREEN = """
import threading
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from sessions.pixels.geometry import Rect
from thinclient.locks import locks
from thinclient.window.keyboard import Keyboard
from thinclient.window.monitors import Screens
from thinclient.window.screen import Screen
from tsgateway.client.viewer import Picture
app = QApplication([])
picture = Picture()
screen = Screen(picture, threading.Lock(), Keyboard(lambda: True))
screens = Screens(screen, screen, lambda: screen)
screens.held.connect(lambda held: print("held" if held else "free", flush=True))
screen.said.connect(lambda messages: print(*messages, flush=True))
told = [None]
def tell():
    if (now := locks(app.platformName())) != told[0]:
        told[0] = now
        print(now, flush=True)
timer = QTimer(interval=50)
timer.timeout.connect(tell)
timer.start()
screen.setGeometry(100, 100, 300, 200)
picture.pixels = np.zeros((200, 300, 4), np.uint8)
screen.setWindowTitle("Hands")
screen.show()
screen.setFocus()
screen.draw((Rect(0, 0, 300, 200),))
screens.set_captures(True)
app.exec()
"""


class Hands:
    """A screen in a process of its own, on a display of its own."""

    def __init__(self, folder: Path) -> None:
        self.display = Display(800, 600)
        self._told = folder / "told"
        self._read = 0
        with self._told.open("w") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SCREEN], env=self.display.environment, stdout=told
            )
        self.display.wait_for_window("Hands")

    def until(self, text: str) -> list[str]:
        """Return what was said since the last time, up to a line with this text."""

        def found() -> int:
            lines = self._told.read_text().splitlines()[self._read :]
            return next((at for at, line in enumerate(lines, 1) if text in line), 0)

        count = wait_for(found, f"“{text}”", self._told.read_text)
        said = self._told.read_text().splitlines()[self._read :][:count]
        self._read += count
        return said

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.display.stop()


@pytest.fixture
def hands(tmp_path: Path) -> Iterator[Hands]:
    made = Hands(tmp_path)
    yield made
    made.stop()


def test_a_captured_pointer_meets_no_edge_and_comes_out(hands: Hands) -> None:
    do = hands.display.do
    assert hands.until("Locks(")[-1] == "Locks(caps=False, num=False)"
    do("mousemove", "250", "200", "click", "1")
    assert not any("buttons=1" in line for line in hands.until("held"))  # that click is nobody's
    said = []
    for _ in range(40):
        do("mousemove_relative", "--", "-30", "20")  # 1200 pixels to the left, 800 down
        said += hands.until("Move(")  # no hand meets the edge before the pointer was put back
    do("click", "3")
    said += hands.until("buttons=4")
    moves = [line for line in said if line.startswith("Move(")]
    assert moves[-1] == "Move(dx=0, dy=0, buttons=4)"
    across = sum(int(line.split("dx=")[1].split(",")[0]) for line in moves)
    assert -1260 <= across <= -1200  # the first goes from where it was clicked
    do("keydown", "Control_L", "keydown", "Alt_L", "keyup", "Alt_L", "keyup", "Control_L")
    hands.until("free")
    do("mousemove", "260", "210")
    assert hands.until("Pointer(")[-1].startswith("Pointer(x=1")
    x, y = (part.split(":")[1] for part in do("getmouselocation").split()[:2])
    assert (x, y) == ("260", "210")


def test_a_wheel_with_alt_is_a_wheel_with_alt(hands: Hands) -> None:
    do = hands.display.do
    do("mousemove", "250", "200")
    for button, turned in (("4", "dx=0, dy=-120"), ("5", "dx=0, dy=120"), ("7", "dx=120, dy=0")):
        do("click", button)
        assert hands.until("Wheel(")[-1] == f"Wheel({turned})"
    do("click", "1")
    hands.until("held")  # else the window manager has this one
    do("keydown", "Alt_L", "click", "5", "keyup", "Alt_L")
    assert hands.until("Wheel(")[-1] == "Wheel(dx=0, dy=120)"


def test_the_locks_of_this_machine(hands: Hands) -> None:
    assert hands.until("Locks(")[-1] == "Locks(caps=False, num=False)"
    for key, told in (
        ("Caps_Lock", "caps=True, num=False"),
        ("Num_Lock", "caps=True, num=True"),
        ("Caps_Lock", "caps=False, num=True"),
    ):
        hands.display.press(key)
        assert hands.until("Locks(")[-1] == f"Locks({told})"
