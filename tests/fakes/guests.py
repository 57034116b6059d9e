"""Guests without machines that behave as the test says, well or badly: plug-ins of the kinds in `KINDS`.

What every guest has done is in its `log`; all guests made are in `made`, the latest last.
"""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred

from sessions import plugins
from sessions.guests import testcard
from sessions.guests.base import GuestError

made: list[ObedientGuest] = []


class ObedientGuest(testcard.TestcardGuest):
    """Does at once what it is asked; its state folder says that it runs, so it can be adopted."""

    def __init__(self, spec, place):
        super().__init__(spec, place)
        self.place = place
        self.log = []
        made.append(self)

    @property
    def running(self):
        return (self.place.folder / "running").exists()

    async def start(self, progress):
        self.log.append("start")
        (self.place.folder / "running").write_text(json.dumps({}))

    async def adopt(self):
        self.log.append("adopt")
        if not self.running:
            raise GuestError("This session's guest is gone.")

    async def stop(self):
        self.log.append("stop")
        (self.place.folder / "running").unlink(missing_ok=True)
        await super().stop()

    async def detach(self):
        self.log.append("detach")
        await super().stop()

    def die(self, reason="The guest was shut down."):
        """Stop by itself."""
        (self.place.folder / "running").unlink()
        self.place.ended(reason)


class SlowGuest(ObedientGuest):
    """Takes as long to start and to stop as the test says: `started` and `stopped` are the test's to fire."""

    def __init__(self, spec, place):
        super().__init__(spec, place)
        self.started, self.stopped = Deferred(), Deferred()

    async def start(self, progress):
        self.log.append("begin")
        await self.started
        await super().start(progress)

    async def stop(self):
        self.log.append("stopping")
        await self.stopped
        await super().stop()


class NeverGuest(ObedientGuest):
    """Never gets ready, and does not even listen when its start is called off."""

    async def start(self, progress):
        self.log.append("start")
        await Deferred(lambda deferred: None).addErrback(lambda failure: Deferred())


class FailingGuest(ObedientGuest):
    """Does not start, and says why."""

    async def start(self, progress):
        self.log.append("start")
        (self.place.folder / "half").write_text("made")
        raise GuestError("The guest's disk could not be made.", detail="no such luck")


class DyingGuest(ObedientGuest):
    """Starts well, and dies a moment later."""

    async def start(self, progress):
        await super().start(progress)
        self.place.reactor.callLater(1, self._die_if_running)

    def _die_if_running(self):
        if self.running:
            self.die("The guest's operating system has crashed.")


class BrokenGuest(ObedientGuest):
    """Raises what nobody expects."""

    async def start(self, progress):
        raise ZeroDivisionError


KINDS = {
    "obedient": ObedientGuest,
    "slow": SlowGuest,
    "never": NeverGuest,
    "failing": FailingGuest,
    "dying": DyingGuest,
    "broken": BrokenGuest,
}


def install(monkeypatch):
    """Have these kinds be there; forget guests of other tests."""
    load = plugins.load
    made.clear()

    def with_ours(kind, name):
        return KINDS[name] if kind == "guest" and name in KINDS else load(kind, name)

    monkeypatch.setattr(plugins, "load", with_ours)
