"""The link's requests that go to the agent in a guest: what is answered, refused, and noted in the log."""

import base64
import getpass
import socket

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from sessions import plugins
from sessions.guests.base import Finished, GuestError, GuestInfo
from sessions.guests.testcard import TestcardGuest
from sessions.host.registry import Registry
from sessions.host.settings import Settings
from sessions.wire import link
from tests.sessions.host.process import CARD, at_once
from tests.sessions.host.test_server import Line

SESSION = "a" * 32
INFO = GuestInfo("Debian", "12", "desk", ("10.0.2.15",), "7.2", 1.5)


class Helper:
    """A guest's services; `run` ends when the test says so."""

    account = None

    def __init__(self):
        self.asked = []
        self.ends = Deferred()

    async def info(self):
        return INFO

    async def run(self, command, *, input=b"", seconds=30, limit=0):
        self.asked.append((command, input, seconds))
        return await self.ends


@pytest.fixture
def helper():
    return Helper()


@pytest.fixture
def line(tmp_path, monkeypatch, helper):
    class HelpedGuest(TestcardGuest):
        services = helper

    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: HelpedGuest if name == "helped" else load(kind, name)
    )
    settings = Settings(socket=tmp_path / "s", state=tmp_path / "state", images=tmp_path / "images")
    line = Line(lambda changed: Registry(settings, Clock(), changed, at_once))
    ours, theirs = socket.socketpair()
    line.transport.getHandle = lambda: ours
    line.start(SESSION, {**CARD, "kind": "helped"})
    line.start("b" * 32, CARD)
    with ours, theirs:
        yield line


@pytest.fixture
def noted():
    """What is logged, as texts."""
    events = []
    globalLogPublisher.addObserver(events.append)
    yield lambda: [each["log_format"].format(**each) for each in events if "audit" in each["log_format"]]
    globalLogPublisher.removeObserver(events.append)


def run(line, **params):
    request = {"id": 5, "method": "run", "params": {"session": SESSION, "command": ["true"], **params}}
    return replies(line.say(link.Kind.REQUEST, 0, request))


def replies(messages):
    return [message.body for message in messages if message.kind is link.Kind.REPLY]


def ran(messages):
    """What every gateway is told of commands."""
    events = [message.body for message in messages if message.kind is link.Kind.EVENT]
    return [each["params"] for each in events if each["event"] == "ran"]


def test_a_guest_tells_what_it_is(line):
    assert line.ask("guest", session=SESSION)[0]["result"] == {
        "os": "Debian", "version": "12", "host_name": "desk", "addresses": ["10.0.2.15"], "agent": "7.2",
        "time": 1.5,
    }  # fmt: skip


def test_others_are_answered_while_a_command_runs(line, helper, noted):
    given = base64.b64encode(b"hello").decode()
    heard = line.say(link.Kind.REQUEST, 0, {"id": 5, "method": "run", "params": {
        "session": SESSION, "command": ["cat", "-"], "input": given, "seconds": 3600}})  # fmt: skip
    assert replies(heard) == []
    [told] = ran(heard)
    assert told["who"].startswith(getpass.getuser())
    assert {**told, "who": ""} == {
        "session": SESSION, "user": "ada", "who": "", "command": '["cat", "-"]', "code": None,
    }  # fmt: skip
    assert helper.asked == [(["cat", "-"], b"hello", 3600)]
    assert len(line.ask("list")[0]["result"]["sessions"]) == 2
    helper.ends.callback(Finished(3, b"out", b"err"))
    heard = line.heard()
    [answer] = replies(heard)
    assert answer == {"id": 5, "result": {"code": 3, "out": "b3V0", "err": "ZXJy"}}
    assert [each["code"] for each in ran(heard)] == [3]
    begun, ended = noted()
    who = getpass.getuser()
    assert begun.startswith(f"audit: {who} (user id ")
    assert begun.endswith(f'runs ["cat", "-"] in session {SESSION} of ada')
    assert ended.endswith("code 3")
    assert who in ended


def test_what_a_command_did_not_do_is_answered_and_noted(line, helper, noted):
    assert run(line, command=["a\nb" * 9000]) == []
    helper.ends.errback(GuestError("It goes on.", "detail"))
    heard = line.heard()
    [answer] = replies(heard)
    assert [(each["code"], each["error"]) for each in ran(heard)] == [(None, "It goes on.")]
    assert answer == {"id": 5, "error": "It goes on."}
    begun, ended = noted()
    assert ended.endswith("It goes on.")
    assert "\n" not in begun + ended  # no line of the log is somebody else's
    assert len(begun) < 3000


@pytest.mark.parametrize(
    "params",
    [
        {"command": 7}, {"command": None}, {"input": "?"}, {"seconds": "x"}, {"seconds": float("nan")},
        {"seconds": 1e999}, {"seconds": 3601}, {"seconds": -1},
    ],
)  # fmt: skip
def test_a_malformed_request_runs_nothing(line, helper, noted, params):
    [answer] = run(line, **params)
    assert "malformed" in answer["error"]
    assert helper.asked == []
    assert noted() == []


def test_a_guest_without_services_says_so(line, noted):
    for method, params in (("guest", {}), ("run", {"command": ["true"]})):
        answer, _ = line.ask(method, session="b" * 32, **params)
        assert "No agent" in answer["error"]
        answer, _ = line.ask(method, session="c" * 32, **params)
        assert "no session" in answer["error"]
    assert noted() == []


def test_an_answer_for_a_link_that_is_gone_is_dropped(line, helper):
    assert run(line) == []
    line.link.connectionLost()
    helper.ends.callback(Finished(0, b"", b""))
    assert line.heard() == []
