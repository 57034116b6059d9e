"""Which frame a lossy picture is, and when it was there."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from bench.peers.base import Update
from bench.peers.measure import changed_box, decibels, error, judge
from sessions.pixels.framebuffer import Pixels

RNG = np.random.default_rng(1)


def lossy(picture: Pixels) -> Pixels:
    rgb = np.stack([picture >> 16 & 255, picture >> 8 & 255, picture & 255], 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "jpeg", quality=70)
    back = np.asarray(Image.open(file)).astype("<u4")
    return back[..., 0] << 16 | back[..., 1] << 8 | back[..., 2]


def scrolled(frames: int) -> list[Pixels]:
    letters = np.kron(RNG.integers(0, 2, (110, 40)), np.ones((4, 4), int))
    page = np.where(letters > 0, 0xFFFFFF, 0x102030).astype("<u4")
    return [page[8 * number : 8 * number + 160].copy() for number in range(frames)]


class Shows:
    """A decoder whose updates are pictures, or None for one that is not whole yet."""

    def __init__(self) -> None:
        self.pixels = np.zeros((160, 160), "<u4")

    def apply(self, update: Pixels | None) -> bool:
        if update is not None:
            self.pixels = update
        return update is not None


def test_every_frame_is_found_though_lossy() -> None:
    frames = scrolled(5)
    began = [10.0, 11.0, 12.0, 13.0, 14.0]
    updates = [Update(began[n] + 0.25, lossy(frame)) for n, frame in enumerate(frames)]
    judged = judge(frames, began, updates, Shows(), 10)
    assert judged.shown == [10.25, 11.25, 12.25, 13.25, 14.25]
    assert judged.distinct == 5
    assert judged.exact == 0
    assert 0 < judged.final < 255**2 / 20


def test_a_frame_left_out_was_seen_when_a_later_one_was() -> None:
    frames = scrolled(4)
    updates = [Update(1.5, frames[0]), Update(2.2, None), Update(3.5, frames[2]), Update(9, frames[2])]
    judged = judge(frames, [1.0, 2.0, 3.0, 4.0], updates, Shows(), 1)
    assert judged.shown[:3] == [1.5, 3.5, 3.5]
    assert math.isnan(judged.shown[3])
    assert (judged.distinct, judged.exact) == (2, 2)


def test_a_peer_far_behind_is_found_again() -> None:
    frames = scrolled(30)
    updates = [Update(1.5, frames[0]), Update(29.5, lossy(frames[27])), Update(40, frames[29])]
    judged = judge(frames, [1.0 + number for number in range(30)], updates, Shows(), 1)
    assert judged.shown == [1.5] + [29.5] * 27 + [40.0] * 2


def test_a_torn_picture_is_no_frame() -> None:
    frames = scrolled(2)
    torn = np.vstack([frames[1][:80], RNG.integers(0, 1 << 24, (80, 160), np.uint32)])
    judged = judge(frames, [1.0, 2.0], [Update(1.1, frames[0]), Update(2.5, torn)], Shows(), 1)
    assert math.isnan(judged.shown[1])


def test_nothing_is_seen_before_it_was_there() -> None:
    frames = scrolled(2)
    judged = judge(frames, [1.0, 5.0], [Update(1.1, frames[0]), Update(2.0, frames[1])], Shows(), 1)
    assert math.isnan(judged.shown[1])


def test_error_counts_colours_alone() -> None:
    one, other = np.zeros((2, 2), "<u4"), np.array([[0, 0x030000], [0, 0]], "<u4")
    assert error(one, other) == pytest.approx(9 / 12)
    assert error(one, one) == 0
    assert decibels(0) is None
    assert decibels(255**2 / 1000) == pytest.approx(30)
    assert changed_box(one, other) == (slice(0, 1), slice(1, 2))
    assert changed_box(one, one) is None
