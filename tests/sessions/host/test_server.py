"""One session's faults stay with it: others on the same link, and in the same host, notice nothing."""

import base64

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from sessions import plugins
from sessions.composer import Composer
from sessions.guests import testcard
from sessions.host.load import LoadGauge
from sessions.host.registry import Registry
from sessions.host.server import HostServer
from sessions.host.settings import Settings
from sessions.viewer import Viewer
from sessions.wire import link, tsg
from sessions.wire.tsg import CloseCode
from tests.sessions.host.process import CARD, at_once

FAULTY = {"kind": "faulty", "width": 320, "height": 200, "fps": 0}


class FaultyGuest(testcard.TestcardGuest):
    """Its display, or itself, raises what nobody expects, where the test says so."""

    at = ""

    def __init__(self, spec, place):
        if self.at == "made":
            raise ZeroDivisionError
        super().__init__(spec, place)

    async def open_display(self, framebuffer, events):
        display = await super().open_display(framebuffer, events)
        for name in ("send", "watch", "request_size"):
            if name == self.at:
                setattr(display, name, self.fail)
        return display

    def fail(self, *_, **__):
        raise ZeroDivisionError

    async def stop(self):
        if self.at == "stop":
            self.fail()
        await super().stop()

    async def detach(self):
        if self.at == "detach":
            self.fail()
        await super().detach()


class Line:
    """A link to a host, with two sessions: `faulty` (viewer 1) and `sound` (viewer 2)."""

    def __init__(self, registry):
        server = HostServer(registry, 1)
        self.registry = server.registry
        self.link = server.buildProtocol(None)
        self.transport = StringTransport()
        self.link.makeConnection(self.transport)
        self.reader = link.LinkReader()

    def say(self, kind, channel, body):
        self.link.dataReceived(link.encode(kind, channel, body))
        return self.heard()

    def heard(self):
        got = self.reader.receive(self.transport.value())
        self.transport.clear()
        return got

    def ask(self, method, **params):
        got = self.say(link.Kind.REQUEST, 0, {"id": 1, "method": method, "params": params})
        return next(message.body for message in got if message.kind is link.Kind.REPLY), got

    def start(self, session, spec):
        who = {"session": session, "desktop": "d", "user": "ada", "title": "Card"}
        return self.ask("start", **who, spec=spec, width=320, height=200)[0]

    def attach(self, session, viewer):
        hello = tsg.ClientHello(1, b"t" * 32, "test", 320, 200, (1, 2)).encode()
        return self.ask("attach", session=session, viewer=viewer, hello=base64.b64encode(hello).decode())

    def type(self, viewer, key=0x61):
        return self.say(link.Kind.VIEWER, viewer, tsg.Key(1, 30, key).encode())


def detached(messages):
    bodies = [message.body for message in messages if message.kind is link.Kind.EVENT]
    return [(b["params"]["viewer"], b["params"]["code"]) for b in bodies if b["event"] == "detached"]


def detached_event(messages):
    bodies = [message.body for message in messages if message.kind is link.Kind.EVENT]
    return next(body for body in bodies if body["event"] == "detached")


def goes_on(line):
    """Whether the sound session's viewer still sees what it types."""
    assert not line.transport.disconnected
    assert not line.transport.disconnecting
    got = line.type(2, key=0x62)
    return any(m.kind is link.Kind.VIEWER and m.channel == 2 for m in got) and not detached(got)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def line(tmp_path, clock, monkeypatch):
    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: FaultyGuest if name == "faulty" else load(kind, name)
    )
    settings = Settings(socket=tmp_path / "s", state=tmp_path / "state", images=tmp_path / "images")
    line = Line(lambda changed: Registry(settings, clock, changed, at_once))
    line.start("b" * 32, CARD)
    line.attach("b" * 32, 2)
    line.say(link.Kind.VIEWER, 2, tsg.Ack(99, 0, 0).encode())
    clock.advance(1)
    assert goes_on(line)
    clock.advance(1)
    return line


