"""Guests that run for nobody yet, so that whoever comes need not wait for one to start.

The gateway says how many of which desktop shall stand ready (the link's request `pools`); this keeps them so.
A spare has a folder like a session's, with `spare.json` in place of `session.json`, so that it is found again
after the session host was killed. When a session gets it, its folder becomes the session's.

A spare is of use as long as its desktop's spec and its image's version are those of today; else it is ended
and another one started. They start one after the other: people who have come already need the processor more.

A desktop whose guests fail is tried again after growing waits, and each failed guest is gone, its folder
removed, before the next is made: what never works costs little and leaves nothing behind.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from sessions.guests.base import GuestError
from sessions.host.load import memory_free
from sessions.host.spare import Kept, MakeGuest, Spare, Wish
from sessions.images.errors import ImageError
from sessions.images.store import ImageStore

log = Logger()

BACK_OFF = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds to wait after the first, second … failure in a row."""
TELL_AFTER = 3
"""So many failures in a row are trouble that the operator is told of."""
STEADY_SECONDS = 60.0
"""A guest that has run this long was no failure, whatever happens to it then."""
START_SECONDS = 900.0
"""A guest that takes longer to start is given up; kinds have shorter limits of their own."""
LOW_MEMORY = 1 << 30
"""With less free memory than that, bytes, no guest is started for nobody."""
NO_MEMORY = "Too little memory is free on the server to have guests stand ready."
LOOK_EVERY = 10.0
"""Seconds between looks whether an image has changed."""


@dataclass
class _Pool:
    """The spares of one desktop and how making them goes.

    burying: failed ones that are not gone yet. not_before: on the reactor's clock.
    """

    wish: Wish
    version: str = ""
    spares: list[Spare] = field(default_factory=list)
    burying: int = 0
    failures: int = 0
    not_before: float = 0.0
    trouble: str = ""

    @property
    def ready(self) -> list[Spare]:
        return [spare for spare in self.spares if spare.ready_at is not None]

    @property
    def lacks(self) -> int:
        return self.wish.spares - len(self.spares)

    def fits(self, spare: Spare) -> bool:
        kept = spare.kept
        return kept.spec == self.wish.spec and kept.version == self.version

    def begin_anew(self) -> None:
        """Forget failures: something has changed."""
        self.failures, self.not_before, self.trouble = 0, 0.0, ""


