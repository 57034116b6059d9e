"""VNC servers of X screens: TigerVNC's two (one is an X server itself, one copies from one) and x11vnc."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.peers.base import Lines, Mode, PeerError, Run
from bench.peers.processes import connect, free_port, missing, running, tree, x_server, xvfb
from bench.peers.rfb import RfbViewer
from bench.traces import HEIGHT, WIDTH

USUAL = Mode("usual", False, "Tight with JPEG, quality 8, compression 2: what TigerVNC's viewer asks for")
LOSSLESS = Mode("lossless", True, "Tight without JPEG, compression 2")
MODES = (USUAL, LOSSLESS)


def viewer(port: int, mode: Mode) -> RfbViewer:
    """Connect a viewer as the mode says."""
    return RfbViewer(connect(port), quality=None if mode.lossless else 8)


@contextlib.contextmanager
def playing(place: str, trace: Path, fps: float) -> Iterator[Lines]:
    """Have a trace ready to be painted (bench/peers/player.py)."""
    with Lines("bench.peers.player", place, str(trace), str(fps)) as feed:
        if "ready" not in feed.next():
            raise PeerError("the player is not ready")
        yield feed


class Xvnc:
    """TigerVNC's X server, which sends what is drawn on it."""

    name = "Xvnc"
    package = "tigervnc-standalone-server"
    note = "an X server too: its processor time includes the drawing of the trace's rectangles"
    modes = MODES
    version_command = ("Xvnc", "-version")

    def missing(self) -> str:
        return missing("Xvnc")

    @contextlib.contextmanager
    def run(self, mode: Mode, trace: Path, fps: float) -> Iterator[Run]:
        port = free_port()
        command = ["Xvnc", "-geometry", f"{WIDTH}x{HEIGHT}", "-depth", "24", "-SecurityTypes", "None"]
        command += ["-rfbport", str(port), "-localhost", "-ac", "-nolisten", "tcp", "-s", "0"]
        with x_server(*command) as (display, pid), playing(f"x11:{display}", trace, fps) as feed:
            watching = viewer(port, mode)
            with contextlib.closing(watching):
                yield Run(feed, watching, lambda: {"Xvnc": pid})


# Left to itself x11vnc naps when nobody types, which a person at work does: -nonap below.


class Scraper:
    """A server that copies an X server's screen. words: its options, with {display} and {port}."""

    note = "copies another X server's screen; that server's time is not counted in"
    modes: Sequence[Mode] = MODES

    def __init__(self, name: str, package: str, *words: str) -> None:
        self.name, self.package, self._words = name, package, words
        self.version_command = (words[0], "-version")

    def missing(self) -> str:
        return missing(self._words[0], "Xvfb")

    @contextlib.contextmanager
    def run(self, mode: Mode, trace: Path, fps: float) -> Iterator[Run]:
        port = free_port()
        with xvfb(WIDTH, HEIGHT) as (display, screen), playing(f"x11:{display}", trace, fps) as feed:
            command = [word.format(display=display, port=port) for word in self._words]
            with running(command) as pid:
                watching = viewer(port, mode)
                with contextlib.closing(watching):
                    yield Run(
                        feed,
                        watching,
                        lambda: {f"{self.name} {each}": each for each in tree(pid)},
                        lambda: {"Xvfb": screen},
                    )


X0VNCSERVER = Scraper(
    "x0vncserver", "tigervnc-scraping-server, xvfb",
    "X0tigervnc", "-display", "{display}", "-rfbport", "{port}", "-localhost", "-SecurityTypes", "None",
)  # fmt: skip
X11VNC = Scraper(
    "x11vnc", "x11vnc, xvfb",
    "x11vnc", "-display", "{display}", "-rfbport", "{port}", "-localhost", "-nopw", "-forever", "-quiet",
    "-noxrecord", "-nolookup", "-nonap",
)  # fmt: skip
