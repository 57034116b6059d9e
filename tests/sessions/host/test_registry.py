"""The sessions of a host and their folders, with guests that take their time or cannot be had."""

import functools

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions import plugins
from sessions.guests import testcard
from sessions.host.registry import LEAVE_SECONDS, Registry
from sessions.host.settings import Settings
from sessions.identity import Identity
from sessions.pixels.geometry import Size
from tests.sessions.host.process import at_once

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


class Thread:
    """Makes the calls it is given when the test says so."""

    def __init__(self):
        self.calls = []

    def __call__(self, *call, **named):
        done = Deferred()
        self.calls.append((functools.partial(*call, **named), done))
        return done

    def run(self):
        calls, self.calls = self.calls, []
        for call, done in calls:
            done.callback(call())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def thread():
    return Thread()


@pytest.fixture
def registry(tmp_path, clock, thread):
    settings = Settings(socket=tmp_path / "s", state=tmp_path / "state", images=tmp_path / "images")
    return Registry(settings, clock, lambda session: None, thread)


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


def test_a_host_does_not_leave_before_its_ended_guests_are_gone(tmp_path, ending, thread):
    assert not ending.called
    SlowToEnd.last.callback(None)
    assert not ending.called
    thread.run()
    assert ending.called
    assert not (tmp_path / "state" / ID).exists()


def test_a_guest_that_does_not_end_holds_nobody_up_for_ever(tmp_path, ending, clock):
    clock.advance(LEAVE_SECONDS)
    assert ending.called
    assert (tmp_path / "state" / ID / "session.json").exists()


def test_a_session_whose_kind_is_missing_now_is_kept_for_later(tmp_path, registry, monkeypatch):
    """Its guest may be running, and its disk is in the folder."""
    registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    later = Registry(registry._settings, Clock(), lambda session: None, at_once)

    def missing(kind, name):
        raise plugins.PluginError("it does not load")

    with monkeypatch.context() as patch:
        patch.setattr(plugins, "load", missing)
        later.adopt_all()
    assert list(later) == []
    assert (tmp_path / "state" / ID / "session.json").exists()
    later.adopt_all()
    assert [session.identity.session for session in later] == [ID]


def test_a_folder_is_removed_on_a_thread_and_last(tmp_path, registry, thread):
    """It may hold gigabytes, and the reactor has others to serve; a new host must find it until then."""
    session = registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    Deferred.fromCoroutine(session.end("Enough."))
    assert session.over.called
    assert (tmp_path / "state" / ID / "session.json").exists()
    thread.run()
    assert not (tmp_path / "state" / ID).exists()


def test_useless_folders_are_removed_on_a_thread_too(tmp_path, registry, thread):
    (tmp_path / "state" / ID).mkdir(parents=True)
    registry.adopt_all()
    assert (tmp_path / "state" / ID).exists()
    thread.run()
    assert not (tmp_path / "state" / ID).exists()
