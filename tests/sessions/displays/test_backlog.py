"""What a guest's driver has not taken yet is known, whatever QEMU or the driver does."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions.displays.backlog import ASK_AFTER, AT_ONCE, PATIENCE, Backlog

BUFFERS = 64


class Keyboard:
    """A device whose driver takes events when it is told to, and a QEMU that answers when it is told to."""

    def __init__(self, provided=BUFFERS):
        self.clock = Clock()
        self.provided, self.filled = provided, 0
        self.questions = []
        self.backlog = Backlog(self.clock, self, "keyboard")

    async def execute(self, name, arguments):
        assert (name, arguments["queue"]) == ("x-query-virtio-queue-element", 0)
        assert arguments["path"] == "/machine/peripheral/keyboard/virtio-backend"
        asked = Deferred()
        self.questions.append(asked)
        return await asked

    def send(self, events):
        self.filled += events
        self.backlog.sent(events)

    def take(self, events):
        self.provided += events

    def answer(self):
        rings = {"avail": {"idx": self.provided & 0xFFFF}, "used": {"idx": self.filled & 0xFFFF}}
        self.questions.pop().callback(rings)


def test_who_types_slowly_is_never_held_up():
    keyboard = Keyboard()
    for _ in range(100_000):  # the rings' counters begin anew now and then
        keyboard.send(2)
        keyboard.take(2)
        assert not keyboard.backlog.full
        if keyboard.questions:
            keyboard.answer()


def begun(keyboard):
    """The first event; QEMU is asked how many buffers there are."""
    keyboard.send(2)
    keyboard.take(2)
    keyboard.answer()
    return keyboard


def test_it_is_full_until_qemu_has_answered_and_the_driver_has_taken():
    keyboard = begun(Keyboard())
    keyboard.send(ASK_AFTER)
    (_,) = keyboard.questions
    keyboard.send(AT_ONCE - ASK_AFTER)
    assert keyboard.backlog.full  # no answer
    for _ in range(5):
        keyboard.answer()
        assert keyboard.backlog.full  # an answer: nothing has been taken
    keyboard.take(AT_ONCE)
    keyboard.answer()
    assert not keyboard.backlog.full
    assert keyboard.questions == []


def test_a_guest_that_was_slow_to_take_is_given_as_long_to_read():
    keyboard = begun(Keyboard())
    keyboard.send(AT_ONCE)
    keyboard.clock.advance(2)
    keyboard.take(AT_ONCE)
    keyboard.answer()
    for _ in range(4):
        assert keyboard.backlog.full
        keyboard.clock.advance(0.499)
    keyboard.clock.advance(0.01)
    assert not keyboard.backlog.full


def test_one_question_at_a_time():
    keyboard = begun(Keyboard())
    for _ in range(20):
        keyboard.send(2)
        assert len(keyboard.questions) <= 1


@pytest.mark.parametrize("answer", [RuntimeError("no such device"), None, {}, {"avail": {"idx": "much"}}])
def test_a_device_that_cannot_be_asked_holds_nothing_up(answer):
    keyboard = Keyboard()
    for _ in range(10):
        keyboard.send(AT_ONCE)
        assert keyboard.backlog.full
        (question,) = keyboard.questions
        keyboard.questions.clear()
        question.errback(answer) if isinstance(answer, Exception) else question.callback(answer)
        assert not keyboard.backlog.full


def test_a_driver_that_has_fewer_buffers_than_the_one_before_is_believed_after_a_while():
    keyboard = begun(Keyboard())
    keyboard.provided, keyboard.filled = 16, 0  # another system has been started
    keyboard.send(ASK_AFTER)
    keyboard.take(ASK_AFTER)
    keyboard.answer()
    keyboard.send(ASK_AFTER)
    keyboard.take(ASK_AFTER)
    assert keyboard.backlog.full
    keyboard.clock.advance(PATIENCE)
    keyboard.answer()
    assert keyboard.backlog.full  # it is given time to read
    keyboard.clock.advance(PATIENCE + 1)
    for _ in range(10):
        assert not keyboard.backlog.full
        keyboard.send(ASK_AFTER)
        keyboard.take(ASK_AFTER)
        keyboard.answer()
