"""What happens on a recorded desktop: each scenario prepares it, then acts until it is stopped.

A scenario is a generator: it runs up to its first `yield` to prepare, then yields again after each step.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator

from bench import pages
from bench.desktop import Desktop, DesktopError, need
from sessions.pixels.geometry import Rect

Scenario = Callable[[Desktop], Iterator[None]]

_LETTER = (
    "Dear all, here are the figures for the last quarter. Orders grew by four per cent, and returns fell. ",
    "Let us talk about the north on Thursday; I have booked the small room for an hour. ",
    "Thank you for the quick answers, they helped a lot. ",
)
_COMMANDS = ("ls -l /usr/bin | cut -c 1-60 | head -60", "cat /proc/meminfo", "seq 1 400", "env; date")
_BESIDE = Rect(640, 40, 1240, 1000)
_FRAME = 1 / 30


def office(desktop: Desktop) -> Iterator[None]:
    """Type a letter, scroll in it, give commands in a terminal, back and forth."""
    browser = desktop.browser(pages.document(desktop.folder), _BESIDE)
    terminal = desktop.terminal(64, 48, 20, 60)
    yield
    for text, command in zip(itertools.cycle(_LETTER), itertools.cycle(_COMMANDS), strict=False):
        desktop.do("windowactivate", "--sync", terminal)
        desktop.do("type", "--delay", "60", command)
        desktop.do("key", "Return")
        yield
        time.sleep(0.5)
        desktop.do("windowactivate", "--sync", browser)
        desktop.do("mousemove", "1260", "560", "click", "--repeat", "12", "--delay", "20", "4")
        desktop.do("mousemove", "900", "382", "click", "1", "key", "End")
        for word in text.split(" ")[:8]:
            desktop.do("type", "--delay", "70", word + " ")
            yield
        for button in ("5", "5", "5", "4"):
            desktop.do("click", button)
            time.sleep(0.12)
            yield


def browse(desktop: Desktop) -> Iterator[None]:
    """Read pages with photographs: scroll with the wheel, follow a link at the end."""
    desktop.browser(pages.album(desktop.folder), Rect(120, 20, 1680, 1040))
    desktop.do("mousemove", "960", "640")
    yield
    while True:
        for notch in range(70):
            desktop.do("click", "5")
            time.sleep(0.4 if notch % 9 == 8 else 0.06)
            yield
        desktop.do("key", "ctrl+Home")
        time.sleep(0.3)
        desktop.do("mousemove", "620", "284", "click", "1", "mousemove", "960", "640")
        time.sleep(0.6)
        yield


def drag(desktop: Desktop) -> Iterator[None]:
    """Drag a terminal about over a page, by its title."""
    desktop.browser(pages.document(desktop.folder), _BESIDE)
    terminal = desktop.terminal(84, 30, 60, 120, ["sh", "-c", "ls -l /usr/bin | head -200; sleep 999"])
    desktop.do("windowactivate", "--sync", terminal)
    x, y = 300, 129  # on its title
    desktop.do("mousemove", str(x), str(y))
    yield
    desktop.do("mousedown", "1")
    for step in itertools.count():
        turn = step * 0.05
        desktop.do(
            "mousemove", str(int(x + 480 - 480 * math.cos(turn))), str(int(y + 170 * math.sin(2 * turn) + 60))
        )
        time.sleep(_FRAME)
        yield


def video(desktop: Desktop) -> Iterator[None]:
    """Play a film of 30 frames/s, slowed down to a quarter, inside a desktop on which nothing else moves."""
    need("ffmpeg")
    desktop.terminal(64, 48, 20, 60, ["sh", "-c", "ls -l /usr/bin | head -40; sleep 999"])
    desktop.browser(pages.video_page(desktop.folder), _BESIDE)
    desktop.do("mousemove", "1900", "1060")
    yield
    while True:
        time.sleep(_FRAME)
        yield


SCENARIOS: dict[str, Scenario] = {"office": office, "browse": browse, "drag": drag, "video": video}


@contextlib.contextmanager
def acting(scenario: Scenario, desktop: Desktop) -> Iterator[None]:
    """Have a scenario go on, in a thread of its own, while inside. Raises DesktopError."""
    steps = scenario(desktop)
    try:
        next(steps)
    except (OSError, ValueError) as error:
        raise DesktopError(f"the desktop could not be prepared: {error}") from error
    stop = threading.Event()

    def act() -> None:
        for _ in steps:
            if stop.is_set():
                return

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
