"""Messages to the people of a session, and others who look on: transcripts of what each side sees."""

import pytest
from twisted.internet.defer import ensureDeferred

from sessions.displays.base import DisplayError
from sessions.input.events import Button, Key, Pointer
from sessions.messages import MAX_OPEN, MessageRefused, Note
from sessions.quiet import IDLE_SECONDS, REST_SECONDS
from sessions.rules import Rules, Second, ShadowLevel
from sessions.screen import REOPEN_SECONDS
from sessions.shadows import ASK_SECONDS, MAX_SHADOWS, RETURN_SECONDS, ShadowWish
from sessions.wire import tsg
from sessions.wire.tsg import CloseCode, DialogKind, SessionState, ShadowState
from tests.sessions.test_session import Client, World

ABLE = (1, 2, 11, 12, 13)
UNABLE = (1, 2, 11)
RUTH = "ruth (helpdesk)"


class Person(Client):
    """A viewer of the session's own person, or of somebody who looks on."""

    def __init__(self, world, number, capabilities=ABLE, shadow=None):
        super().__init__(world.session, number, capabilities, shadow)

    def of(self, kind):
        return [message for message in self.messages if isinstance(message, kind)]

    @property
    def dialogs(self):
        return [(m.kind, m.seconds, m.sender, m.title, m.text) for m in self.of(tsg.Dialog)]

    @property
    def closed(self):
        return [m.id for m in self.of(tsg.DialogOver)]

    @property
    def marks(self):
        return [(m.id, m.state, m.who) for m in self.of(tsg.Shadow)]

    def answer(self, yes=1):
        self.say(tsg.Answer(self.of(tsg.Dialog)[-1].id, yes))


def running(level=ShadowLevel.CONTROL_ASKED, second=Second.TAKE_OVER):
    world = World(Rules(second=second, shadow=level))
    world.machine.started.callback(None)
    return world


def helper(world, number=9, controls=True, ask=False):
    return Person(world, number, shadow=ShadowWish(controls, RUTH, ask))


def note(id="m1", seconds=60, ask=True, text="The server\nis restarted at noon."):
    return Note(id, "ops", "Maintenance", text, seconds, ask)


def answers(world):
    return [(each["id"], each["answer"]) for event, each in world.events if event == "message_answered"]


def shadowing(world):
    return [(each["viewer"], each["state"]) for event, each in world.events if event == "shadow"]


# ---- messages


def test_a_message_is_read_and_answered_for():
    world = running()
    ada = Person(world, 1)
    world.session.messages.show(note())
    assert ada.dialogs == [
        (DialogKind.MESSAGE, 60, "ops", "Maintenance", "The server\nis restarted at noon.")
    ]
    assert answers(world) == []
    ada.answer()
    assert answers(world) == [("m1", "ok")]
    assert ada.closed == [1]
    ada.answer()
    world.clock.advance(100)
    assert answers(world) == [("m1", "ok")]


@pytest.mark.parametrize(("seconds", "becomes"), [(60, [("m1", "timeout")]), (0, [])])
def test_a_message_that_nobody_reads_goes_away_or_waits(seconds, becomes):
    world = running()
    ada = Person(world, 1)
    world.session.messages.show(note(seconds=seconds))
    world.clock.advance(seconds or 86_400)
    assert answers(world) == becomes
    assert ada.closed == [1] * len(becomes)


def test_who_connects_later_is_shown_what_is_unread_with_the_time_that_is_left():
    world = running()
    Person(world, 1)
    world.session.messages.show(note())
    world.session.messages.show(note("m2", seconds=0))
    world.clock.advance(20)
    again = Person(world, 2)
    assert [(kind, seconds) for kind, seconds, *_ in again.dialogs] == [(0, 40), (0, 0)]
    world.session.detach(2)
    elsewhere = Person(world, 3)
    elsewhere.say(tsg.Answer(2, 0))
    assert answers(world) == [("m2", "ok")], "put away is read"
    world.clock.advance(40)
    assert answers(world) == [("m2", "ok"), ("m1", "timeout")]
    assert Person(world, 4).dialogs == []


def test_one_of_several_viewers_answers_and_the_others_close_theirs():
    world = running(second=Second.JOIN)
    first, second, old = Person(world, 1), Person(world, 2), Person(world, 3, UNABLE)
    world.session.messages.show(note())
    second.answer()
    assert first.closed == second.closed == [1]
    assert old.dialogs == []
    assert old.gone is None


