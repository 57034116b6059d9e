"""The sessions of a host and their folders, with guests that take their time or cannot be had."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions import plugins
from sessions.guests import testcard
from sessions.host.registry import LEAVE_SECONDS, Registry
from sessions.host.settings import Settings
from sessions.pixels.geometry import Size
from sessions.session import Identity

ID = "a" * 32
CARD = {"kind": "testcard", "width": 320, "height": 200, "fps": 0}


class SlowToEnd(testcard.TestcardGuest):
    """A guest whose end takes as long as the test says."""

    def __init__(self, spec, place):
        super().__init__(spec, place)
        self.stopped = SlowToEnd.last = Deferred()

    async def stop(self):
        await self.stopped
        await super().stop()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(tmp_path, clock):
    settings = Settings(socket=tmp_path / "s", state=tmp_path / "state", images=tmp_path / "images")
    return Registry(settings, clock, lambda session: None)


@pytest.fixture
def ending(registry, monkeypatch):
    """A host that leaves while a guest is being ended."""
    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: SlowToEnd if kind == "guest" else load(kind, name)
    )
    session = registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    Deferred.fromCoroutine(session.end("Enough."))
    return Deferred.fromCoroutine(registry.leave())


def test_a_host_does_not_leave_before_its_ended_guests_are_gone(tmp_path, ending):
    assert not ending.called
    SlowToEnd.last.callback(None)
    assert ending.called
    assert not (tmp_path / "state" / ID).exists()


def test_a_guest_that_does_not_end_holds_nobody_up_for_ever(tmp_path, ending, clock):
    clock.advance(LEAVE_SECONDS)
    assert ending.called
    assert (tmp_path / "state" / ID / "session.json").exists()


def test_a_session_whose_kind_is_missing_now_is_kept_for_later(tmp_path, registry, monkeypatch):
    """Its guest may be running, and its disk is in the folder."""
    registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    later = Registry(registry._settings, Clock(), lambda session: None)

    def missing(kind, name):
        raise plugins.PluginError("it does not load")

    with monkeypatch.context() as patch:
        patch.setattr(plugins, "load", missing)
        later.adopt_all()
    assert list(later) == []
    assert (tmp_path / "state" / ID / "session.json").exists()
    later.adopt_all()
    assert [session.identity.session for session in later] == [ID]