class Spares:
    """All spares of a session host.

    state, images: the folders of sessions and of the image store.
    make_guest: raises an exception whose text is a sentence.
    in_background: does something that a host which leaves waits for.
    remove: removes a folder. changed: called when `count` says something new.
    """

    def __init__(
        self,
        state: Path,
        images: Path,
        reactor: Any,
        make_guest: MakeGuest,
        *,
        in_background: Callable[[Coroutine[Any, Any, None]], None],
        remove: Callable[[Path], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self._state = state
        self._images = ImageStore(images)
        self._reactor = reactor
        self._make_guest = make_guest
        self._in_background = in_background
        self._remove = remove
        self._changed = changed
        self._pools: dict[str, _Pool] = {}
        self._found: list[Spare] = []  # left by an earlier process; no wish has come yet
        self._ending: set[Path] = set()
        self._busy = False
        self._leaving = False
        self._looking = LoopingCall(self.look)
        self._looking.clock = reactor

    # ---- what the registry asks

    def __iter__(self) -> Iterator[Spare]:
        return iter([*self._found, *(spare for pool in self._pools.values() for spare in pool.spares)])

    def wish(self, wishes: Iterable[Wish]) -> None:
        """Take the whole wish, which replaces the last one."""
        wanted = {wish.desktop: wish for wish in wishes}
        for desktop, wish in wanted.items():
            pool = self._pools.setdefault(desktop, _Pool(wish))
            if pool.wish.spec != wish.spec:
                pool.begin_anew()
            pool.wish = wish
        for desktop in self._pools.keys() - wanted.keys():
            for spare in self._pools.pop(desktop).spares:
                self._discard(spare)
        found, self._found = self._found, []
        for spare in found:
            if spare.kept.desktop in self._pools:
                self._pools[spare.kept.desktop].spares.append(spare)
            else:
                self._discard(spare)
        if not self._looking.running:
            self._looking.start(LOOK_EVERY, now=False)
        self.look()

    def take(self, desktop: str, spec: Mapping[str, Any]) -> Spare | None:
        """Return a guest for a session of this desktop, if one is ready; it is the session's from now on."""
        pool = self._pools.get(desktop)
        if pool is None or pool.wish.spec != spec:
            return None
        pool.version = self._version(pool.wish.spec)
        spare = next((spare for spare in pool.ready if pool.fits(spare)), None)
        if spare is not None:
            pool.spares.remove(spare)
            self._changed()
            self._reactor.callLater(0, self.look)
        return spare

    def give_up(self, spare: Spare) -> None:
        """End one that was taken, after all."""
        self._in_background(self._bury(spare))

    def count(self) -> dict[str, int]:
        """Return how many stand ready of each desktop."""
        return {desktop: len(pool.ready) for desktop, pool in self._pools.items() if pool.ready}

    def told(self) -> dict[str, Any]:
        """Return what the link's request `spares` answers."""
        pools = [
            {
                "desktop": desktop,
                "wanted": pool.wish.spares,
                "ready": len(pool.ready),
                "starting": len(pool.spares) - len(pool.ready),
                "trouble": pool.trouble,
            }
            for desktop, pool in self._pools.items()
        ]
        there = len(self._found) + sum(len(pool.spares) for pool in self._pools.values())
        return {"pools": pools, "left": there + len(self._ending)}

    def adopt(self, folder: Path) -> None:
        """Take up a spare of an earlier process. Raises what reading it and making its guest may raise."""
        spare = Spare(folder, Kept.read(folder), self._make_guest, self._ended)
        self._found.append(spare)
        self._in_background(self._take_up(spare))

    async def leave(self) -> None:
        """Let go of those that stand ready; one that is starting is ended."""
        self._leaving = True
        if self._looking.running:
            self._looking.stop()
        for spare in [*self._found, *(spare for pool in self._pools.values() for spare in pool.spares)]:
            if spare.at_work is not None:
                spare.at_work.cancel()
            else:
                await self._let_go(spare)

    # ---- keeping them

    def look(self) -> None:
        """End what is of no use any more, and begin to start what is lacking."""
        if self._leaving:
            return
        for pool in self._pools.values():
            version = self._version(pool.wish.spec) if pool.wish.spares or pool.spares else ""
            if version != pool.version:
                pool.version = version
                pool.begin_anew()
            for spare in [spare for spare in pool.spares if not pool.fits(spare)]:
                self._drop(pool, spare)
            for spare in pool.spares[max(pool.wish.spares, 0) :]:  # the youngest
                self._drop(pool, spare)
        now = self._reactor.seconds()
        lacking = [pool for pool in self._pools.values() if pool.lacks > 0]
        able = [pool for pool in lacking if pool.not_before <= now and not pool.burying]
        if able and not self._busy and self._has_room(able):
            self._busy = True
            pool = min(able, key=lambda pool: (pool.failures, len(pool.spares)))
            self._in_background(self._add(pool))

    def _has_room(self, able: list[_Pool]) -> bool:
        """Whether memory is left for one more, beyond what people who come need."""
        is_low = 0 < memory_free() < LOW_MEMORY
        for pool in able:
            if is_low and not pool.trouble:
                pool.trouble = NO_MEMORY
                log.error("pool {desktop}: {why}", desktop=pool.wish.desktop, why=NO_MEMORY)
            elif not is_low and pool.trouble == NO_MEMORY:
                pool.trouble = ""
        return not is_low

    async def _add(self, pool: _Pool) -> None:
        """Start one more; before another is tried, one that failed is gone."""
        folder = self._state / secrets.token_hex(16)
        kept = Kept(pool.wish.desktop, pool.wish.spec, pool.version)
        spare, failed = None, ""
        try:
            folder.mkdir(mode=0o700, parents=True)
            (folder / "guest").mkdir(mode=0o700)
            kept.write(folder)
            spare = Spare(folder, kept, self._make_guest, self._ended)
            pool.spares.append(spare)
            await self._done(spare, spare.start_for_nobody())
            spare.kept = replace(kept, ready=True)
            spare.kept.write(folder)
        except CancelledError:
            pass  # it is not wanted any more
        except Exception as error:
            failed = _sentence(error)
        self._busy = False
        if spare is not None and spare.kept.ready and not failed:
            self._stands(pool, spare)
        else:
            if failed:
                self._failed(pool, failed)
            await self._clear_away(pool, folder, spare)
        self.look()

    async def _clear_away(self, pool: _Pool, folder: Path, spare: Spare | None) -> None:
        """Remove all of one that has failed; the pool waits for it."""
        pool.burying += 1
        await (self._remove(folder) if spare is None else self._bury(spare))
        pool.burying -= 1

    def _stands(self, pool: _Pool, spare: Spare) -> None:
        """A spare can be given away; when it still stands later, the failures before it are forgotten."""
        spare.ready_at = self._reactor.seconds()
        self._changed()

        def later() -> None:
            if spare in pool.spares:
                pool.begin_anew()

        if pool.failures:
            self._reactor.callLater(STEADY_SECONDS, later)

    async def _take_up(self, spare: Spare) -> None:
        """Adopt a spare; one that was not ready yet, or does not answer, is ended."""
        failed = ""
        try:
            await self._done(spare, spare.adopt())
        except CancelledError:
            failed = "it is not wanted any more"
        except Exception as error:
            failed = _sentence(error)
        if self._leaving:
            await self._let_go(spare)
        elif failed or not spare.kept.ready:
            why = failed or "it was not ready yet"
            log.info("spare {name} is ended: {why}", name=spare.folder.name, why=why)
            await self._bury(spare)
        else:
            spare.ready_at = self._reactor.seconds()
            self._changed()
        self.look()

    async def _done(self, spare: Spare, work: Coroutine[Any, Any, None]) -> None:
        """Do something that takes a while with a spare. Raises what it raises, or TimeoutError.

        Who cancels `spare.at_work`, or the time-out, does not wait for work that cannot be cancelled.
        """
        done: Deferred[None] = Deferred()
        working = Deferred.fromCoroutine(work)
        working.addBoth(lambda outcome: None if done.called else done.callback(outcome))
        spare.at_work = done.addTimeout(START_SECONDS, self._reactor)
        try:
            await done
        except BaseException:
            working.cancel()
            raise
        finally:
            spare.at_work = None

    async def _let_go(self, spare: Spare) -> None:
        try:
            await spare.detach()
        except Exception:
            log.failure("spare {name} is not left as it should be", name=spare.folder.name)

    def _ended(self, spare: Spare, reason: str) -> None:
        """A spare has stopped by itself."""
        pool = self._pools.get(spare.kept.desktop)
        lived = 0.0 if spare.ready_at is None else self._reactor.seconds() - spare.ready_at
        if not self._knows(spare):
            return
        self._forget(spare)
        if pool is None:
            self._discard(spare)
            return
        self._in_background(self._clear_away(pool, spare.folder, spare))
        self._changed()
        if lived >= STEADY_SECONDS:
            pool.begin_anew()
        self._failed(pool, reason)

    def _failed(self, pool: _Pool, why: str) -> None:
        pool.failures += 1
        wait = BACK_OFF[min(pool.failures, len(BACK_OFF)) - 1]
        pool.not_before = self._reactor.seconds() + wait
        say = log.warn
        if pool.failures >= TELL_AFTER:
            pool.trouble = f"{why} ({pool.failures} failures in a row)"
            say = log.error
        say(
            "pool {desktop}: a guest fails, the next try is in {wait} s: {why}",
            desktop=pool.wish.desktop,
            wait=f"{wait:g}",
            why=why,
        )
        self._reactor.callLater(wait, self.look)

    def _drop(self, pool: _Pool, spare: Spare) -> None:
        pool.spares.remove(spare)
        self._discard(spare)
        self._changed()

    def _discard(self, spare: Spare) -> None:
        """End it in the background."""
        if spare.at_work is not None:
            spare.at_work.cancel()  # whoever is at work buries it
        else:
            self._in_background(self._bury(spare))

    async def _bury(self, spare: Spare) -> None:
        self._forget(spare)
        self._ending.add(spare.folder)
        try:
            await spare.stop()
        except Exception:
            log.failure("spare {name} does not stop as it should", name=spare.folder.name)
        await self._remove(spare.folder)
        self._ending.discard(spare.folder)

    def _knows(self, spare: Spare) -> bool:
        return spare in self._found or any(spare in pool.spares for pool in self._pools.values())

    def _forget(self, spare: Spare) -> None:
        for spares in [self._found, *(pool.spares for pool in self._pools.values())]:
            if spare in spares:
                spares.remove(spare)

    def _version(self, spec: Mapping[str, Any]) -> str:
        """Return the version of the image that a desktop is made from; "" where that means nothing."""
        template = spec.get("template")
        try:
            return self._images.get(template).version if isinstance(template, str) else ""
        except ImageError:
            return ""


def _sentence(error: Exception) -> str:
    if isinstance(error, GuestError):
        log.warn("a spare does not start: {error} ({detail})", error=str(error), detail=error.detail)
    elif isinstance(error, TimeoutError):
        return f"The guest did not start within {START_SECONDS:g} seconds."
    elif isinstance(error, OSError):
        return f"The guest's folder cannot be written: {error.strerror}."
    elif not str(error).endswith("."):
        log.failure("a spare does not start")
        return "The guest cannot be started: an internal error, see the session host's log."
    return str(error)
