"""A session's life, with badly behaved guests: told as transcripts of what viewers and the gateway see."""

import json
from types import SimpleNamespace

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import eventAsText, globalLogPublisher

from sessions.displays.base import DisplayError
from sessions.encoders.base import Options
from sessions.guests.base import GuestError
from sessions.identity import Identity
from sessions.input.events import Button, Key, Locks, Move, Pointer, Text, Wheel
from sessions.pixels.geometry import Rect, Size
from sessions.quiet import IDLE_SECONDS, REST_SECONDS
from sessions.rules import AtGuestEnd, AtLimit, Rules, Second
from sessions.screen import REOPEN_SECONDS
from sessions.session import Session
from sessions.wire import tsg
from sessions.wire.tsg import CloseCode, SessionState
from tests.reference.picture import Picture

USUAL = Rules()


class Screen:
    """A display that does what the test says."""

    resizable = takes_text = True

    def __init__(self, framebuffer, events):
        self.framebuffer, self.events = framebuffer, events
        self.got = []
        self.wishes = []
        self.closed = False

    def paint(self, colour):
        size = Size(320, 200)
        if self.framebuffer.size != size:
            self.framebuffer.resize(size)
            self.events.resized()
        self.framebuffer.fill(Rect(0, 0, *size), colour)
        self.events.updated()

    def send(self, event):
        self.got.append(event)

    def request_size(self, size):
        self.wishes.append(size)

    def watch(self, watched):
        self.watched = watched

    def close(self):
        self.closed = True


class Machine:
    """A guest that does what the test says: `started` is fired or failed by it."""

    sound = share = clipboard = None

    def __init__(self, ended):
        self.ended = ended
        self.started = Deferred()
        self.down = Deferred()
        self.screens = []
        self.refusals = []
        self.calls = []
        self.starts = 0

    async def start(self, progress):
        self.progress = progress
        self.starts += 1
        await self.started

    async def adopt(self):
        self.calls.append("adopt")
        await self.started

    async def open_display(self, framebuffer, events):
        if self.refusals:
            raise self.refusals.pop(0)
        self.screens.append(Screen(framebuffer, events))
        self.screens[-1].paint(0)
        return self.screens[-1]

    async def shut_down(self, seconds):
        self.calls.append(f"shut down within {seconds}")
        await self.down

    async def stop(self):
        self.calls.append("stop")

    share = None

    async def detach(self):
        self.calls.append("detach")


class Client:
    """A viewer's far end."""

    def __init__(self, session, number, capabilities=(1, 2, 11), shadow=None, size=(800, 600)):
        self.session, self.number = session, number
        self.picture = Picture()
        self.messages = []
        self.gone = None
        hello = tsg.ClientHello(1, b"t" * 32, "test", *size, capabilities)
        session.attach(number, hello, self._take, self._let_go, shadow)

    def _take(self, data):
        self.messages.append(self.picture.take(data))

    def _let_go(self, code, reason):
        self.gone = (code, reason)

    def say(self, message):
        self.session.received(self.number, message.encode())

    @property
    def notices(self):
        return [(m.level, m.seconds, m.text) for m in self.messages if isinstance(m, tsg.Notice)]

    @property
    def states(self):
        return [m.state for m in self.messages if isinstance(m, tsg.State)]


class World:
    """kept: what an earlier process has kept; the session is adopted then."""

    def __init__(self, rules=USUAL, kept=None, clock=None, **more):
        self.clock = clock or Clock()
        self.told = []
        self.events = []
        self.kept = kept or {}
        identity = Identity("0" * 32, "desk", "ada", "Desk", {"kind": "test"}, rules)
        self.session = Session(
            identity,
            self._machine,
            Options(window_log=20),
            self.clock,
            self._changed,
            in_thread=execute,
            kept=kept,
            keep=self._keep,
            told=lambda event, params: self.events.append((event, params)),
            **more,
        )
        self.session.start() if kept is None else self.session.adopt()

    def _machine(self, ended):
        self.machine = Machine(ended)
        return self.machine

    def _keep(self, table):
        self.kept = json.loads(json.dumps(table))

    def _changed(self, session):
        self.told.append(session.info())

    @property
    def screen(self):
        return self.machine.screens[-1]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def running(world):
    world.machine.started.callback(None)
    return world


