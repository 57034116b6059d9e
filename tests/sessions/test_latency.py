"""Where time goes: told as transcripts of what happens to an input and its picture, with a made-up clock."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.input.events import Button, Key, Pointer, Text, Wheel
from sessions.latency import (
    ANSWER_SECONDS,
    BOUNDS,
    CLASSES,
    HALF_WINDOW,
    LOWEST,
    MAX_FOLLOWED,
    Figures,
    Latency,
    Making,
    class_of,
    percentile,
)
from sessions.wire.tsg import Encoding, Operation, Stage

PRESS = Key(True, 0x1E, 0x61)
SHIFT = Key(True, 0x2A, 0xFFE1)


class Story:
    """A viewer whose times are told in milliseconds since the beginning."""

    def __init__(self) -> None:
        self.session = Figures()
        self.figures = Figures(self.session)
        self.latency = Latency(self.figures)
        self.making = Making()
        self.number = 0

    def press(self, at: float, *, waited: float = 0.0, event=PRESS) -> None:
        self.latency.injected(event, waited / 1000, at / 1000)

    def damage(self, at: float) -> None:
        self.making.damaged(at / 1000)
        self.latency.damaged(at / 1000)

    def unchanged(self) -> None:
        self.making.unchanged()
        self.latency.unchanged()

    def picture(self, begun: float, encoded: float, sent: float | None = None) -> int:
        self.making.begun(begun / 1000)
        return self.frame(encoded, sent)

    def frame(self, encoded: float, sent: float | None = None, whole: bool = True) -> int:
        self.number += 1
        made = self.making.encoded(encoded / 1000, whole)
        self.latency.sent(self.number, (encoded if sent is None else sent) / 1000, made)
        return self.number

    def answer(self, number: int, at: float, held: float = 0.0) -> None:
        self.latency.acknowledged(number, at / 1000, held / 1000)

    def medians(self, at: float = 0.0) -> dict[Stage, float]:
        """The median of each stage seen lately, ms."""
        return {stage: 1000 * times.p50 for stage, times in self.figures.lately(at / 1000).items()}


@pytest.fixture
def story() -> Story:
    return Story()


def near(milliseconds: float):
    return pytest.approx(milliseconds, rel=0.05, abs=0.011)


def test_a_key_is_followed_to_its_picture_and_the_stages_add_up(story: Story) -> None:
    story.press(10, waited=10)
    story.damage(40)
    number = story.picture(55, 60, 61)
    story.answer(number, 121, held=20)
    assert story.medians() == {
        Stage.INPUT: near(10),
        Stage.GUEST: near(30),
        Stage.WAIT: near(15),
        Stage.ENCODE: near(5),
        Stage.SEND: near(1),
        Stage.LINE: near(40),
        Stage.CLIENT: near(20),
        Stage.TOTAL: near(121),
    }
    shares = {stage: times.share for stage, times in story.figures.lately(0).items()}
    assert shares.pop(Stage.TOTAL) is None
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[Stage.LINE] == pytest.approx(40 / 121)
    assert story.session.report(0) == story.figures.report(0)


def test_without_input_only_the_picture_is_known(story: Story) -> None:
    story.damage(0)
    story.answer(story.picture(10, 12), 30, held=5)
    assert set(story.medians()) == {Stage.WAIT, Stage.ENCODE, Stage.SEND, Stage.LINE, Stage.CLIENT}
    assert all(times.share is None for times in story.figures.lately(0).values())


def test_damage_that_shows_nothing_is_no_answer(story: Story) -> None:
    story.press(0)
    story.damage(10)
    story.making.begun(0.011)
    story.unchanged()
    story.damage(50)
    story.answer(story.picture(60, 61), 70)
    assert story.medians()[Stage.GUEST] == near(50)
    assert story.medians()[Stage.TOTAL] == near(70)


def test_a_picture_begun_before_the_input_is_no_answer(story: Story) -> None:
    story.damage(0)
    story.making.begun(0.001)
    story.press(2)
    story.answer(story.frame(5), 10)
    assert Stage.TOTAL not in story.medians()
    story.damage(30)
    story.answer(story.picture(30, 31), 40)
    assert story.medians()[Stage.GUEST] == near(28)


def test_the_first_of_several_inputs_counts(story: Story) -> None:
    for at in (0, 20, 40):
        story.press(at)
    story.damage(50)
    story.answer(story.picture(51, 52), 60)
    assert story.medians()[Stage.GUEST] == near(50)
    assert story.figures.lately(0)[Stage.GUEST].count == 1
    assert story.figures.lately(0)[Stage.INPUT].count == 3


def test_nothing_answers_an_input_for_ever(story: Story) -> None:
    story.press(0)
    late = 1000 * ANSWER_SECONDS + 1
    story.damage(late)
    story.answer(story.picture(late, late + 1), late + 2)
    assert Stage.GUEST not in story.medians(late)
    story.press(late + 10)
    story.damage(late + 20)
    story.answer(story.picture(late + 20, late + 21), late + 30)
    assert story.medians(late)[Stage.GUEST] == near(10)


def test_an_input_without_an_answer_makes_way_for_the_next(story: Story) -> None:
    story.press(0)
    late = 1000 * ANSWER_SECONDS + 1
    story.press(late)
    story.damage(late + 10)
    story.answer(story.picture(late + 10, late + 11), late + 20)
    assert story.medians(late)[Stage.GUEST] == near(10)


def test_viewers_that_share_a_picture_each_have_their_own_times(story: Story) -> None:
    other = Latency(others := Figures(story.session))
    story.press(0)
    story.damage(10)
    other.damaged(0.010)
    story.making.begun(0.012)
    made = story.making.encoded(0.015, True)
    story.latency.sent(1, 0.015, made)
    other.sent(7, 0.016, made)
    story.answer(1, 20)
    other.acknowledged(7, 0.116, 0.0)
    assert story.medians()[Stage.TOTAL] == near(20)
    assert story.medians()[Stage.LINE] == near(5)
    assert Stage.TOTAL not in others.lately(0)
    assert 1000 * others.lately(0)[Stage.LINE].p50 == near(100)
    assert story.session.lately(0)[Stage.LINE].count == 2


@pytest.mark.parametrize(
    "event", [SHIFT, Key(True, 0, 0xFFE3), Key(False, 0x1E, 0x61), Pointer(3, 4, Button(0))], ids=str
)
def test_what_hardly_shows_is_not_followed(story: Story, event) -> None:
    story.press(0, event=event)
    story.damage(900)
    story.answer(story.picture(900, 901), 910)
    assert Stage.INPUT not in story.medians()
    assert Stage.GUEST not in story.medians()


@pytest.mark.parametrize("event", [PRESS, Text("é"), Wheel(0, 120), Pointer(3, 4, Button.LEFT)], ids=str)
def test_what_asks_for_an_answer_is_followed(story: Story, event) -> None:
    story.press(0, event=event)
    story.damage(30)
    story.picture(30, 31)
    assert story.medians()[Stage.GUEST] == near(30)


def test_a_held_button_that_moves_asks_once(story: Story) -> None:
    for x in range(5):
        story.press(x, event=Pointer(x, 0, Button.LEFT))
    assert story.figures.lately(0)[Stage.INPUT].count == 1


def test_waiting_between_parts_is_no_encoding(story: Story) -> None:
    story.damage(0)
    story.making.begun(0.001)
    story.frame(4, whole=False)  # 3 ms, and then the line is full
    story.making.encoding(0.100)
    story.frame(102)
    assert story.medians() == {Stage.ENCODE: near(5), Stage.WAIT: near(97), Stage.SEND: near(0)}


def test_what_makes_exact_is_waited_for_by_nobody(story: Story) -> None:
    story.making.encoding(0.0)
    story.answer(story.frame(500), 900)
    assert story.medians() == {}


def test_a_viewer_that_skips_acknowledgements_answers_for_all(story: Story) -> None:
    story.press(0)
    story.damage(10)
    story.picture(10, 11)
    story.damage(20)
    story.answer(story.picture(20, 21), 61, held=10)
    assert story.medians()[Stage.TOTAL] == near(61)
    assert story.figures.lately(0)[Stage.LINE].count == 1


def test_what_a_viewer_claims_stays_within_what_can_be(story: Story) -> None:
    story.damage(0)
    story.answer(story.picture(0, 0), 40, held=4e6)
    assert story.medians()[Stage.CLIENT] == near(40)
    assert story.medians()[Stage.LINE] == near(0.01)


def test_a_viewer_that_never_answers_costs_bounded_memory(story: Story) -> None:
    for frame in range(10 * MAX_FOLLOWED):
        story.press(frame)
        story.damage(frame)
        story.picture(frame, frame)
    assert len(story.latency._ahead) == MAX_FOLLOWED
    story.answer(2**32 - 1, 1000)  # all at once, and those never sent
    story.answer(2**32 - 1, 1001)
    assert not story.latency._ahead


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["press", "damage", "begun", "unchanged", "encoding", "part", "whole", "ack"]),
            st.floats(-1, 100),
            st.integers(0, 2**32 - 1),
            st.floats(0, 2**32),
        ),
        max_size=60,
    )
)
def test_no_order_of_events_breaks_it(steps) -> None:
    """Whatever happens in whatever order, even if the clock goes back: no error, and no time below zero."""
    story = Story()
    now = 0.0
    for what, passes, claimed, held in steps:
        now += passes
        match what:
            case "press":
                story.latency.injected(PRESS, held, now)
            case "part" | "whole":
                story.frame(1000 * now, whole=what == "whole")
            case "ack":
                story.latency.acknowledged(claimed % (story.number + 2), now, held)
            case "unchanged":
                story.unchanged()
            case "damage":
                story.damage(1000 * now)
            case "begun" | "encoding":
                getattr(story.making, what)(now)
    for times in story.figures.lately(now).values():
        assert LOWEST <= times.p50 <= times.p95 <= times.p99
        assert times.share is None or 0 <= times.share <= 1
    for stage in story.figures.totals()["stages"].values():
        assert stage["sum"] >= 0
        assert stage["below"] == sorted(stage["below"])
        assert stage["below"][-1] <= stage["count"]


# ---- figures


@given(st.lists(st.floats(LOWEST, 60), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_within_five_per_cent(times, share) -> None:
    counts = [0] * CLASSES
    for seconds in times:
        counts[class_of(seconds)] += 1
    true = np.quantile(times, share, method="inverted_cdf")
    assert percentile(counts, share) == pytest.approx(true, rel=0.05)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 61, 1e9, sys.float_info.max])
def test_times_beyond_the_scale_count_at_its_ends(seconds: float) -> None:
    figures = Figures()
    figures.add(Stage.GUEST, seconds, 0)
    assert figures.lately(0)[Stage.GUEST].p50 == pytest.approx(LOWEST if seconds < 1 else 60, rel=0.1)


def test_what_is_long_ago_is_forgotten_but_for_the_totals() -> None:
    figures = Figures()
    figures.add(Stage.GUEST, 0.1, 0)
    figures.answered([0.1] * 7, 0)
    figures.add(Stage.GUEST, 0.2, HALF_WINDOW)
    assert figures.lately(HALF_WINDOW)[Stage.GUEST].count == 2
    assert figures.lately(2 * HALF_WINDOW)[Stage.GUEST].count == 1
    assert figures.lately(2 * HALF_WINDOW)[Stage.GUEST].share is None
    assert figures.lately(3 * HALF_WINDOW) == {}
    assert figures.lately(1e6) == {}
    assert figures.totals()["stages"]["guest"]["count"] == 2
    assert figures.totals()["stages"]["guest"]["sum"] == pytest.approx(0.3)


def test_totals_count_exactly_below_each_bound() -> None:
    figures = Figures()
    for bound in BOUNDS:
        figures.add(Stage.LINE, bound * 0.999, 0)
        figures.add(Stage.LINE, bound * 1.001, 0)
    below = figures.totals()["stages"]["line"]["below"]
    assert below == [2 * number + 1 for number in range(len(BOUNDS))]


def test_parts_count_for_the_whole() -> None:
    host = Figures()
    session = Figures(host)
    one, two = Figures(session), Figures(session)
    one.add(Stage.WAIT, 0.1, 0)
    two.add(Stage.WAIT, 0.1, 0)
    jpeg = Operation(Encoding.JPEG, 0, 0, 16, 8, b"x" * 100)
    one.frame([Operation(Encoding.HISTORY, 0, 0, 10, 10), jpeg], 50, False)
    two.frame([Operation(Encoding.HISTORY, 0, 0, 10, 10)], 7, True)
    assert one.lately(0)[Stage.WAIT].count == 1
    assert host.lately(0)[Stage.WAIT].count == session.lately(0)[Stage.WAIT].count == 2
    assert host.report(0)["encodings"] == {
        "history": {"bytes": 57, "pixels": 200},
        "jpeg": {"bytes": 100, "pixels": 128},
    }
    assert (host.frames, host.refinements, one.refinements) == (2, 1, 0)
