"""A desktop that shows one of several things over and over: a VNC server like bench/replay, for one client.

    python -m bench.neighbours_desktop     prints {"port": n}, then reads one word a line:

`still` is the desktop as it is, `film` a film of 960×540 in it, 30 pictures a second, `page` a page of text
that scrolls, 15 steps a second, `screens` whole screens of text, four a second. Each goes forth and back,
without a cut. All is rendered before the first client comes.
"""

from __future__ import annotations

import itertools
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import traces
from bench.film import Film
from bench.replay import listen, tell, welcome
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect

WHOLE = Rect(0, 0, *traces.SIZE)
FILM = Rect(485, 203, 960, 540)
FILM_FPS, PAGE_FPS, SCREENS_FPS = 30.0, 15.0, 4.0
_PICTURES = 48
_SCREENS = 8
"""More than a viewer's history holds."""
_PAGE = Rect(60, 80, 1180, 960)
_NOTCH = 53

Message = tuple[bytes, memoryview]
"""A FramebufferUpdate of one rectangle: its head, and its pixels."""


def _message(rect: Rect, pixels: Pixels) -> Message:
    return struct.pack(">BxHHHHHi", 0, 1, *rect, 0), np.ascontiguousarray(pixels).data.cast("B")


def _forth_and_back(messages: list[Message]) -> Iterator[Message]:
    return itertools.cycle(messages + messages[-2:0:-1])


def _screens() -> list[Pixels]:
    tall = traces.page(WHOLE.width, WHOLE.height * _SCREENS)
    return [tall[WHOLE.height * n : WHOLE.height * (n + 1)] for n in range(_SCREENS)]


class Programme:
    """What is shown, as `choose` says; `next` waits until it is time for its next picture."""

    def __init__(self) -> None:
        film = Film(FILM.width, FILM.height)
        page = traces.page(_PAGE.width, _PAGE.height + _NOTCH * _PICTURES)
        steps = (page[_NOTCH * n : _NOTCH * n + _PAGE.height] for n in range(_PICTURES))
        self._all = {
            "film": (FILM_FPS, _forth_and_back([_message(FILM, film.picture(n)) for n in range(_PICTURES)])),
            "screens": (SCREENS_FPS, _forth_and_back([_message(WHOLE, each) for each in _screens()])),
            "page": (PAGE_FPS, _forth_and_back([_message(_PAGE, step) for step in steps])),
        }
        self._plays = threading.Event()
        self._now = "still"
        self._due = 0.0

    def choose(self, what: str) -> None:
        self._now, self._due = what, time.monotonic()
        if what == "still":
            self._plays.clear()
        else:
            self._plays.set()

    def next(self) -> Message:
        while True:
            self._plays.wait()
            time.sleep(max(self._due - time.monotonic(), 0.0))
            if (what := self._all.get(self._now)) is not None:
                fps, messages = what
                self._due = max(self._due + 1 / fps, time.monotonic() - 1 / fps)  # not to make up for much
                return next(messages)


def serve() -> None:
    programme = Programme()
    first = _message(WHOLE, traces.office(1)[0])
    server = socket.create_server(("127.0.0.1", 0))
    tell(port=server.getsockname()[1])
    threading.Thread(target=_show, args=(server, programme, first), daemon=True).start()
    for line in sys.stdin:
        programme.choose(line.strip())


def _show(server: socket.socket, programme: Programme, first: Message) -> None:
    client = welcome(server)
    asked = threading.Semaphore(0)
    threading.Thread(target=listen, args=(client, asked), daemon=True).start()
    message: Any = first
    while True:
        asked.acquire()
        for part in message:
            client.sendall(part)
        message = programme.next()


if __name__ == "__main__":
    serve()