def test_who_wishes_no_size_takes_the_screen_as_it_is(running):
    Client(running.session, 1, size=(0, 0))
    assert running.screen.wishes == []
    running.screen.paint(0x00FF00)
    Client(running.session, 2, size=(9000, 600))
    Client(running.session, 3, size=(0, 0))
    assert running.screen.wishes == [Size(8192, 600)]


def test_a_session_starts_is_watched_and_left(world):
    client = Client(world.session, 1)
    hello = client.messages[0]
    assert (hello.version, hello.desktop, hello.control) == (1, "Desk", 1)
    world.machine.progress(40, "Starting the machine")
    assert client.messages[-1] == tsg.State(SessionState.STARTING, 40, "Starting the machine")
    world.machine.started.callback(None)
    world.screen.paint(0x00FF00)
    world.clock.advance(0.1)
    assert (client.picture.pixels == 0x00FF00).all()
    assert world.session.state is SessionState.CONNECTED
    client.say(tsg.Ack(1, 0, 0))
    assert world.session.state is SessionState.ACTIVE
    assert world.screen.wishes == [Size(800, 600)]
    world.session.detach(1)
    assert world.session.state is SessionState.DISCONNECTED
    assert client.gone == (CloseCode.NORMAL, "")
    assert client.states == [0, 0, 2, 1]
    assert world.told[-1]["viewers"] == 0


@pytest.mark.parametrize("kept", [None, {"state": 1, "started": 1.0, "since": 1.0}])
def test_the_guest_is_lent_its_persons_folder_once_it_runs_also_by_the_next_process(kept):
    world = World(kept=kept)
    lent = []
    world.machine.share = SimpleNamespace(mounted=False, lend=lambda *whose: lent.append(whose))
    assert world.session.info()["shares"]
    assert lent == []
    world.machine.started.callback(None)
    assert lent == [("ada", "desk")]


def test_a_returning_viewer_gets_the_picture_and_the_pointer(running):
    running.screen.paint(0x123456)
    first = Client(running.session, 1)
    running.session.detach(1)
    running.screen.paint(0x654321)
    again = Client(running.session, 2)
    assert (again.picture.pixels == 0x654321).all()
    assert (first.picture.pixels == 0x123456).all()


def test_who_can_is_told_that_the_guest_asks_for_movements_and_may_say_them(running):
    running.screen.paint(1)
    plain = Client(running.session, 1)
    running.screen.events.pointing(True)
    running.screen.events.pointing(True)
    able = Client(running.session, 2, capabilities=(1, 19))
    running.screen.events.pointing(False)
    modes = [[m.relative for m in each.messages if isinstance(m, tsg.PointerMode)] for each in (plain, able)]
    assert modes == [[], [1, 0]]
    able.say(tsg.Move(-3, 4, 1))
    able.say(tsg.Locks(tsg.Lock.NUM))
    assert running.screen.got == [Move(-3, 4, Button.LEFT), Locks(False, True)]
    able.say(tsg.ReleaseKeys())
    assert running.screen.got[-1] == Move(0, 0, Button(0))


def test_a_display_may_rest_while_nobody_looks(running):
    assert not running.screen.watched
    Client(running.session, 1)
    assert running.screen.watched
    Client(running.session, 2)
    assert running.screen.watched
    running.session.detach(2)
    assert not running.screen.watched


def test_the_newer_viewer_takes_the_session_over(running):
    first = Client(running.session, 1)
    Client(running.session, 2)
    assert first.gone[0] is CloseCode.TAKEN_OVER
    running.session.received(1, tsg.Key(1, 30, 0).encode())
    assert running.screen.got == []


def test_several_viewers_share_a_session_that_may_be_joined():
    world = World(Rules(second=Second.JOIN))
    world.machine.started.callback(None)
    first, second = Client(world.session, 1), Client(world.session, 2)
    [screen] = world.machine.screens
    for colour in (1, 2, 3):
        screen.paint(colour)
        for client in (first, second):
            client.say(tsg.Ack(client.picture.frames, 0, 1))
        world.clock.advance(0.1)
    assert first.gone is second.gone is None
    assert world.session.info()["viewers"] == 2
    for client in (first, second):
        assert (client.picture.pixels == 3).all()
        client.say(tsg.Key(1, 0x1E, 0))
    assert len(screen.got) == 2
    world.session.detach(1)
    assert screen.got[2:] == [Key(False, 0x1E, 0)], "what the one held, not what the other holds"
    screen.paint(4)
    world.clock.advance(0.1)
    assert (second.picture.pixels == 4).all()


