"""The sessions of this host, and their folders.

Each session has a folder `state/<session>/`: `session.json` says whose it is and what it shows, `life.json`
how its life has gone (sessions/host/kept), `guest/` belongs to the guest. The folder is what lets a new
session host process take the session up again, so `session.json` is written before the guest is started and
the folder goes last. It holds the desktop's whole spec, a VNC password included, which the next process needs
as well: it is for its owner only (0600).
What guests of one kind share (`guests.base.House`) is in `state/houses/<kind>/`.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, gatherResults
from twisted.logger import Logger

from sessions import plugins
from sessions.files import write_whole
from sessions.guests.base import DEFAULT_SCREEN, Guest, GuestError, House, Place, Site
from sessions.host import kept
from sessions.host.settings import Settings
from sessions.identity import Identity
from sessions.latency import Figures
from sessions.pixels.geometry import Size
from sessions.session import Session
from sessions.wire.tsg import SessionState

log = Logger()

LEAVE_SECONDS = 15
"""How long guests that are ending may hold up a host that leaves; QEMU's harshest way takes ten."""

HOUSES = "houses"
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
        self._sessions: dict[str, Session] = {}
        self._houses: dict[str, House | None] = {}
        self._burials: set[Deferred[None]] = set()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __getitem__(self, name: str) -> Session:
        try:
            return self._sessions[name]
        except KeyError:
            raise SessionMissing(f"There is no session {name}.") from None

    def spares(self) -> dict[str, int]:
        """Return how many guests stand ready for a session of each desktop; none for those left out."""
        return {}

    def seats(self) -> dict[str, int]:
        """Return how many sessions each desktop's running shared guests can still take."""
        total: Counter[str] = Counter()
        for house in self._houses.values():
            total.update(house.seats() if house is not None else {})
        return dict(total)

    def start(self, identity: Identity, size: Size) -> Session:
        """Make a session and begin to start its guest. Raises SessionRefused."""
        if not _SESSION.fullmatch(identity.session) or identity.session in self._sessions:
            raise SessionRefused("This session id cannot be used.")
        folder = self._settings.state / identity.session
        try:
            (folder / "guest").mkdir(mode=0o700, parents=True)
            write_whole(folder / "session.json", json.dumps(identity.table()).encode())
            session = self._make(identity, {}, size)
        except (OSError, SessionRefused) as error:
            shutil.rmtree(folder, ignore_errors=True)  # one small file of ours
            raise SessionRefused(_sentence(error)) from error
        session.start()
        return session

    def adopt_all(self) -> None:
        """Take up every session that an earlier process left; folders of no use are removed.

        One whose kind cannot be used now is kept: its guest may be running, and its disk is in there.
        """
        self._settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._adopt_houses()
        for folder in sorted(self._settings.state.iterdir()):
            if not _SESSION.fullmatch(folder.name):
                continue
            try:
                table = json.loads((folder / "session.json").read_text())
                session = self._make(Identity.read(table), kept.read(folder))
            except (FileNotFoundError, ValueError, TypeError, KeyError) as error:
                log.warn("session folder {f} is of no use and is removed: {e}", f=folder.name, e=repr(error))
                self._in_background(self._remove(folder))
            except (OSError, SessionRefused) as error:
                log.error("session folder {f} is left alone for now: {e}", f=folder.name, e=str(error))
            else:
                session.adopt()

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
            changed=self._seats_changed,
        )

    def _seats_changed(self) -> None:
        self.load_changed()

    async def leave(self) -> None:
        """Let go of every session without ending its guest; wait for guests that are being ended."""
        for session in self:
            try:
                await session.leave()
            except Exception:
                log.failure("session {id} is not left as it should be", id=session.identity.session)
        await self._wait_for_burials()
        for house in self._houses.values():
            if house is not None:
                await house.leave()

    async def _wait_for_burials(self) -> None:
        try:
            await gatherResults(self._burials).addTimeout(LEAVE_SECONDS, self._reactor)
        except TimeoutError:
            log.error("a guest takes too long to end; the next session host finds it again")

    def _make(self, identity: Identity, before: Mapping[str, Any], size: Size = DEFAULT_SCREEN) -> Session:
        folder = self._settings.state / identity.session
        kind = str(identity.spec.get("kind"))

        def make_guest(ended: Callable[[str], None]) -> Guest:
            place = Place(
                folder=folder / "guest",
                images=self._settings.images,
                ended=ended,
                reactor=self._reactor,
                settings=self._settings.guests.get(kind, {}),
                screen=size,
                user=identity.user,
                desktop=identity.desktop,
            )
            return self._guest(kind, identity.spec, place)

        settings = self._settings
        session = Session(
            identity,
            make_guest,
            settings.encoding,
            self._reactor,
            self._session_changed,
            in_thread=self._in_thread,
            idle=settings.idle_seconds,
            figures=self.figures,
            kept=before,
            keep=functools.partial(kept.write, folder),
        )
        self._sessions[identity.session] = session
        return session

    def _guest(self, kind: str, spec: Mapping[str, Any], place: Place) -> Guest:
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

    def _session_changed(self, session: Session) -> None:
        self._changed(session)
        if session.state is SessionState.ENDED and session.identity.session in self._sessions:
            del self._sessions[session.identity.session]
            self._in_background(self._bury(session))

    async def _bury(self, session: Session) -> None:
        await session.over
        await self._remove(self._settings.state / session.identity.session)

    async def _remove(self, folder: Path) -> None:
        await self._in_thread(shutil.rmtree, folder, ignore_errors=True)

    def _in_background(self, burial: Coroutine[Any, Any, None]) -> None:
        """Do it; a host that leaves waits for it."""
        done = Deferred.fromCoroutine(burial)
        self._burials.add(done)
        done.addBoth(lambda _: self._burials.discard(done))


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"The session's folder cannot be written: {error.strerror}."
    return str(error)