@pytest.mark.parametrize("there", [False, True])
def test_a_message_for_nobody_who_could_see_it_says_so(there):
    world = running()
    if there:
        Person(world, 1, UNABLE)
    world.session.messages.show(note())
    assert answers(world) == [("m1", "disconnected")]
    world.session.messages.show(note(ask=False))
    assert answers(world) == [("m1", "disconnected")]


def test_a_message_whose_session_ends_is_gone():
    world = running()
    Person(world, 1)
    world.session.messages.show(note())
    world.session.messages.show(note("m2", seconds=0, ask=False))
    ensureDeferred(world.session.end("over"))
    assert answers(world) == [("m1", "gone")]
    assert not [call for call in world.clock.getDelayedCalls() if call.active()]


def test_only_so_many_messages_are_unread_at_a_time():
    world = running()
    ada = Person(world, 1)
    for number in range(MAX_OPEN):
        world.session.messages.show(note(f"m{number}"))
    with pytest.raises(MessageRefused, match=f"{MAX_OPEN} messages are unread"):
        world.session.messages.show(note("one more"))
    ada.answer()
    world.session.messages.show(note("one more"))


MESSAGE = {
    "session": "0" * 32,
    "id": "m",
    "sender": "s",
    "title": "t",
    "text": "x",
    "seconds": 5,
    "ask": True,
}


@pytest.mark.parametrize(
    "bad",
    [{"seconds": -1}, {"seconds": 86_401}, {"seconds": "soon"}, {"text": "é" * 2049}, {"text": "x" * 4097}],
)
def test_a_message_that_is_too_much_is_refused(bad):
    with pytest.raises(ValueError, match=r".+"):
        Note.read({**MESSAGE, **bad})


def test_a_message_travels_whatever_is_in_it():
    world = running()
    ada = Person(world, 1)
    hostile = {"sender": "s\ud800" * 99, "title": "<b>" * 200, "text": "\x00\ud800<script>"}
    world.session.messages.show(Note.read({**MESSAGE, **hostile}))
    [(_, _, sender, title, text)] = ada.dialogs
    assert (len(sender), len(title), text) == (128, 256, "\x00?<script>")


# ---- those who look on


def test_somebody_looks_on_when_the_person_allows_it_and_uses_keyboard_and_pointer():
    world = running()
    ada = Person(world, 1)
    ada.say(tsg.Ack(1, 0, 0))
    ruth = helper(world)
    assert [type(m).__name__ for m in ruth.messages] == ["ServerHello", "State"]
    assert "ada is asked" in ruth.messages[1].text
    [(kind, seconds, sender, title, _)] = ada.dialogs
    assert (kind, seconds, sender) == (DialogKind.SHADOW_CONTROL, ASK_SECONDS, RUTH)
    assert title == "ruth (helpdesk) wants to see your screen and use your keyboard and pointer"
    ruth.say(tsg.Key(1, 30, 0x61))
    assert world.screen.got == []
    ada.answer()
    assert ada.marks == [(9, ShadowState.CONTROL, RUTH)]
    assert ruth.marks == [(9, ShadowState.CONTROL, "ada")]
    world.screen.paint(0x00FF00)
    world.clock.advance(0.1)
    assert (ruth.picture.pixels == 0x00FF00).all()
    ruth.say(tsg.Key(1, 30, 0x61))
    ruth.say(tsg.Pointer(5, 6, 1))
    assert world.screen.got == [Key(True, 30, 0x61), Pointer(5, 6, Button.LEFT)]
    world.screen.got.clear()
    ada.say(tsg.StopShadow(9))
    assert ruth.gone == (CloseCode.SHADOW_OVER, "ada has ended it.")
    assert world.screen.got == [Key(False, 30, 0x61), Pointer(5, 6, Button(0))], "what it held is released"
    assert ada.marks[1:] == [(9, ShadowState.OVER, RUTH)]
    assert shadowing(world) == [(9, "asked"), (9, "began"), (9, "ended")]
    assert ada.gone is None


