"""This product as one of the peers: gateway and session host, a viewer over TLS, measured like all others."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.peers.base import Lines, Mode, Run
from bench.product import Connection, Product
from sessions.pixels.framebuffer import Pixels
from sessions.wire import tsg
from tests.reference.picture import Picture

NAME = "tsgateway"
USUAL = Mode("usual", False, "all that the viewer can do: exact, moves, photographs as JPEG until they rest")
LOSSLESS = Mode("lossless", True, "a viewer that takes no JPEG: exact at all times")


class TsgViewer:
    """A native viewer: acknowledges each part at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[bytes] = []

    @property
    def received(self) -> int:
        """Bytes of protocol so far, lengths included."""
        return self._connection.received

    def next(self) -> list[bytes]:
        """Return the messages up to the one that completes the next picture."""
        update: list[bytes] = []
        while True:
            while not self._waiting:
                self._waiting = self._connection.messages(1.0)
            update.append(self._waiting.pop(0))
            if update[-1][0] == tsg.Frame.TYPE:
                frame = tsg.decode(update[-1], tsg.FROM_SERVER)
                if isinstance(frame, tsg.Frame):
                    self._connection.send(tsg.Ack(frame.number, 0, 0))
                    if frame.flags & tsg.FrameFlag.LAST:
                        return update

    def decoder(self) -> TsgDecoder:
        """Return a decoder for the whole of what this viewer gets."""
        return TsgDecoder()

    def close(self) -> None:
        """Leave."""
        self._connection.close()


class TsgDecoder:
    """Paints updates by the reference decoder of the tests."""

    def __init__(self) -> None:
        self._picture = Picture()

    @property
    def pixels(self) -> Pixels:
        """(height, width) BGRX."""
        return self._picture.pixels

    def apply(self, update: list[bytes]) -> bool:
        """Apply one update; it is shown at once."""
        for data in update:
            self._picture.take(data)
        return True


class Tsgateway:
    """The product, with everything that serves a person: TLS, the gateway, the session host."""

    name = NAME
    package = ""
    note = "includes TLS and two processes; frames come in over a VNC connection"
    modes = (USUAL, LOSSLESS)
    version_command = (sys.executable, "-m", "tsgateway.cli.main", "--version")

    def missing(self) -> str:
        return ""

    @contextlib.contextmanager
    def run(self, mode: Mode, trace: Path, fps: float) -> Iterator[Run]:
        with Lines("bench.replay", str(trace), str(fps)) as feed:
            port = feed.next()["port"]
            without = (tsg.Capability.JPEG,) if mode.lossless else ()
            with Product(f'kind = "rfb"\nhost = "127.0.0.1"\nport = {port}') as product:
                viewer = TsgViewer(product.connect(without=without))
                with contextlib.closing(viewer):
                    yield Run(feed, viewer, product.processes)