def test_a_viewer_that_fails_at_a_codec_is_heard_and_one_that_makes_it_up_is_not():
    world = World()
    world.machine.started.callback(None)
    client = Client(world.session, 1, (1, 2, 6))
    for codec in (tsg.Codec.H264, tsg.Codec.H264, tsg.Codec.AV1, 77):
        client.say(tsg.VideoFailed(codec, "no \n decoder"))
    assert client.gone is None
    [viewer] = world.session._viewers._viewers.values()
    assert viewer.recipient.capabilities == {1, 2}


def test_input_arrives_and_what_is_held_is_released(running):
    client = Client(running.session, 1)
    for message in (
        tsg.Key(1, 42, 0xFFE1),
        tsg.Key(1, 30, 0x41),
        tsg.TypeText("é"),
        tsg.Pointer(5, 6, 1),
        tsg.Wheel(0, 120),
    ):
        client.say(message)
    assert running.screen.got == [
        Key(True, 42, 0xFFE1), Key(True, 30, 0x41), Text("é"), Pointer(5, 6, Button.LEFT), Wheel(0, 120),
    ]  # fmt: skip
    running.screen.got.clear()
    running.session.detach(1)
    assert running.screen.got == [Key(False, 30, 0x41), Key(False, 42, 0xFFE1), Pointer(5, 6, Button(0))]


def test_keys_let_go_of_without_a_press_do_not_reach_the_guest(running):
    client = Client(running.session, 1)
    client.say(tsg.Key(0, 30, 0))
    for code in range(1, 60):
        client.say(tsg.Key(1, code, 0))
    assert len(running.screen.got) == 32
    running.screen.got.clear()
    client.say(tsg.ReleaseKeys())
    assert len(running.screen.got) == 32
    assert not any(key.down for key in running.screen.got)


@pytest.mark.parametrize(
    "rubbish", [b"", b"\x7f", b"\x11\x05", tsg.ServerHello(1, "", "", 1, 24, ()).encode()]
)
def test_a_viewer_that_breaks_the_protocol_is_let_go_and_the_session_goes_on(running, rubbish):
    client = Client(running.session, 1)
    running.session.received(1, rubbish)
    assert client.gone[0] is CloseCode.PROTOCOL
    assert running.session.state is SessionState.DISCONNECTED


def test_a_session_without_input_falls_idle_and_wakes_at_the_first(running):
    client = Client(running.session, 1)
    running.screen.paint(0x123456)
    client.say(tsg.Ack(1, 0, 0))
    running.clock.advance(IDLE_SECONDS - 1)
    client.say(tsg.Pointer(5, 6, 0))
    running.clock.advance(IDLE_SECONDS - 1)
    assert running.session.state is SessionState.ACTIVE
    running.screen.paint(0x654321)  # neither what the guest does nor that it arrives is input
    client.say(tsg.Ack(2, 0, 0))
    client.say(tsg.RequestSize(640, 480))
    running.clock.advance(1)
    assert running.session.state is SessionState.IDLE
    assert client.messages[-1].state == SessionState.IDLE
    assert running.told[-1]["state"] == SessionState.IDLE
    client.say(tsg.Key(1, 30, 0x61))
    assert running.session.state is SessionState.ACTIVE
    assert running.screen.got[-1] == Key(True, 30, 0x61)
    running.clock.advance(IDLE_SECONDS)
    assert client.states[-3:] == [SessionState.IDLE, SessionState.ACTIVE, SessionState.IDLE]


def test_since_when_a_session_is_idle_is_told_while_somebody_is_connected(running, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1e9 + running.clock.seconds())
    assert running.session.info()["idle_since"] == 0
    running.clock.advance(100)
    client = Client(running.session, 1)
    assert running.session.info()["idle_since"] == 1e9 + 100
    client.say(tsg.Ack(1, 0, 0))
    running.clock.advance(50)
    client.say(tsg.Key(1, 30, 0x61))
    running.clock.advance(50)
    assert running.session.info()["idle_since"] == 1e9 + 150
    running.session.detach(1)
    assert running.session.info()["idle_since"] == 0