@pytest.mark.parametrize("at", ["send", "request_size"])
def test_a_fault_while_a_viewer_is_served_costs_that_viewer(line, monkeypatch, at):
    monkeypatch.setattr(FaultyGuest, "at", "")
    line.start("a" * 32, FAULTY)
    line.attach("a" * 32, 1)
    display = line.registry["a" * 32]._screen._display
    monkeypatch.setattr(display, at, FaultyGuest.fail)
    message = tsg.Key(1, 30, 0x61) if at == "send" else tsg.RequestSize(640, 480)
    got = line.say(link.Kind.VIEWER, 1, message.encode())
    assert detached(got) == [(1, CloseCode.SERVER_ERROR)]
    assert goes_on(line)
    assert line.registry["a" * 32].info()["viewers"] == 0


def test_a_fault_while_a_viewer_is_let_in_costs_that_viewer(line, monkeypatch):
    monkeypatch.setattr(FaultyGuest, "at", "request_size")
    line.start("a" * 32, FAULTY)
    _reply, got = line.attach("a" * 32, 1)
    assert detached(got) == [(1, CloseCode.SERVER_ERROR)]
    assert goes_on(line)


def test_a_viewer_that_cannot_be_sent_to_does_not_fail_its_display(line, monkeypatch):
    """The display's own callbacks come from its parser; a fault must not end up there."""
    line.start("a" * 32, FAULTY)
    line.attach("a" * 32, 1)
    screen = line.registry["a" * 32]._screen
    for call, broken in (("updated", "add"), ("resized", "resized")):
        line.attach("a" * 32, 3)
        with monkeypatch.context() as patch:
            patch.setattr(Composer, broken, FaultyGuest.fail)
            getattr(screen, call)()
        assert detached(line.heard()) == [(3, CloseCode.SERVER_ERROR)]
    assert goes_on(line)


def test_a_viewer_lost_while_it_is_let_in_is_sent_no_frames(line, clock, monkeypatch):
    line.start("a" * 32, FAULTY)
    tell = Viewer.tell

    def tell_hello_only(viewer, message):
        if isinstance(message, tsg.State):
            raise ZeroDivisionError
        tell(viewer, message)

    monkeypatch.setattr(Viewer, "tell", tell_hello_only)
    _reply, got = line.attach("a" * 32, 1)
    assert detached(got) == [(1, CloseCode.SERVER_ERROR)]
    line.registry["a" * 32]._screen.updated()
    clock.advance(1)
    assert [m for m in line.heard() if m.kind is link.Kind.VIEWER and m.channel == 1] == []
    after = got[[m.body for m in got].index(detached_event(got)) + 1 :]
    assert [m for m in after if m.kind is link.Kind.VIEWER] == []


def test_where_time_goes_is_told_of_one_session_and_of_all(line, clock):
    clock.advance(1)
    line.say(link.Kind.VIEWER, 2, tsg.Ack(99, 0, 0).encode())
    line.type(2)
    clock.advance(0.05)
    line.say(link.Kind.VIEWER, 2, tsg.Ack(99, 100, 20_000).encode())
    stats = line.ask("stats", session="b" * 32)[0]["result"]
    assert stats["session"] == "b" * 32
    assert stats["stages"]["total"]["p50"] == pytest.approx(0.05, rel=0.05)
    assert stats["stages"]["client"]["p95"] == pytest.approx(0.02, rel=0.05)
    assert [viewer["viewer"] for viewer in stats["viewers"]] == [2]
    line.ask("end", session="b" * 32)
    totals = line.ask("totals")[0]["result"]
    assert totals["cpu_seconds"] > 0
    assert totals["stages"]["total"]["sum"] >= 0.05
    assert len(totals["bounds"]) == len(totals["stages"]["total"]["below"])
    assert totals["frames"] == stats["frames"]
    assert "no session" in line.ask("stats", session="b" * 32)[0]["error"]


def test_a_guest_whose_making_fails_is_refused_and_leaves_no_folder(line, monkeypatch, tmp_path):
    monkeypatch.setattr(FaultyGuest, "at", "made")
    assert "internal error" in line.start("a" * 32, FAULTY)["error"]
    assert not (tmp_path / "state" / ("a" * 32)).exists()
    assert goes_on(line)


