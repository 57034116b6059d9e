"""What a peer is to the bench: a program that takes a trace in and sends it to a viewer of ours.

with peer.run(mode, trace, fps) as run:     # started, its viewer connected and not yet read
    watch = Watch(run.viewer)
    run.feed.go()                         # the trace's frames go in

Nothing is decoded while it runs, so that a viewer's work disturbs nobody's figures: the viewer notes what
came when, answers what the protocol wants answered, and a decoder makes pictures of it afterwards.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from bench import lines
from sessions.pixels.framebuffer import Pixels


@dataclass(frozen=True)
class Mode:
    """How a peer is asked to encode.

    lossless: whether the viewer asks for exact pixels. settings: said in the report, for who repeats it.
    """

    name: str
    lossless: bool
    settings: str


class Decoder(Protocol):
    """Makes pictures of updates. pixels: (height, width) BGRX as it stands."""

    @property
    def pixels(self) -> Pixels: ...

    def apply(self, update: Any) -> bool:
        """Apply one update; tell whether a viewer shows the picture now (and not only after the next).

        Raises UndecodableError for what this decoder cannot do.
        """


class Viewer(Protocol):
    """Our end of the peer's protocol. received: bytes so far, from the peer."""

    @property
    def received(self) -> int: ...

    def next(self) -> Any:
        """Return the next update, as it came; answer it. Blocks. Raises OSError or EOFError at the end."""

    def decoder(self) -> Decoder:
        """Return a new decoder for this viewer's updates, to be given all of them from the first."""

    def close(self) -> None:
        """Leave; a `next` that blocks ends."""


class UndecodableError(Exception):
    """An update is of a kind that the bench's decoder does not know."""


class Feed(Protocol):
    """What puts the trace in."""

    def go(self) -> None:
        """Start, with frame 0."""

    def next(self) -> dict[str, Any]:
        """Return what happened: {"frame": n, "began": t} for each frame, {"done": …} after the last."""


@dataclass
class Run:
    """A peer at work.

    servers: pid of each process whose processor time is the peer's. aside: pid of what only holds the picture
    for it (an X server), reported on its own.
    """

    feed: Feed
    viewer: Viewer
    servers: Callable[[], dict[str, int]]
    aside: Callable[[], dict[str, int]] = dict


class Peer(Protocol):
    """A program to compare with.

    package: what to install to have it. note: what its figures mean. version_command: prints its version.
    """

    name: str
    package: str
    note: str

    @property
    def modes(self) -> Sequence[Mode]: ...

    @property
    def version_command(self) -> Sequence[str]: ...

    def missing(self) -> str:
        """Return the name of the command that is not there, or nothing."""

    def run(self, mode: Mode, trace: Path, fps: float) -> AbstractContextManager[Run]:
        """Start it with a viewer. Raises PeerError if that does not work."""


class PeerError(Exception):
    """A peer does not start or ends early; one sentence for people."""


class Update(NamedTuple):
    """Something a viewer received whole, at this time of the monotonic clock (s)."""

    at: float
    data: Any


class Watch:
    """Reads a viewer in a thread of its own. updates: what came so far. ended: why it came to an end."""

    def __init__(self, viewer: Viewer) -> None:
        self.updates: list[Update] = []
        self.ended: Exception | None = None
        self._viewer = viewer
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while True:
                data = self._viewer.next()
                self.updates.append(Update(time.monotonic(), data))
        except Exception as error:  # the bench says it in its own words
            self.ended = error

    def until_quiet(self, seconds: float, most: float, least: int = 0) -> None:
        """Wait until nothing has come for `seconds`, at least `least` updates have; `most` seconds at most.

        Raises PeerError when the viewer's connection ends or too few came.
        """
        began = time.monotonic()
        while True:
            now = time.monotonic()
            last = self.updates[-1].at if self.updates else began
            if now - max(last, began) > seconds and len(self.updates) >= least:
                return
            if self.ended is not None:
                raise PeerError(f"the connection ended: {self.ended or type(self.ended).__name__}")
            if now - began > most:
                if len(self.updates) < least:
                    raise PeerError("it sent no picture")
                return
            time.sleep(0.02)


class Lines(lines.Lines):
    """What puts a trace in, a process: a Feed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ended(self) -> PeerError:
        """Return what `next` raises when there is nothing more to come."""
        return PeerError("what puts the trace in has ended early")
