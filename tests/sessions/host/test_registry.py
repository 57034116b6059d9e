"""The sessions of a host and their folders, with guests that take their time or cannot be had."""

import functools
import os

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions import plugins
from sessions.guests import testcard
from sessions.host.memory import WAIT_SECONDS
from sessions.host.registry import LEAVE_SECONDS, Registry
from sessions.host.settings import Settings
from sessions.identity import Identity
from sessions.pixels.geometry import Size
from sessions.quiet import REST_SECONDS
from sessions.rules import Rules
from sessions.wire.tsg import SessionState
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


def test_a_session_goes_on_in_the_next_process_where_it_was(tmp_path, clock, registry):
    rules = Rules(disconnected_minutes=5)
    first = registry.start(Identity(ID, "d", "ada", "Card", CARD, rules), Size(320, 200))
    clock.advance(200)
    Deferred.fromCoroutine(registry.leave())
    told = []
    later = Registry(registry._settings, clock, told.append, at_once)
    later.adopt_all()
    [session] = later
    assert session.identity == first.identity
    assert session.info() == {**first.info(), "viewers": 0}
    clock.advance(99)
    assert session.state is SessionState.DISCONNECTED
    clock.advance(1)
    assert session.info()["reason"] == "LIMIT"
    assert not (tmp_path / "state" / ID).exists()


def test_what_an_earlier_process_had_begun_to_end_is_not_taken_up(tmp_path, registry, monkeypatch):
    load = plugins.load
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "load", lambda kind, name: SlowToEnd if kind == "guest" else load(kind, name))
        session = registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
        Deferred.fromCoroutine(session.log_off("Enough."))
    later = Registry(registry._settings, Clock(), lambda session: None, at_once)
    later.adopt_all()
    assert list(later) == []
    assert not (tmp_path / "state" / ID).exists()


@pytest.mark.parametrize("rubbish", ["", "[]", '{"started": "soon", "since": [], "clock": {"left_at": []}}'])
def test_a_broken_record_of_its_life_costs_no_session(tmp_path, registry, rubbish):
    registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    (tmp_path / "state" / ID / "life.json").write_text(rubbish)
    later = Registry(registry._settings, Clock(), lambda session: None, at_once)
    later.adopt_all()
    assert [session.info()["state"] for session in later] == [SessionState.DISCONNECTED]


def adopted(tmp_path):
    """The sessions that the next host takes up."""
    settings = Settings(socket=tmp_path / "s", state=tmp_path / "state", images=tmp_path / "images")
    later = Registry(settings, Clock(), lambda session: None, at_once)
    later.adopt_all()
    return [session.identity.session for session in later]


def test_a_broken_folder_with_something_of_a_guest_is_left_alone(tmp_path, registry):
    """Its guest may be running, and its disk is in there."""
    registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    (tmp_path / "state" / ID / "session.json").write_text("{")
    (tmp_path / "state" / ID / "guest" / "disk.qcow2").write_text("work")
    assert adopted(tmp_path) == []
    assert (tmp_path / "state" / ID / "guest" / "disk.qcow2").read_text() == "work"


def test_a_session_that_two_folders_claim_to_be_is_taken_up_once(tmp_path, registry):
    registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    copy = tmp_path / "state" / ("b" * 32)
    copy.mkdir()
    (copy / "session.json").write_bytes((tmp_path / "state" / ID / "session.json").read_bytes())
    assert adopted(tmp_path) == [ID]
    assert copy.exists()


def test_a_folder_that_somebody_else_has_put_there_is_not_believed(tmp_path, registry):
    registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    folder = tmp_path / "state" / ID
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert adopted(tmp_path) == []
    assert (tmp_path / "elsewhere" / "session.json").exists()
    if os.geteuid() == 0:
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        os.chown(folder, 1234, 1234)
        assert adopted(tmp_path) == []
        assert folder.exists()


def test_what_a_session_had_is_given_back_once_it_was_left(registry, clock, thread):
    session = registry.start(Identity(ID, "d", "ada", "Card", CARD), Size(320, 200))
    clock.advance(REST_SECONDS)
    thread.run()  # its small picture is kept
    assert thread.calls == []
    clock.advance(WAIT_SECONDS - REST_SECONDS)
    [(call, _)] = thread.calls
    assert call.func.__name__ == "malloc_trim"
    thread.run()
    Deferred.fromCoroutine(session.end("Enough."))
    thread.run()  # its folder goes
    clock.advance(WAIT_SECONDS)
    assert len(thread.calls) == 1
    Deferred.fromCoroutine(registry.leave())
    assert not clock.getDelayedCalls()