def test_the_number_a_session_goes_by_is_kept_and_taken_again(running):
    assert running.session.info()["number"] == 0
    running.session.renumber(7)
    again = World(kept=running.kept)
    assert again.session.info()["number"] == 7
    assert [World(kept={"number": bad}).session.number for bad in (-1, True, 1.5, "7", None)] == [0] * 5


def test_who_opens_an_idle_session_elsewhere_finds_it_awake(running):
    Client(running.session, 1).say(tsg.Ack(1, 0, 0))
    running.clock.advance(IDLE_SECONDS)
    assert running.session.state is SessionState.IDLE
    other = Client(running.session, 2)
    assert running.session.state is SessionState.CONNECTED
    other.say(tsg.Ack(1, 0, 0))
    running.clock.advance(IDLE_SECONDS - 1)
    assert running.session.state is SessionState.ACTIVE
    running.session.detach(2)
    running.clock.advance(IDLE_SECONDS)
    assert running.session.state is SessionState.DISCONNECTED
    assert not running.clock.getDelayedCalls()


def test_a_lost_decoder_begins_again(running):
    client = Client(running.session, 1)
    running.screen.paint(0x00AA00)
    running.clock.advance(0.1)
    client.picture = Picture()
    client.picture.take(tsg.ScreenSize(320, 200).encode())
    client.say(tsg.Ack(99, 0, 0))
    client.say(tsg.Refresh())
    running.clock.advance(0.1)
    assert (client.picture.pixels == 0x00AA00).all()


def test_a_guest_that_cannot_start_ends_the_session_with_its_sentence(world):
    client = Client(world.session, 1)
    world.machine.started.errback(GuestError("The image is missing.", "no such file"))
    assert client.messages[-1] == tsg.State(SessionState.ENDED, 255, "The image is missing.")
    assert client.gone == (CloseCode.SESSION_ENDED, "The image is missing.")
    assert world.machine.calls == ["stop"]
    assert world.told[-1]["state"] == SessionState.ENDED


def test_a_mistake_of_ours_ends_the_session_without_a_traceback_for_people(world):
    client = Client(world.session, 1)
    world.machine.started.errback(ZeroDivisionError("oops"))
    assert "internal error" in client.gone[1]
    assert "oops" not in client.gone[1]


def test_a_guest_that_ends_by_itself_ends_the_session(running):
    client = Client(running.session, 1)
    running.machine.ended("The guest was shut down.")
    assert client.gone == (CloseCode.SESSION_ENDED, "The guest was shut down.")
    assert running.screen.closed
    assert running.session.over.called


def test_a_session_ended_while_it_starts_stops_its_guest(world):
    client = Client(world.session, 1)
    Deferred.fromCoroutine(world.session.end("Enough."))
    assert client.gone == (CloseCode.SESSION_ENDED, "Enough.")
    assert world.machine.calls == ["stop"]
    assert world.machine.screens == []


def test_a_lost_display_is_opened_again(running):
    client = Client(running.session, 1)
    old = running.screen
    running.machine.refusals = [DisplayError("Refused."), DisplayError("Refused.")]
    old.events.lost(DisplayError("The server has closed the connection."))
    assert "Trying again" in client.messages[-1].text
    for wait in REOPEN_SECONDS[:3]:
        running.clock.advance(wait)
    assert running.screen is not old
    running.screen.paint(0x0000FF)
    running.clock.advance(0.1)
    assert (client.picture.pixels == 0x0000FF).all()
    assert running.session.state is not SessionState.ENDED


@pytest.mark.parametrize("words", ["x" * 4096, "🦊" * 300, "\ud800"], ids=["long", "wide", "surrogate"])
def test_a_strangers_words_in_a_reason_disturb_nothing(running, words):
    """A VNC server chooses them."""
    client = Client(running.session, 1)
    old = running.screen
    old.events.lost(DisplayError(f"It said: {words}"))
    assert client.messages[-1].text.startswith("It said: ")
    running.clock.advance(REOPEN_SECONDS[0])
    assert running.screen is not old
    running.machine.ended(words)
    assert client.messages[-1].state == SessionState.ENDED
    assert running.session.over.called