@pytest.mark.parametrize(
    ("what", "said"),
    [("refuse", "ada does not allow it."), ("wait", "ada has not answered."), ("end", "over")],
)
def test_somebody_who_is_not_allowed_is_told_why(what, said):
    world = running()
    ada = Person(world, 1)
    ruth = helper(world)
    if what == "refuse":
        ada.answer(0)
    elif what == "wait":
        world.clock.advance(ASK_SECONDS)
    else:
        ensureDeferred(world.session.end("over"))
    code = CloseCode.SESSION_ENDED if what == "end" else CloseCode.SHADOW_OVER
    assert ruth.gone == (code, said)
    assert ada.closed == [1]
    assert ada.marks == []
    assert shadowing(world) == [(9, "asked"), (9, "refused")]
    assert world.events[-1][1]["reason"] == said


def test_who_does_not_wait_for_the_answer_is_not_let_in_by_it():
    world = running()
    ada = Person(world, 1)
    ruth = helper(world)
    world.session.detach(9)
    assert ada.closed == [1]
    assert ruth.gone == (CloseCode.NORMAL, "")
    ada.answer()
    assert ada.marks == []
    assert shadowing(world) == [(9, "asked"), (9, "refused")]


LEVELS = [
    (ShadowLevel.OFF, False, "may look on"),
    (ShadowLevel.OFF, True, "may look on"),
    (ShadowLevel.CONTROL_ASKED, False, "asked"),
    (ShadowLevel.CONTROL_ASKED, True, "asked"),
    (ShadowLevel.CONTROL, False, ""),
    (ShadowLevel.CONTROL, True, ""),
    (ShadowLevel.VIEW_ASKED, False, "asked"),
    (ShadowLevel.VIEW_ASKED, True, "but not use it"),
    (ShadowLevel.VIEW, False, ""),
    (ShadowLevel.VIEW, True, "but not use it"),
]


@pytest.mark.parametrize(("level", "controls", "becomes"), LEVELS)
def test_the_level_of_the_session_decides(level, controls, becomes):
    world = running(level)
    ada = Person(world, 1)
    ruth = helper(world, controls=controls)
    state = ShadowState.CONTROL if controls else ShadowState.VIEW
    if becomes == "asked":
        assert (len(ada.dialogs), ada.marks, ruth.gone) == (1, [], None)
    elif becomes:
        assert ruth.gone[0] is CloseCode.SHADOW_OVER
        assert becomes in ruth.gone[1]
        assert ada.dialogs == ada.marks == []
    else:
        assert (ada.dialogs, ada.marks) == ([], [(9, state, RUTH)]), "the person always sees it"
    if not becomes:
        ruth.say(tsg.Key(1, 30, 0x61))
        assert len(world.screen.got) == controls
        assert ruth.messages[0].control == controls


@pytest.mark.parametrize("level", [ShadowLevel.CONTROL_ASKED, ShadowLevel.CONTROL])
@pytest.mark.parametrize("there", [False, True])
def test_where_nobody_can_be_asked_only_levels_that_do_not_ask_let_in(level, there):
    world = running(level)
    if there:
        Person(world, 1, UNABLE)
    ruth = helper(world)
    if level.asks:
        assert ruth.gone[0] is CloseCode.SHADOW_OVER
        assert "Nobody is connected" in ruth.gone[1]
    else:
        assert ruth.gone is None
    polite = helper(world, 10, ask=True)
    assert "Nobody is connected" in polite.gone[1]


def test_view_only_input_is_dropped_here_and_nothing_of_it_counts():
    world = running(ShadowLevel.VIEW)
    ada = Person(world, 1)
    ada.say(tsg.Ack(1, 0, 0))
    wishes = list(world.screen.wishes)
    ruth = helper(world, controls=False)
    world.clock.advance(IDLE_SECONDS - 1)
    for message in (
        tsg.Key(1, 30, 0x61), tsg.TypeText("x"), tsg.Pointer(1, 2, 1), tsg.Wheel(0, 120), tsg.Stay(),
        tsg.RequestSize(640, 480), tsg.ReleaseKeys(), tsg.StopShadow(9), tsg.Answer(1, 1),
    ):  # fmt: skip
        ruth.say(message)
    world.clock.advance(1)
    assert world.session.state is SessionState.IDLE
    assert (world.screen.got, world.screen.wishes) == ([], wishes)
    assert ruth.gone is None
    assert world.session.info()["viewers"] == 1


def test_one_who_looks_on_does_not_answer_for_the_person():
    world = running()
    ada = Person(world, 1)
    first = helper(world, 8)
    ada.answer()
    second = helper(world, 9)
    assert first.dialogs == []
    first.say(tsg.Answer(2, 1))
    assert (ada.marks, second.gone) == ([(8, ShadowState.CONTROL, RUTH)], None)
    first.say(tsg.StopShadow(8))
    assert first.gone is None


