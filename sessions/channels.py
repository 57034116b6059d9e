"""What viewers and a guest say to each other beside pictures and input: clipboard, sound, files.

Each of these is a channel; a session has one of every kind for all its viewers together. Order of calls:
`opened` when the guest runs, `closed` when it does not any more or is let go of (it may be opened again);
between `joined` and `left` a viewer is there, and `received` is called with what it says. Viewers come and
go, and speak, while the guest is closed as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from twisted.logger import Logger

from sessions.wire import tsg

if TYPE_CHECKING:
    from sessions.viewer import Viewer

log = Logger()

Allowed = frozenset[str]
"""What policies let a viewer do; "clipboard_in" is into the session. All there is: `EVERYTHING`."""

NOTHING: Allowed = frozenset()
EVERYTHING: Allowed = frozenset({"clipboard_in", "clipboard_out", "files", "audio", "printing"})


class Channel(Protocol):
    """One kind of thing to say. All calls are made on the reactor's thread; none may block it."""

    takes: frozenset[type[tsg.Message]]
    """The messages of viewers that are for it."""

    def offers(self, allowed: Allowed) -> Iterable[tsg.Capability]:
        """Return the capabilities that a viewer is told of which is let do so much."""

    def opened(self) -> None:
        """The guest runs; what it has for this can be used."""

    def closed(self) -> None:
        """The guest is gone, or about to be let go of."""

    def joined(self, number: int, viewer: Viewer) -> None:
        """A viewer is there, and has had its `ServerHello`. viewer.allowed: what it may do."""

    def left(self, number: int) -> None:
        """It has gone."""

    def received(self, number: int, viewer: Viewer, message: tsg.Message) -> None:
        """It says something; if this raises, it is let go."""


class Channels:
    """All channels of one session. A fault in one costs neither the session nor the others.

    session: its id, for the log.
    """

    def __init__(self, session: str, channels: Sequence[Channel]) -> None:
        self._session = session
        self._channels = channels
        self._takers = {message: channel for channel in channels for message in channel.takes}
        self._there: set[int] = set()

    @property
    def capabilities(self) -> frozenset[tsg.Capability]:
        """Those that are told of where a channel offers them, and not else."""
        return self.offers(EVERYTHING)

    def offers(self, allowed: Allowed) -> frozenset[tsg.Capability]:
        """Return the capabilities of all channels for a viewer that is let do so much."""
        return frozenset(each for channel in self._channels for each in channel.offers(allowed))

    def opened(self) -> None:
        """The guest runs."""
        self._each(lambda channel: channel.opened())

    def closed(self) -> None:
        """The guest is gone, or about to be let go of."""
        self._each(lambda channel: channel.closed())

    def joined(self, number: int, viewer: Viewer) -> None:
        """A viewer is there, and knows what it may do."""
        self._there.add(number)
        self._each(lambda channel: channel.joined(number, viewer))

    def left(self, number: int) -> None:
        """A viewer has gone, which may not have come so far as to join."""
        if number in self._there:
            self._there.discard(number)
            self._each(lambda channel: channel.left(number))

    def received(self, number: int, viewer: Viewer, message: tsg.Message) -> bool:
        """Hand over what a viewer says; False when it is for none of them."""
        channel = self._takers.get(type(message))
        if channel is not None and number in self._there:
            channel.received(number, viewer, message)
        return channel is not None

    def _each(self, act: Callable[[Channel], None]) -> None:
        for channel in self._channels:
            try:
                act(channel)
            except Exception:
                log.failure("session {id}: its {kind} fails", id=self._session, kind=type(channel).__name__)
