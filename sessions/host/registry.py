"""The sessions of this host, and their folders.

Each session has a folder `state/<32 hex digits>/`: `session.json` says whose it is and what it shows,
`life.json` how its life has gone (sessions/host/kept), `guest/` belongs to the guest. The folder is what lets
a new session host process take the session up again, so `session.json` is written before the guest is started
and the folder goes last. It holds the desktop's whole spec, a VNC password included, which the next process
needs as well: it is for its owner only (0600).
What guests of one kind share (`guests.base.House`) is in `state/houses/<kind>/`.
The folder has the session's name, or another where a spare was there before (spares.py).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, gatherResults
from twisted.logger import Logger

from sessions import plugins
from sessions.clock import Clock
from sessions.files import write_whole
from sessions.guests.base import DEFAULT_SCREEN, Guest, GuestError, House, Place, Services, Site
from sessions.host import kept
from sessions.host.memory import FreedMemory
from sessions.host.settings import Settings
from sessions.host.spare import SPARE, Kept, Spare, Wish
from sessions.host.spares import Spares
from sessions.identity import Identity
from sessions.latency import Figures
from sessions.pixels.geometry import Size
from sessions.session import Session
from sessions.told import Told
from sessions.wire.tsg import SessionState

log = Logger()

LEAVE_SECONDS = 15
"""How long guests that are ending may hold up a host that leaves; QEMU's harshest way takes ten."""

HOUSES = "houses"
MAX_IDENTITY = 1024 * 1024
"""Bytes of a session.json that are read."""
_SESSION = re.compile(r"[0-9a-f]{32}")


class SessionMissing(Exception):
    """There is no such session on this host."""


class SessionRefused(Exception):
    """A session cannot be made; the text is a sentence for the person who asked."""


