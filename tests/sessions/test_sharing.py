"""Viewers of one session: those in step are sent the same frames, nobody waits for who is slow."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import composer
from sessions.pacing import LAGS_AFTER, Recipient
from sessions.pixels.geometry import Rect, Size
from sessions.sharing import ALONE_SECONDS
from sessions.wire import tsg
from sessions.wire.tsg import Capability
from tests.sessions.pixels.pictures import text
from tests.sessions.test_pacing import EVERYTHING, VIDEOS, Seat, Stage, noise

SIZE = Size(640, 400)
TEXTS_ONLY = (Capability.HISTORY,)


def stage(*capabilities: Sequence[Capability]) -> Stage:
    """A screen of text with viewers that have all of it."""
    made = Stage(SIZE)
    made.draw(Rect(0, 0, *SIZE), text(SIZE, 12, seed=1))
    for each in capabilities:
        made.sit(each)
    made.settle()
    return made


def blink(made: Stage, number: int) -> None:
    """Draw something small and new, and let everybody have it."""
    made.draw(Rect(number % 60 * 10, 300, 8, 14), np.full((14, 8), number))
    made.turn()


def test_viewers_in_step_share_one_encoding() -> None:
    made = stage(EVERYTHING, EVERYTHING, EVERYTHING)
    blink(made, 1)
    assert made.sharing.encodings == 1
    made.draw(Rect(0, 0, 200, 200), noise(np.random.default_rng(1), Rect(0, 0, 200, 200)))
    first, *others = ([frame[5:] for frame in seat.sent] for seat in made.seats)
    assert first
    assert all(each == first for each in others), "but for the number, which each counts"
    made.settle()
    assert made.exact()


def test_each_counts_its_own_frames() -> None:
    made = stage(EVERYTHING)
    for number in range(5):
        blink(made, number)
    made.sit()
    blink(made, 7)
    blink(made, 8)
    assert made.sharing.encodings == 1
    made.draw(Rect(0, 0, 8, 8), np.full((8, 8), 9))
    [old], [new] = (seat.deliver() for seat in made.seats)
    assert isinstance(old, tsg.Frame)
    assert isinstance(new, tsg.Frame)
    assert old.number > new.number
    assert new.number <= 4


def test_who_can_do_something_else_has_an_encoding_of_its_own() -> None:
    made = stage(EVERYTHING, TEXTS_ONLY, EVERYTHING)
    blink(made, 1)
    assert made.sharing.encodings == 2
    assert made.exact()


def test_who_comes_does_not_disturb_who_is_there() -> None:
    made = stage(EVERYTHING)
    [old] = made.seats
    before = old.picture.bytes
    made.sit()
    for number in range(9):
        blink(made, number)
    assert made.sharing.encodings == 1
    assert old.picture.bytes - before < before / 5, "no whole picture"
    assert made.exact()


def test_who_comes_before_the_screen_has_a_size_gets_it_later() -> None:
    made = Stage(Size(0, 0))
    made.seats.append(Seat(made.sharing))
    made.sharing.join(made.seats[0].recipient)
    assert not made.seats[0].sent
    made.resize(SIZE)
    made.draw(Rect(0, 0, *SIZE), text(SIZE, 12))
    made.settle()
    assert made.exact()


def stuck(made: Stage, slow: Seat, pictures: int) -> None:
    """Let `slow` take nothing while all others do."""
    for number in range(pictures):
        rect = Rect(0, number % 30 * 10 % made.screen.size.height, 640, 10).clipped(made.screen.size)
        made.draw(rect, np.full((rect.height, rect.width), number))
        for seat in made.seats:
            if seat is not slow:
                seat.deliver()
                seat.acknowledge()
        made.clock.advance(0.05)


def follow(made: Stage, seat: Seat, shades: Iterable[int], every: float) -> None:
    """Draw one shade after the other in one place, and let only `seat` take what it is sent."""
    for shade in shades:
        made.draw(Rect(0, 0, 8, 8), np.full((8, 8), shade))
        seat.deliver()
        seat.acknowledge()
        made.clock.advance(every)


def test_who_is_too_slow_leaves_the_others_and_sees_the_newest_first() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    fast, slow = made.seats
    blink(made, 1)
    assert made.sharing.encodings == 1
    stuck(made, slow, 40)
    assert made.sharing.encodings == 2
    fast.deliver()
    assert np.array_equal(fast.picture.pixels, made.screen.pixels), "nobody waits"
    assert len(slow.sent) < 8
    made.settle()
    assert made.exact()
    assert made.sharing.encodings == 2, "not at once"
    made.clock.advance(ALONE_SECONDS)
    blink(made, 2)
    blink(made, 3)
    assert made.sharing.encodings == 1


def test_nobody_waits_long_for_a_viewer_that_says_no_more_while_nothing_else_happens() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    fast, slow = made.seats
    blink(made, 1)
    assert made.sharing.encodings == 1
    follow(made, fast, range(100, 106), 0.02)  # more than may be under way
    made.clock.advance(LAGS_AFTER)
    fast.deliver()
    assert fast.picture.pixels[0, 0] == 105
    made.settle()
    assert made.exact()
    assert slow.picture.pixels[0, 0] == 105


def test_one_lost_picture_is_sent_to_that_viewer_alone() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    first, second = made.seats
    blink(made, 1)
    before = first.picture.bytes
    made.sharing.restart(second.recipient)
    for number in range(4):
        blink(made, number)
    assert first.picture.bytes - before < 2000
    assert made.exact()
    assert made.sharing.encodings == 1


def test_who_leaves_is_not_waited_for() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    first, second = made.seats
    blink(made, 1)
    for number in range(6):
        made.draw(Rect(0, 0, 8, 8), np.full((8, 8), number))
        first.deliver()
        first.acknowledge()
    made.stand(second)
    made.settle()
    assert made.exact()
    sent = len(second.sent)
    blink(made, 9)
    assert len(second.sent) == sent
    made.stand(first)
    assert made.sharing.encodings == 0
    made.draw(Rect(0, 0, 8, 8), np.full((8, 8), 1))


def test_who_cannot_decode_a_codec_gets_none_of_it_and_the_others_do() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    blink(made, 1)
    first, second = made.seats
    assert made.sharing.give_up(second.recipient, Capability.H264, tsg.Codec.H264)
    assert not made.sharing.give_up(second.recipient, Capability.H264, tsg.Codec.H264), "said once"
    blink(made, 2)
    assert made.sharing.encodings == 2
    assert Capability.H264 in first.recipient.capabilities
    assert made.exact()


def test_who_fills_its_line_again_and_again_keeps_nobody_waiting() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    fast, slow = made.seats
    blink(made, 1)
    assert made.sharing.encodings == 1
    made.clock.advance(1)
    made.turn()
    number = 100
    for pictures in (6, 5):
        follow(made, fast, range(number + 1, number + pictures + 1), 1 / 60)
        number += pictures
        if pictures == 6:  # it catches up before anybody looks
            slow.deliver()
            slow.acknowledge()
            fast.deliver()
            fast.acknowledge()
    made.clock.advance(0.15)
    made.clock.advance(2)
    fast.deliver()
    assert fast.picture.pixels[0, 0] == number


def test_a_full_line_with_nothing_to_send_keeps_nobody_waiting() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    fast, slow = made.seats
    blink(made, 1)
    made.clock.advance(1)
    made.turn()
    follow(made, fast, range(100, 104), 1 / 60)
    made.clock.advance(1)
    made.draw(Rect(0, 0, 8, 8), np.full((8, 8), 7))
    slow.deliver()
    fast.acknowledge()
    made.sharing.acknowledged(fast.recipient, 1, 0.0)
    assert made.sharing.encodings == 1


def test_one_that_asks_to_begin_anew_again_and_again_is_left_alone() -> None:
    made = stage(EVERYTHING, EVERYTHING)
    first, second = made.seats
    blink(made, 1)
    for _ in range(4):
        made.sharing.restart(second.recipient)
        before = first.picture.bytes
        for number in range(3):
            blink(made, number)
    assert made.sharing.encodings == 2
    assert first.picture.bytes - before < 1000
    assert made.exact()


def letting_go(made: Stage) -> list[Recipient]:
    """Have faults do what a session does: let the viewer go. Return those it has happened to."""
    gone: list[Recipient] = []

    def fault(recipient: Recipient) -> None:
        gone.append(recipient)
        made.sharing.leave(recipient)

    made.sharing._fault = fault
    return gone


def failing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = composer.update, []

    def broken(*arguments: object) -> object:
        if not calls:
            calls.append(1)
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr(composer, "update", broken)


def test_a_fault_of_a_group_costs_all_of_it_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage(EVERYTHING, EVERYTHING, TEXTS_ONLY)
    blink(made, 1)
    gone = letting_go(made)
    shared = made.sharing._pacer_of(made.seats[0].recipient)
    assert shared is not None
    monkeypatch.setattr(shared.composer, "begin", lambda now: 1 / 0)
    made.draw(Rect(0, 0, 8, 8), np.full((8, 8), 7))
    assert set(gone) == {seat.recipient for seat in made.seats[:2]}
    made.settle()
    other = made.seats[2]
    assert np.array_equal(other.picture.pixels, made.screen.pixels)


@pytest.mark.parametrize("who", ["timer", "acknowledgement"])
def test_a_fault_that_shows_later_leaves_nobody_with_wrong_pixels(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(EVERYTHING, EVERYTHING)
    blink(made, 1)
    made.settle()
    first, second = made.seats
    gone = letting_go(made)
    pictures = 2 if who == "timer" else 5
    for number in range(pictures):
        made.draw(Rect(0, 0, 8, 8), np.full((8, 8), 50 + number))
        if who == "acknowledgement":
            made.clock.advance(1 / 60)
    failing_once(monkeypatch)
    if who == "acknowledgement":
        for seat in (second, first):
            seat.deliver()
            seat.acknowledge()
    made.clock.advance(1)
    assert set(gone) == {first.recipient, second.recipient}


STEPS = [
    "flat",
    "noise",
    "scroll",
    "resize",
    "wait",
    "turn",
    "sit",
    "stand",
    "lag",
    "restart",
    "encode",
    "film",
    "film",
]


@given(st.data())
@settings(max_examples=40)
def test_after_things_calm_down_everybody_has_the_screen(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    made = Stage(Size(int(rng.integers(1, 500)), int(rng.integers(1, 400))))
    for _ in range(data.draw(st.integers(1, 20))):
        seat = made.seats[int(rng.integers(len(made.seats)))] if made.seats else None
        match data.draw(st.sampled_from(STEPS)):
            case "flat" | "noise" as what:
                width, height = made.screen.size
                rect = Rect(int(rng.integers(width)), int(rng.integers(height)), 400, 300)
                rect = rect.clipped(made.screen.size)
                flat = np.full((rect.height, rect.width), rng.integers(9))
                made.draw(rect, noise(rng, rect) if what == "noise" else flat)
            case "scroll":
                made.scroll(rng)
            case "resize":
                made.resize(Size(int(rng.integers(1, 500)), int(rng.integers(1, 400))))
            case "wait":
                made.clock.advance(float(rng.random()))
            case "turn":
                made.turn()
            case "sit" if len(made.seats) < 4:
                without = data.draw(st.sampled_from([(), VIDEOS, (*VIDEOS, Capability.JPEG)]))
                made.sit([each for each in EVERYTHING if each not in without])
            case "stand" if seat is not None:
                made.stand(seat)
            case "lag" if seat is not None:
                stuck(made, seat, 8)
            case "restart" if seat is not None:
                seat.deliver()
                made.sharing.restart(seat.recipient)
            case "film":
                made.film(rng, int(rng.integers(12)))
            case "encode":
                made.encode()
    made.settle()
    assert made.exact()
    assert not made.faults


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1, 2**32])
def test_a_frame_is_numbered_anew(number: int) -> None:
    operation = tsg.Operation(tsg.Encoding.JPEG, 1, 2, 3, 4, b"file")
    frame = tsg.Frame(5, tsg.FrameFlag.LAST, (operation,), b"history")
    anew = tsg.decode(tsg.numbered(frame.encode(), number), tsg.FROM_SERVER)
    assert anew == tsg.Frame(number % 2**32, tsg.FrameFlag.LAST, (operation,), b"history")