def test_a_display_lost_for_good_ends_the_session(running):
    client = Client(running.session, 1)
    running.machine.refusals = [DisplayError("Nobody there.")] * 20
    running.screen.events.lost(DisplayError("Gone."))
    for wait in REOPEN_SECONDS:
        running.clock.advance(wait)
    assert running.session.state is SessionState.ENDED
    assert client.gone == (CloseCode.SESSION_ENDED, "Nobody there.")
    assert running.told[-1]["text"] == "Nobody there."
    assert running.told[-1]["reason"] == "LOST"
    assert not running.clock.getDelayedCalls()


def test_what_is_for_the_operator_is_in_the_log_and_nowhere_else(running):
    Client(running.session, 1)
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        running.machine.refusals = [DisplayError("Nobody there.", "at 10.1.2.3")] * 20
        running.screen.events.lost(DisplayError("Gone.", "by host 10.1.2.4"))
        for wait in REOPEN_SECONDS:
            running.clock.advance(wait)
    finally:
        globalLogPublisher.removeObserver(events.append)
    said = [eventAsText(event, includeTimestamp=False, includeSystem=False) for event in events]
    name = f"session {running.session.identity.session}"
    assert f"{name}: Gone. (by host 10.1.2.4)" in said
    assert said.count(f"{name}: Nobody there. (at 10.1.2.3)") == len(REOPEN_SECONDS)
    assert "10.1.2" not in str(running.told)


@pytest_twisted.ensureDeferred
async def test_leaving_lets_the_guest_go_on(running):
    client = Client(running.session, 1)
    await running.session.leave()
    assert client.gone[0] is CloseCode.SHUTDOWN
    assert running.machine.calls == ["detach"]
    assert running.screen.closed


# ---- a second viewer


def test_where_a_second_viewer_is_refused_it_is_told_who_is_there():
    world = World(Rules(second=Second.REFUSE))
    world.machine.started.callback(None)
    first = Client(world.session, 1)
    world.clock.advance(150)
    second = Client(world.session, 2)
    assert second.messages == []
    code, reason = second.gone
    assert code is CloseCode.IN_USE
    assert reason == "This desktop is in use in another place: by ada, for 2 minutes, with test."
    assert first.gone is None
    assert world.session.info()["viewers"] == 1
    world.session.detach(1)
    assert Client(world.session, 3).gone is None


# ---- disconnecting, logging off, resetting


def test_who_is_disconnected_finds_everything_as_it_was(running):
    client = Client(running.session, 1)
    running.screen.paint(0x123456)
    running.session.disconnect("An administrator has disconnected it.")
    assert client.gone == (CloseCode.DISCONNECTED, "An administrator has disconnected it.")
    assert running.session.state is SessionState.DISCONNECTED
    assert running.machine.calls == []
    again = Client(running.session, 2)
    assert (again.picture.pixels == 0x123456).all()


def test_a_guest_that_is_logged_off_may_shut_down_before_it_is_stopped(running):
    client = Client(running.session, 1)
    Deferred.fromCoroutine(running.session.log_off("You have logged off."))
    assert client.gone == (CloseCode.SESSION_ENDED, "You have logged off.")
    assert running.told[-1]["reason"] == "LOGGED_OFF"
    assert running.told[-1]["state"] == SessionState.ENDED
    assert running.machine.calls == ["shut down within 30"]
    assert not running.session.over.called
    running.machine.down.callback(None)
    assert running.machine.calls == ["shut down within 30", "stop"]
    assert running.session.over.called


def test_a_reset_waits_for_nobody(running):
    Deferred.fromCoroutine(running.session.end("Enough."))
    assert running.machine.calls == ["stop"]
    assert running.told[-1]["reason"] == "RESET"


def test_a_guest_that_has_not_come_up_is_not_asked_to_shut_down(world):
    Deferred.fromCoroutine(world.session.log_off("Enough."))
    assert world.machine.calls == ["stop"]


def test_a_shutdown_that_fails_ends_all_the_same(running):
    Deferred.fromCoroutine(running.session.log_off("Enough."))
    running.machine.down.errback(ZeroDivisionError())
    assert running.machine.calls[-1] == "stop"
    assert running.session.over.called


# ---- limits


def limited(**rules):
    world = World(Rules(**rules))
    world.machine.started.callback(None)
    client = Client(world.session, 1)
    client.say(tsg.Ack(1, 0, 0))
    return world, client


