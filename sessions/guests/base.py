"""The guest contract: a machine (or something like one) whose screen a session shows.

Order of calls. The session host makes a guest from its spec with `Kind(spec, place)`, then either
`start` (a new one) or `adopt` (one that an earlier session host process left running, found by its
state folder), then `open_display` any number of times, and `stop` at the end, after `shut_down` where the
guest shall have the time to end in good order. `start` may be cancelled (its Deferred); it leaves nothing
behind then. After the guest has ended by itself (`Place.ended`) `start` may be called again: the guest
starts on the same disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sessions.pixels.geometry import Size

if TYPE_CHECKING:  # the gateway lists disks of guests, and has no pixels to load NumPy for
    from sessions.clipboard.base import GuestClipboard
    from sessions.displays.base import Display, DisplayEvents
    from sessions.pixels.framebuffer import Framebuffer


class GuestError(Exception):
    """A guest cannot be made, started or reached.

    The text is a sentence for the person who wants to use it; `detail` is for the log and the operator.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


Progress = Callable[[int | None, str], None]
"""Called with per cent done (None where unknown) and a short text while a guest starts."""


DEFAULT_SCREEN = Size(1280, 800)


@dataclass(frozen=True)
class Place:
    """Where a guest lives and what it may use.

    folder: the guest's own state folder (0700; the guest may write there, and it is removed at the end).
    images: the folder of the image store.
    ended: called with a sentence when a started guest stops by itself, once for each start; never after
    `shut_down` or `stop`.
    reactor: clock and readers; everything time-dependent uses it.
    settings: the session host's settings for this kind of guest.
    screen: the size the person's screen has, for guests that can begin with it.
    user, desktop: whose session it is, and of which desktop; user is "" for a guest that waits for somebody.
    house: what guests of this kind share within the session host, for kinds that have such a thing.
    """

    folder: Path
    images: Path
    ended: Callable[[str], None]
    reactor: Any
    settings: Mapping[str, Any]
    screen: Size = DEFAULT_SCREEN
    user: str = ""
    desktop: str = ""
    house: House | None = None


@dataclass(frozen=True)
class Site:
    """Where the guests of one kind keep what they share.

    folder: its state folder (0700), which outlives session hosts; images, reactor, settings: as in `Place`.
    changed: called when `House.seats` says something new.
    """

    folder: Path
    images: Path
    reactor: Any
    settings: Mapping[str, Any]
    changed: Callable[[], None]


class House(Protocol):
    """What all guests of one kind on a session host share: machines that have room for several of them.

    A kind that has one offers `open_house(site: Site) -> House` on its class. The session host calls it once,
    before it makes the first guest of the kind, and hands the house to each (`Place.house`).
    """

    def adopt(self) -> None:
        """Begin to take up what an earlier session host has left; called once, before guests are adopted.

        What none of the guests claims whose `adopt` is called in the same turn of the reactor may be ended.
        """

    def seats(self) -> Mapping[str, int]:
        """Return how many guests of each desktop could start in what runs now."""

    def end_unused(self) -> None:
        """Begin to end what no guest uses, and from now on whatever is not used any more, at once."""

    async def leave(self) -> None:
        """Let go of everything without ending it; guests have been let go of before. Never raises.

        What is being ended is waited for.
        """


MAX_OUTPUT = 1024 * 1024
"""Bytes of output, and as many of error output, that a program run in a guest may hand over."""