def test_a_guest_whose_end_fails_is_over_all_the_same(line, monkeypatch):
    monkeypatch.setattr(FaultyGuest, "at", "stop")
    line.start("a" * 32, FAULTY)
    session = line.registry["a" * 32]
    assert line.ask("end", session="a" * 32)[0]["result"] == {}
    assert session.over.called
    assert goes_on(line)


def test_a_request_that_fails_here_is_answered(line, monkeypatch):
    monkeypatch.setattr(line.registry["b" * 32], "attach", FaultyGuest.fail)
    assert "internal error" in line.attach("b" * 32, 5)[0]["error"]
    assert goes_on(line)


def test_a_host_leaves_even_if_one_guest_cannot_be_let_go(line, monkeypatch):
    monkeypatch.setattr(FaultyGuest, "at", "detach")
    line.start("a" * 32, FAULTY)
    left = []
    Deferred.fromCoroutine(line.registry.leave()).addBoth(left.append)
    assert left == [None]
    assert line.registry["b" * 32].info()["viewers"] == 0


def test_a_link_that_goes_lets_all_its_viewers_go_whatever_one_display_does(line, monkeypatch):
    line.start("a" * 32, FAULTY)
    line.attach("a" * 32, 1)
    monkeypatch.setattr(line.registry["a" * 32]._screen._display, "watch", FaultyGuest.fail)
    line.link.connectionLost()
    assert [session.info()["viewers"] for session in line.registry] == [0, 0]


def test_adopting_goes_on_after_one_that_cannot_be_made(line, clock, monkeypatch):
    line.start("a" * 32, FAULTY)
    monkeypatch.setattr(FaultyGuest, "at", "made")
    later = Registry(line.registry._settings, clock, lambda session: None, at_once)
    later.adopt_all()
    assert [session.identity.session for session in later] == ["b" * 32]


def loads(messages):
    bodies = [message.body for message in messages if message.kind is link.Kind.EVENT]
    return [body["params"] for body in bodies if body["event"] == "load"]


def test_a_gateway_hears_of_the_load_before_its_hello_is_answered_and_at_every_change(line, monkeypatch):
    _reply, got = line.ask("hello", version=link.VERSION)
    [load] = loads(got)
    assert got[0].body["event"] == "load"
    assert 0 <= load["cpu"] <= 1
    assert 0 < load["memory_free"] < 1 << 50
    assert (load["spares"], load["seats"]) == ({}, {})
    monkeypatch.setattr(line.registry, "spares", lambda: {"d": 2})
    line.registry.load_changed()
    assert [load["spares"] for load in loads(line.heard())] == [{"d": 2}]


def test_the_load_is_the_processors_share_since_the_last_turn(line):
    passed, used = iter([0.0, 10.0, 15.0, 20.0]), iter([0.0, 1.0, 3.5, 3.5])
    gauge = LoadGauge(line.registry, lambda: next(passed), lambda: next(used))
    shares = []
    for _ in range(3):
        gauge.turn()
        shares.append(gauge.told()["cpu"])
    assert shares == [0.1, 0.5, 0.0]


@pytest.mark.parametrize(("administrator", "by"), [(False, "You have"), (True, "An administrator has")])
def test_sessions_are_disconnected_logged_off_and_reset(line, administrator, by):
    def ask(method, session):
        return line.ask(method, session=session, administrator=administrator)[1]

    got = ask("disconnect", "b" * 32)
    assert detached(got) == [(2, CloseCode.DISCONNECTED)]
    assert detached_event(got)["params"]["reason"] == f"{by} disconnected this session. It goes on."
    for method, reason in (("log_off", "LOGGED_OFF"), ("reset", "RESET")):
        line.start("c" * 32, CARD)
        line.attach("c" * 32, 7)
        got = ask(method, "c" * 32)
        assert detached(got) == [(7, CloseCode.SESSION_ENDED)]
        assert detached_event(got)["params"]["reason"].startswith(by)
        events = [m.body for m in got if m.kind is link.Kind.EVENT]
        last = [body["params"] for body in events if body["event"] == "session"][-1]
        assert last["reason"] == ("ADMINISTRATOR" if administrator else reason)
        assert "no session" in line.ask(method, session="c" * 32)[0]["error"]
    assert line.attach("b" * 32, 8)[0]["result"] == {}