def test_who_is_away_is_warned_stays_by_a_button_and_is_disconnected_the_next_time():
    world, client = limited(idle_minutes=10)
    world.clock.advance(540)
    sentence = "You have not used this desktop for a while. You will be disconnected."
    assert client.notices == [(tsg.NoticeLevel.ABSENCE, 60, sentence)]
    world.clock.advance(30)
    client.say(tsg.Stay())
    assert client.notices[1:] == [(tsg.NoticeLevel.INFORMATION, 0, "")]
    assert world.screen.got == [], "the guest is told nothing"
    world.clock.advance(540)
    assert len(client.notices) == 3
    world.clock.advance(59)
    assert client.gone is None
    world.clock.advance(1)
    assert client.gone[0] is CloseCode.DISCONNECTED
    assert "not used for 10 minutes" in client.gone[1]
    assert world.session.state is SessionState.DISCONNECTED
    assert Client(world.session, 2).gone is None
    world.clock.advance(500)
    assert world.session.info()["viewers"] == 1, "who comes back has all the time again"


def test_further_limits_hold_from_when_they_are_told_and_nobody_is_sent_away_unwarned():
    world, client = limited(idle_minutes=60, active_minutes=20)
    world.clock.advance(600)
    world.session.limit(Rules(idle_minutes=5, active_minutes=20))
    [(level, seconds, _)] = client.notices
    assert (level, seconds) == (tsg.NoticeLevel.ABSENCE, 60)  # who was away for longer than that already
    client.say(tsg.Stay())
    world.clock.advance(299)
    assert client.gone is None
    world.clock.advance(1)
    assert "not used for 5 minutes" in client.gone[1]


def test_limits_are_lifted_by_who_comes_with_others():
    world, client = limited(idle_minutes=60)
    world.session.limit(Rules(idle_minutes=1))
    world.clock.advance(45)
    assert client.notices
    world.session.limit(Rules(idle_minutes=60))
    assert client.notices[-1] == (tsg.NoticeLevel.INFORMATION, 0, "")
    world.clock.advance(600)
    assert client.gone is None


def test_limits_told_while_a_desktop_starts_hold_when_it_is_there():
    world = World(Rules())
    client = Client(world.session, 1)
    world.session.limit(Rules(active_minutes=5))
    world.clock.advance(1000)
    assert client.notices == []
    world.machine.started.callback(None)
    client.say(tsg.Ack(1, 0, 0))
    world.clock.advance(299)
    assert client.gone is None
    world.clock.advance(1)
    assert client.gone[0] is CloseCode.DISCONNECTED


def test_keys_and_pointer_keep_a_session_and_what_the_guest_does_does_not():
    world, client = limited(idle_minutes=1, warn_seconds=0)
    for message in (tsg.Key(1, 30, 0), tsg.Pointer(1, 1, 0), tsg.TypeText("x"), tsg.Wheel(0, 1)):
        world.clock.advance(59)
        client.say(message)
    world.clock.advance(59)
    world.screen.paint(7)
    client.say(tsg.Ack(2, 0, 0))
    client.say(tsg.RequestSize(640, 480))
    world.clock.advance(1)
    assert client.gone[0] is CloseCode.DISCONNECTED


def test_a_limit_may_end_the_session_and_gives_the_guest_its_time():
    world, client = limited(active_minutes=5, at_limit=AtLimit.END)
    world.clock.advance(240)
    [(level, seconds, text)] = client.notices
    assert (level, seconds) == (tsg.NoticeLevel.WARNING, 60)
    assert "logged off" in text
    client.say(tsg.Stay())
    world.clock.advance(60)
    assert client.gone[0] is CloseCode.SESSION_ENDED
    assert world.told[-1]["reason"] == "LIMIT"
    assert world.machine.calls == ["shut down within 30"]


def test_a_session_that_nobody_comes_back_to_is_logged_off():
    world, _ = limited(disconnected_minutes=5)
    world.session.detach(1)
    world.clock.advance(299)
    assert world.session.state is SessionState.DISCONNECTED
    world.clock.advance(1)
    assert world.told[-1]["reason"] == "LIMIT"
    assert world.told[-1]["text"] == "The session was logged off because nobody was connected for 5 minutes."


def test_who_comes_while_a_warning_is_out_is_warned_too():
    world = World(Rules(second=Second.JOIN, idle_minutes=10))
    world.machine.started.callback(None)
    Client(world.session, 1)
    world.clock.advance(560)
    late = Client(world.session, 2)
    assert [seconds for _, seconds, _ in late.notices] == [40]