@dataclass(frozen=True, slots=True)
class GuestInfo:
    """What a guest tells of itself. It may lie; what it does not tell is "" (time: 0).

    os, version: as its vendor writes them, "Debian GNU/Linux", "12 (bookworm)". addresses: IPv4 and IPv6,
    not those of its loopback. agent: the version of the program that answers. time: its clock, seconds
    since 1970.
    """

    os: str
    version: str
    host_name: str
    addresses: tuple[str, ...]
    agent: str
    time: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ran in a guest has ended. code: its exit code, negative for a signal."""

    code: int
    out: bytes
    err: bytes


class Services(Protocol):
    """What a program in the guest does for us. Everything here raises GuestError when it does not.

    account: in a machine that many share, the name of the account that the session's person has there ("":
    not known); None where the machine is the session's own.
    """

    @property
    def account(self) -> str | None:
        """See above."""

    async def info(self) -> GuestInfo:
        """Ask the guest what it is."""

    async def run(
        self, command: Sequence[str], *, input: bytes = b"", seconds: float = 30, limit: int = MAX_OUTPUT
    ) -> Finished:
        """Run a program as the guest's administrator and wait for its end.

        limit: bytes each of output and error output may have. GuestError as well when it prints more, or
        has not ended in time: it goes on then.
        """

    async def set_time(self, unix: float) -> None:
        """Set the guest's clock, in seconds since 1970."""

    async def shut_down(self) -> None:
        """Ask the guest to shut down; it has only begun to when this returns."""


class Listener(Protocol):
    """Who hears what a guest plays."""

    def played(self, samples: bytes) -> None:
        """Take what comes next: 48,000 frames a second, each of two signed 16-bit samples, left first.

        They are little-endian. Nothing need come while the guest is silent.
        """

    def deafened(self, reason: str) -> None:
        """Learn that nothing will come any more, unless it is opened again. reason: for the log."""


class Sound(Protocol):
    """A guest's loudspeakers and microphone, as long as the guest itself lives; usable while it runs.

    changed: called when `hears` has changed.
    """

    changed: Callable[[], None]

    async def open(self, listener: Listener) -> None:
        """Begin to listen; there is one listener at most. Raises GuestError."""

    def close(self) -> None:
        """Listen no more: the guest may play, and it costs nothing. Idempotent."""

    @property
    def hears(self) -> bool:
        """Whether something in the guest takes what is spoken."""

    def speak(self, samples: bytes) -> None:
        """Let the guest hear this: signed 16-bit samples, little-endian, 24,000 a second, one channel.

        What the guest does not take at once is dropped.
        """


class SharedFolder(Protocol):
    """The folder that a guest shares with its person (sessions/transfer)."""

    @property
    def mounted(self) -> bool:
        """Whether the guest shows it."""

    def lend(self, user: str, desktop: str) -> None:
        """Begin to offer it to the guest, which runs: it is this person's for this desktop. Never raises."""


class Guest(Protocol):
    """One guest."""

    def __init__(self, spec: Mapping[str, Any], place: Place) -> None:
        """Take the desktop's spec. Raises GuestError when the spec is not valid; does nothing else."""

    async def start(self, progress: Progress) -> None:
        """Start the guest so that its display can be opened. Raises GuestError."""

    async def adopt(self) -> None:
        """Take up a guest that is already running, from its state folder. Raises GuestError."""

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Open the guest's display. Raises GuestError or DisplayError."""

    @property
    def clipboard(self) -> GuestClipboard | None:
        """Its clipboard; None for guests that have none. The same one as long as the guest is this object."""

    @property
    def services(self) -> Services | None:
        """What a program in the guest can do for us; None for guests that are only shown.

        That there is something to ask does not say that it answers.
        """

    @property
    def sound(self) -> Sound | None:
        """What can be heard of it; None for guests that make no sound. The same one as long as it lives."""

    @property
    def share(self) -> SharedFolder | None:
        """The folder it shares with its person; None for a kind of guest that has none."""

    async def shut_down(self, seconds: float) -> None:
        """Ask the guest's operating system to shut down, and wait for it, so many seconds at most.

        Returns when the guest has ended, the time is up, or it cannot be asked. Never raises. `stop` follows.
        """

    async def stop(self) -> None:
        """End the guest and free all it used but its folder. Never raises; may be called twice."""

    async def detach(self) -> None:
        """Let go of the guest without ending it (the session host is leaving)."""