@pytest.mark.parametrize("second", Second)
def test_who_looks_on_is_no_second_viewer(second):
    world = running(ShadowLevel.CONTROL, second)
    ruth = helper(world)
    assert world.session.state is SessionState.DISCONNECTED
    ada = Person(world, 1)
    assert (ada.gone, ruth.gone) == (None, None)
    assert ada.marks == [(9, ShadowState.CONTROL, RUTH)], "who comes sees who is there"
    world.session.disconnect("go")
    assert (ada.gone[0], ruth.gone) == (CloseCode.DISCONNECTED, None)
    assert world.session.state is SessionState.DISCONNECTED


def test_a_session_that_nobody_is_connected_to_is_opened_for_one_who_looks_on_and_rests_afterwards():
    world = running(ShadowLevel.VIEW)
    world.clock.advance(REST_SECONDS)
    assert world.screen.closed
    ruth = helper(world, controls=False)
    assert len(world.machine.screens) == 2
    world.screen.paint(0x123456)
    world.clock.advance(0.1)
    assert (ruth.picture.pixels == 0x123456).all()
    ruth.say(tsg.Ack(1, 0, 0))
    world.clock.advance(10 * REST_SECONDS)
    assert world.session.state is SessionState.DISCONNECTED
    assert not world.screen.closed
    world.screen.events.lost(DisplayError("cut"))
    world.clock.advance(REOPEN_SECONDS[0])
    assert len(world.machine.screens) == 3, "and again when it was lost"
    world.session.detach(9)
    world.clock.advance(REST_SECONDS)
    assert world.screen.closed
    assert shadowing(world) == [(9, "began"), (9, "ended")]


def test_what_was_allowed_ends_some_time_after_the_person_has_left():
    world = running()
    ada = Person(world, 1)
    ruth = helper(world)
    ada.answer()
    world.session.detach(1)
    world.clock.advance(RETURN_SECONDS - 1)
    again = Person(world, 2)
    assert again.marks == [(9, ShadowState.CONTROL, RUTH)]
    world.clock.advance(RETURN_SECONDS)
    assert ruth.gone is None
    Person(world, 3)  # takes it over
    world.clock.advance(RETURN_SECONDS)
    assert ruth.gone is None
    world.session.detach(3)
    world.clock.advance(RETURN_SECONDS)
    assert ruth.gone == (CloseCode.SHADOW_OVER, "ada, who had allowed it, is not connected any more.")


def test_what_needs_no_leave_goes_on_without_the_person():
    world = running(ShadowLevel.CONTROL)
    Person(world, 1)
    ruth, polite = helper(world), helper(world, 10, ask=True)
    world.session.received(1, tsg.Answer(1, 1).encode())
    assert polite.marks == [(10, ShadowState.CONTROL, "ada")]
    world.session.detach(1)
    world.clock.advance(RETURN_SECONDS)
    assert (ruth.gone, polite.gone[0]) == (None, CloseCode.SHADOW_OVER)


def test_only_so_many_look_on_at_a_time():
    world = running(ShadowLevel.VIEW)
    several = [helper(world, number, controls=False) for number in range(9, 9 + MAX_SHADOWS + 1)]
    assert [bool(each.gone) for each in several] == [False] * MAX_SHADOWS + [True]
    assert "already" in several[-1].gone[1]


def test_the_end_of_the_session_ends_it_for_all():
    world = running(ShadowLevel.VIEW)
    ruth = helper(world, controls=False)
    ensureDeferred(world.session.end("over"))
    assert ruth.gone == (CloseCode.SESSION_ENDED, "over")
    assert shadowing(world) == [(9, "began"), (9, "ended")]
    late = helper(world, 10)
    assert late.gone == (CloseCode.SESSION_ENDED, "over")


def test_one_who_looks_on_and_breaks_the_protocol_goes_alone():
    world = running(ShadowLevel.VIEW)
    ada, ruth = Person(world, 1), helper(world, controls=False)
    world.session.received(9, b"\x7f")
    assert (ruth.gone[0], ada.gone) == (CloseCode.PROTOCOL, None)
    assert ada.marks[-1] == (9, ShadowState.OVER, RUTH)


@pytest.mark.parametrize("bad", ["", "both", None, 1, ["view"]])
def test_a_wish_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="shadow"):
        ShadowWish.read(bad, "ruth", True)