def test_a_viewer_that_does_not_know_notices_is_sent_none():
    world = World(Rules(idle_minutes=1))
    world.machine.started.callback(None)
    client = Client(world.session, 1, (1, 2))
    world.clock.advance(59)
    assert client.notices == []
    world.clock.advance(1)
    assert client.gone[0] is CloseCode.DISCONNECTED


def test_limits_go_on_in_the_next_process():
    world, _ = limited(idle_minutes=10, disconnected_minutes=5)
    world.clock.advance(400)
    later = World(world.session.identity.rules, world.kept, world.clock)
    later.machine.started.callback(None)
    client = Client(later.session, 1)
    world.clock.advance(140)
    assert [seconds for _, seconds, _ in client.notices] == [60]
    later.session.detach(1)
    world.clock.advance(200)
    last = World(world.session.identity.rules, later.kept, world.clock)
    last.machine.started.callback(None)
    since = later.told[-1]["since"]
    assert last.session.info()["since"] == since
    assert last.session.info()["started"] == world.session.info()["started"]
    world.clock.advance(99)
    assert last.session.state is SessionState.DISCONNECTED
    world.clock.advance(1)
    assert last.told[-1]["reason"] == "LIMIT"


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_is_set_changes_nothing(monkeypatch, jump):
    now = [1_000_000.0]
    monkeypatch.setattr("sessions.session.time.time", lambda: now[0])
    world, client = limited(idle_minutes=10, disconnected_minutes=20)
    world.clock.advance(300)
    now[0] += jump
    world.clock.advance(239)
    assert client.notices == []
    world.clock.advance(1)
    assert len(client.notices) == 1
    later = World(world.session.identity.rules, world.kept, world.clock)
    later.machine.started.callback(None)
    now[0] += jump
    world.clock.advance(1199)
    assert later.session.state is SessionState.DISCONNECTED
    world.clock.advance(1)
    assert later.session.state is SessionState.ENDED


# ---- a guest that ends


def died(world):
    """The guest ends by itself."""
    world.machine.started = Deferred()
    world.screen.closed = True
    world.machine.ended("The guest was killed.")


def test_a_guest_that_ends_is_started_again_while_people_wait():
    world, client = limited(at_guest_end=AtGuestEnd.RESTART)
    died(world)
    told = client.messages[-1]
    assert (told.state, told.text) == (SessionState.STARTING, "The guest was killed. It is started again.")
    assert world.machine.starts == 1, "not amid what has told of its end"
    world.clock.advance(0)
    world.machine.progress(30, "Starting the machine")
    assert client.messages[-1] == tsg.State(SessionState.STARTING, 30, "Starting the machine")
    world.machine.started.callback(None)
    world.screen.paint(0x00AA00)
    world.clock.advance(0.1)
    client.say(tsg.Ack(client.picture.frames, 0, 1))
    assert (client.picture.pixels == 0x00AA00).all()
    assert client.gone is None
    assert world.session.state is SessionState.ACTIVE
    assert len(world.machine.screens) == 2


def test_a_guest_that_keeps_ending_is_not_started_for_ever():
    world, client = limited(at_guest_end=AtGuestEnd.RESTART)
    for _ in range(3):
        died(world)
        world.clock.advance(100)
        world.machine.started.callback(None)
    later = World(world.session.identity.rules, world.kept, world.clock)
    later.machine.started.callback(None)
    client = Client(later.session, 1)
    died(later)
    assert client.gone == (
        CloseCode.SESSION_ENDED, "The guest was killed. Starting it again has not helped.",
    )  # fmt: skip
    assert later.told[-1]["reason"] == "GUEST_ENDED"


def test_a_guest_that_ends_now_and_then_is_started_each_time():
    world, client = limited(at_guest_end=AtGuestEnd.RESTART)
    for _ in range(9):
        died(world)
        world.clock.advance(250)
        world.machine.started.callback(None)
    assert client.gone is None


def test_a_guest_that_does_not_come_up_again_ends_the_session():
    world, client = limited(at_guest_end=AtGuestEnd.RESTART)
    died(world)
    world.clock.advance(0)
    world.machine.started.errback(GuestError("The image is missing."))
    assert client.gone == (CloseCode.SESSION_ENDED, "The image is missing.")
    assert world.told[-1]["reason"] == "START_FAILED"


