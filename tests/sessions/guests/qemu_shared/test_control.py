"""The port by which a shared machine is told whom to seat; the guest's end is played by the test."""

import json
import socket

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.guests.base import GuestError
from sessions.guests.qemu_shared.control import Control
from sessions.wire.seats import Ended


class Line:
    def __init__(self):
        ours, self.theirs = socket.socketpair()
        self.theirs.settimeout(120)
        self.told = []
        self.losses = 0
        self.control = Control(reactor, ours, self.told.append, self.lost)

    def lost(self):
        self.losses += 1

    def ask(self, *arguments):
        return Deferred.fromCoroutine(self.control.ask(*arguments))

    def heard(self):
        return [json.loads(line) for line in self.theirs.recv(65536).split(b"\n") if line]

    def say(self, *tables):
        self.theirs.sendall(b"".join(json.dumps(table).encode() + b"\n" for table in tables))


@pytest.fixture
def line():
    made = Line()
    yield made
    made.control.close()
    made.theirs.close()


@pytest_twisted.ensureDeferred
async def test_each_request_gets_its_own_answer(line):
    first, second = line.ask("log-on", {"seat": 0}, 120), line.ask("log-on", {"seat": 1}, 120)
    asked = line.heard()
    assert [(each["do"], each["seat"]) for each in asked] == [("log-on", 0), ("log-on", 1)]
    line.say(
        {"id": asked[1]["id"], "error": "It is taken."}, {"id": asked[0]["id"], "result": {"account": "ada"}}
    )
    assert await first == {"account": "ada"}
    with pytest.raises(GuestError, match="It is taken"):
        await second


@pytest_twisted.ensureDeferred
async def test_answers_to_an_earlier_connection_are_nobody_s(line):
    hello = Deferred.fromCoroutine(line.control.hello(120))
    (asked,) = line.heard()
    line.theirs.sendall(b'ult": {"seats": {"7": "old"}}}\n')  # the end of a line
    line.say({"id": "other-1", "result": {"seats": {"8": "old"}}})
    line.say({"id": asked["id"], "result": {"version": 1, "seats": {"1": "s"}}})
    assert await hello == {1: "s"}


@pytest_twisted.ensureDeferred
async def test_what_an_earlier_session_host_left_half_said_is_ended_first(line):
    line.ask("hello", {}, 120).addErrback(lambda _: None)
    assert line.theirs.recv(65536).startswith(b"\n{")


@pytest_twisted.ensureDeferred
async def test_silence_has_an_end(line):
    with pytest.raises(GuestError, match="does not answer"):
        await line.ask("hello", {}, 0.05)


@pytest_twisted.ensureDeferred
async def test_who_waits_when_the_machine_ends_is_told(line):
    waiting = line.ask("log-off", {}, 120)
    line.theirs.close()
    with pytest.raises(GuestError, match="is gone"):
        await waiting
    await deferLater(reactor, 0)
    assert line.losses == 1
    with pytest.raises(GuestError, match="is gone"):
        await line.ask("hello", {}, 120)


@pytest_twisted.ensureDeferred
async def test_events_come_through(line):
    line.say({"event": "ended", "seat": 2, "session": "s"})
    while not line.told:
        await deferLater(reactor, 0.01)
    assert line.told == [Ended(2, "s")]