class Registry:
    """All sessions of one host.

    changed: called with a session whenever its info says something new.
    in_thread: makes a call that may take long on a thread, since a folder holds disks; see host/__main__.
    """

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        changed: Callable[[Session], None],
        in_thread: Callable[..., Deferred[Any]],
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._changed = changed
        self._in_thread = in_thread
        self.figures = Figures()
        """What all sessions have measured, those that have ended too."""
        self.load_changed: Callable[[], None] = lambda: None
        """Called when `spares` or `seats` say something new; the host's server sets it."""
        self.told: Told = lambda event, params: None
        """Takes what sessions have to tell beside their state; the host's server sets it."""
        self._sessions: dict[str, Session] = {}
        self._houses: dict[str, House | None] = {}
        self._folders: dict[str, Path] = {}
        self._burials: set[Deferred[None]] = set()
        self._freed = FreedMemory(reactor, in_thread)
        self._spares = Spares(
            settings.state,
            settings.images,
            reactor,
            self._make_spare,
            in_background=self._in_background,
            remove=self._remove,
            changed=self._load_changed,
        )

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __getitem__(self, name: str) -> Session:
        try:
            return self._sessions[name]
        except KeyError:
            raise SessionMissing(f"There is no session {name}.") from None

    @property
    def clock(self) -> Clock:
        """By which everything here goes."""
        clock: Clock = self._reactor
        return clock

    def services(self) -> Iterator[tuple[str, Services]]:
        """Return whom to ask in each guest, those included that wait for a session, by a name for the log."""
        guests = [(session.identity.session, session.services) for session in self]
        guests += [(spare.folder.name, spare.services) for spare in self._spares]
        return ((name, services) for name, services in guests if services is not None)

    def spares(self) -> dict[str, int]:
        """Return how many guests stand ready for a session of each desktop; none for those left out."""
        return self._spares.count()

    def _load_changed(self) -> None:
        self.load_changed()

    def wish(self, wishes: Iterable[Wish]) -> None:
        """Take how many guests shall stand ready, in place of what was wished before."""
        self._spares.wish(wishes)

    def pools(self) -> dict[str, Any]:
        """Return how the guests that stand ready are doing: the answer of the link's `spares`."""
        return self._spares.told()

    def seats(self) -> dict[str, int]:
        """Return how many sessions each desktop's running shared guests can still take."""
        total: Counter[str] = Counter()
        for house in self._houses.values():
            total.update(house.seats() if house is not None else {})
        return dict(total)

    def start(self, identity: Identity, size: Size, number: int = 0) -> Session:
        """Make a session and begin to start its guest. number: see `Session`. Raises SessionRefused."""
        if not _SESSION.fullmatch(identity.session) or identity.session in self._sessions:
            raise SessionRefused("This session id cannot be used.")
        spare = self._spares.take(identity.desktop, identity.spec)
        folder = self._settings.state / identity.session if spare is None else spare.folder
        try:
            if spare is None:
                (folder / "guest").mkdir(mode=0o700, parents=True)
            write_whole(folder / "session.json", json.dumps(identity.table()).encode())
            session = self._make(identity, folder, {}, size, spare)
        except (OSError, SessionRefused) as error:
            if spare is not None:
                self._spares.give_up(spare)
            else:
                shutil.rmtree(folder, ignore_errors=True)  # one small file of ours
            raise SessionRefused(_sentence(error)) from error
        with contextlib.suppress(OSError):
            (folder / SPARE).unlink()
        session.number = number
        session.start()
        return session

    def adopt_all(self) -> None:
        """Take up every session and spare that an earlier process left; folders of no use are removed.

        One whose kind cannot be used now is kept: its guest may be running, and its disk is in there. So is
        one that is of no use but has something of a guest, and one of another user of this machine.
        """
        self._settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._adopt_houses()
        for folder in sorted(self._settings.state.iterdir()):
            if not _SESSION.fullmatch(folder.name):
                continue
            try:
                _check_ours(folder)
                self._adopt(folder)
            except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError) as error:
                if any(folder.glob("guest/*")):
                    log.error("session folder {f} is broken and left alone: {e}", f=folder, e=repr(error))
                    continue
                log.warn("session folder {f} is of no use and is removed: {e}", f=folder.name, e=repr(error))
                self._in_background(self._remove(folder))
            except (OSError, SessionRefused) as error:
                log.error("session folder {f} is left alone for now: {e}", f=folder.name, e=str(error))

    def _adopt(self, folder: Path) -> None:
        if (folder / SPARE).exists() and not (folder / "session.json").exists():
            self._spares.adopt(folder)
            return
        with (folder / "session.json").open("rb") as file:
            identity = Identity.read(json.loads(file.read(MAX_IDENTITY)))
        if identity.session in self._sessions:
            raise SessionRefused(f"it claims to be session {identity.session}, which another folder is")
        self._make(identity, folder, kept.read(folder)).adopt()

    def end_unused(self) -> None:
        """End what guests have shared and nobody uses any more, and keep nothing of it for others."""
        for house in self._houses.values():
            if house is not None:
                house.end_unused()

    def _adopt_houses(self) -> None:
        for folder in sorted(self._settings.state.glob(f"{HOUSES}/*")):
            try:
                house = self._house(folder.name)
                if house is not None:
                    house.adopt()
            except (OSError, plugins.PluginError, GuestError) as error:
                log.error("{folder} is left alone for now: {error}", folder=str(folder), error=str(error))

    def _house(self, kind: str) -> House | None:
        """Return what guests of this kind share, opened when it is not. Raises PluginError, GuestError."""
        if kind not in self._houses:
            open_house = getattr(plugins.load("guest", kind), "open_house", None)
            self._houses[kind] = None if open_house is None else open_house(self._site(kind))
        return self._houses[kind]

    def _site(self, kind: str) -> Site:
        return Site(
            folder=self._settings.state / HOUSES / kind,
            images=self._settings.images,
            reactor=self._reactor,
            settings=self._settings.guests.get(kind, {}),
            changed=self._load_changed,
        )

    async def leave(self) -> None:
        """Let go of every session without ending its guest; wait for guests that are being ended."""
        for session in self:
            try:
                await session.leave()
            except Exception:
                log.failure("session {id} is not left as it should be", id=session.identity.session)
        self._freed.stop()
        await self._spares.leave()
        await self._wait_for_burials()
        for house in self._houses.values():
            if house is not None:
                await house.leave()

    async def _wait_for_burials(self) -> None:
        try:
            await gatherResults(self._burials).addTimeout(LEAVE_SECONDS, self._reactor)
        except TimeoutError:
            log.error("a guest takes too long to end; the next session host finds it again")

    def _make(
        self,
        identity: Identity,
        folder: Path,
        before: Mapping[str, Any],
        size: Size = DEFAULT_SCREEN,
        spare: Spare | None = None,
    ) -> Session:
        place = functools.partial(
            self._place, folder, identity.spec, screen=size, user=identity.user, desktop=identity.desktop
        )

        def make_guest(ended: Callable[[str], None]) -> Guest:
            if spare is not None:
                return spare.hand_over(ended)
            return self._guest(identity.spec, place(ended=ended))

        settings = self._settings
        session = Session(
            identity,
            make_guest,
            settings.encoding,
            self._reactor,
            self._session_changed,
            in_thread=self._in_thread,
            idle=settings.idle_seconds,
            clipboard_maximum=settings.clipboard_bytes,
            figures=self.figures,
            kept=before,
            keep=functools.partial(kept.write, folder),
            told=self._told,
            album=kept.Album(folder),
        )
        self._sessions[identity.session] = session
        self._folders[identity.session] = folder
        return session

    def _make_spare(self, spare: Kept, folder: Path, ended: Callable[[str], None]) -> Guest:
        return self._guest(spare.spec, self._place(folder, spare.spec, desktop=spare.desktop, ended=ended))

    def _place(self, folder: Path, spec: Mapping[str, Any], **more: Any) -> Place:
        return Place(
            folder=folder / "guest",
            images=self._settings.images,
            reactor=self._reactor,
            settings=self._settings.guests.get(str(spec.get("kind")), {}),
            **more,
        )

    def _guest(self, spec: Mapping[str, Any], place: Place) -> Guest:
        kind = str(spec.get("kind"))
        try:
            make = plugins.load("guest", kind)
            guest: Guest = make(spec, replace(place, house=self._house(kind)))
        except plugins.PluginError as error:
            raise SessionRefused(f"This desktop's kind cannot be used: {error}.") from error
        except GuestError as error:
            log.warn("guest refused: {error} ({detail})", error=str(error), detail=error.detail)
            raise SessionRefused(str(error)) from error
        except Exception as error:
            log.failure("guest of the kind {kind} cannot be made", kind=kind)
            raise SessionRefused("This desktop cannot be started: an internal error.") from error
        return guest

    def _told(self, event: str, params: Mapping[str, Any]) -> None:
        self.told(event, params)

    def _session_changed(self, session: Session) -> None:
        self._changed(session)
        if session.state in (SessionState.DISCONNECTED, SessionState.ENDED):
            self._freed.expect()
        if session.state is SessionState.ENDED and session.identity.session in self._sessions:
            del self._sessions[session.identity.session]
            self._in_background(self._bury(session))

    async def _bury(self, session: Session) -> None:
        folder = self._folders.pop(session.identity.session)
        await session.over
        await self._remove(folder)

    async def _remove(self, folder: Path) -> None:
        await self._in_thread(shutil.rmtree, folder, ignore_errors=True)

    def _in_background(self, burial: Coroutine[Any, Any, None]) -> None:
        """Do it; a host that leaves waits for it."""
        done = Deferred.fromCoroutine(burial)
        self._burials.add(done)
        done.addBoth(lambda _: self._burials.discard(done))


def _check_ours(folder: Path) -> None:
    """Raise PermissionError for a folder that somebody else has put there."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it is not a folder of this user", str(folder))


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"The session's folder cannot be written: {error.strerror}."
    return str(error)