def test_a_session_may_be_reset_while_its_guest_is_started_again():
    world, _ = limited(at_guest_end=AtGuestEnd.RESTART)
    died(world)
    Deferred.fromCoroutine(world.session.end("Enough."))
    assert world.session.over.called
    world.clock.advance(1)
    assert world.machine.starts == 1
    assert not world.clock.getDelayedCalls()


# ---- a screen that nobody looks at


def test_a_screen_that_nobody_looks_at_is_let_go_of_and_opened_for_who_comes(running):
    Client(running.session, 1)
    running.session.detach(1)
    running.clock.advance(REST_SECONDS - 0.1)
    assert not running.screen.closed, "a page that is loaded anew finds it open"
    running.clock.advance(0.1)
    assert running.screen.closed
    assert running.session._screen._framebuffer.pixels.nbytes == 0
    assert not running.clock.getDelayedCalls()
    again = Client(running.session, 2)
    assert len(running.machine.screens) == 2
    assert running.screen.wishes == [Size(800, 600)]
    running.screen.paint(0x0000AA)
    running.clock.advance(0.1)
    assert (again.picture.pixels == 0x0000AA).all()


def test_who_returns_in_time_finds_the_screen_open(running):
    Client(running.session, 1)
    running.session.detach(1)
    running.clock.advance(REST_SECONDS - 0.1)
    Client(running.session, 2)
    running.clock.advance(REST_SECONDS)
    [screen] = running.machine.screens
    assert not screen.closed


def test_a_display_that_goes_while_nobody_looks_is_opened_when_somebody_does(running):
    running.machine.refusals = [DisplayError("Nobody there.")]
    running.screen.events.lost(DisplayError("Gone."))
    running.clock.advance(600)
    assert running.session.state is SessionState.DISCONNECTED
    client = Client(running.session, 1)
    assert client.messages[-1].text == "Nobody there. Trying again."
    running.clock.advance(REOPEN_SECONDS[0])
    running.screen.paint(0x0000AA)
    running.clock.advance(0.1)
    assert (client.picture.pixels == 0x0000AA).all()


def test_nobody_waits_for_a_display_any_more_when_all_have_left(running):
    running.machine.refusals = [DisplayError("Nobody there.")] * 20
    Client(running.session, 1)
    running.screen.events.lost(DisplayError("Gone."))
    running.session.detach(1)
    for wait in REOPEN_SECONDS:
        running.clock.advance(wait)
    assert running.session.state is SessionState.DISCONNECTED
    assert len(running.machine.refusals) == 20
    assert not running.clock.getDelayedCalls()


def test_a_guest_that_is_found_again_is_not_looked_at_before_somebody_comes(running):
    later = World(kept=running.kept)
    later.machine.started.callback(None)
    assert later.machine.calls == ["adopt"]
    assert later.machine.screens == []
    assert later.session.state is SessionState.DISCONNECTED
    Client(later.session, 1)
    assert len(later.machine.screens) == 1


def test_what_was_being_ended_is_ended_by_the_next_process(running):
    Deferred.fromCoroutine(running.session.log_off("You have logged off."))
    later = World(kept=running.kept)
    assert later.session.state is SessionState.ENDED
    assert Client(later.session, 1).gone[0] is CloseCode.SESSION_ENDED
    later.machine.started.errback(GuestError("It has gone."))
    assert later.machine.calls == ["adopt", "stop"]
    assert later.session.over.called


def test_a_guest_that_ended_while_no_process_looked_after_it_is_started_again():
    world, _ = limited(at_guest_end=AtGuestEnd.RESTART)
    later = World(world.session.identity.rules, world.kept, world.clock)
    client = Client(later.session, 1)
    adopting, later.machine.started = later.machine.started, Deferred()
    adopting.errback(GuestError("It has ended."))
    assert client.messages[-1].text == "It has ended. It is started again."
    assert (later.machine.calls, later.machine.starts) == (["adopt"], 1)
    later.machine.started.callback(None)
    assert later.session.state is SessionState.CONNECTED
    assert later.kept["clock"]["restarts"] == [world.clock.seconds()]


def test_a_guest_that_ended_while_no_process_looked_after_it_ends_its_session_elsewhere(running):
    later = World(kept=running.kept)
    later.machine.started.errback(GuestError("It has ended."))
    assert later.told[-1]["reason"] == "LOST"
    assert later.machine.starts == 0
