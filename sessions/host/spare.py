"""One guest that waits for a session, and the file by which it is found again."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from sessions.clipboard.base import GuestClipboard
from sessions.displays.base import Display, DisplayEvents
from sessions.files import write_whole
from sessions.guests.base import Guest, Progress, Services, SharedFolder, Sound
from sessions.pixels.framebuffer import Framebuffer

SPARE = "spare.json"
MAX_SPARES = 1000
_MAX_FILE = 256 * 1024


@dataclass(frozen=True)
class Wish:
    """How many guests shall stand ready for sessions of a desktop."""

    desktop: str
    spec: Mapping[str, Any]
    spares: int

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Wish:
        """Take a Wish of the session link. Raises KeyError, TypeError, ValueError."""
        wish = cls(str(table["desktop"]), dict(table["spec"]), int(table["spares"]))
        if not 0 <= wish.spares <= MAX_SPARES:
            raise ValueError(f"{wish.spares} spares")
        return wish


@dataclass(frozen=True)
class Kept:
    """What spare.json says. version: of the image it was made from, "" where there is none."""

    desktop: str
    spec: Mapping[str, Any]
    version: str
    ready: bool = False

    def write(self, folder: Path) -> None:
        """Keep it. Raises OSError."""
        write_whole(folder / SPARE, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: Path) -> Kept:
        """Return what was kept. Raises OSError, ValueError, KeyError, TypeError."""
        with (folder / SPARE).open("rb") as file:
            table = json.loads(file.read(_MAX_FILE))
        return cls(str(table["desktop"]), dict(table["spec"]), str(table["version"]), table["ready"] is True)


class Spare:
    """One guest that waits for a session. Implements `Guest` for the session that gets it.

    To the session its first start is done at once; everything else is the guest's own doing.
    """

    def __init__(self, folder: Path, kept: Kept, make_guest: MakeGuest, ended: Callable[[Spare, str], None]):
        """Make its guest. Raises what that raises."""
        self.folder = folder
        self.kept = kept
        self.ready_at: float | None = None
        self.at_work: Deferred[None] | None = None
        """Its start or its being taken up, to be cancelled."""
        self._told: Callable[[str], None] = functools.partial(ended, self)
        self._is_started = False
        self._guest = make_guest(kept, folder, self._guest_ended)

    def _guest_ended(self, reason: str) -> None:
        self._told(reason)

    def hand_over(self, ended: Callable[[str], None]) -> Guest:
        """Give it to a session, which hears of its end from now on."""
        self._told = ended
        return self

    async def start(self, progress: Progress) -> None:
        """Start the guest, unless that has been done for the session already."""
        if self._is_started:
            self._is_started = False
            progress(100, "The guest is ready")
            return
        await self._guest.start(progress)

    async def start_for_nobody(self) -> None:
        """Start the guest. Raises GuestError."""
        await self._guest.start(lambda percent, text: None)
        self._is_started = True

    async def adopt(self) -> None:
        """Take up the running guest. Raises GuestError."""
        await self._guest.adopt()
        self._is_started = True

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Open the guest's display."""
        return await self._guest.open_display(framebuffer, events)

    @property
    def clipboard(self) -> GuestClipboard | None:
        """The guest's clipboard."""
        return self._guest.clipboard

    @property
    def services(self) -> Services | None:
        """What a program in the guest does for us."""
        return self._guest.services

    @property
    def sound(self) -> Sound | None:
        """What can be heard of the guest."""
        return self._guest.sound

    @property
    def share(self) -> SharedFolder | None:
        """The folder it shares with its person, once it has one."""
        return self._guest.share

    async def shut_down(self, seconds: float) -> None:
        """Ask the guest's operating system to shut down."""
        await self._guest.shut_down(seconds)

    async def stop(self) -> None:
        """End the guest."""
        await self._guest.stop()

    async def detach(self) -> None:
        """Let go of the guest."""
        await self._guest.detach()


MakeGuest = Callable[[Kept, Path, Callable[[str], None]], Guest]
"""Makes a guest of a spare, given its folder and what to call when it ends by itself."""
