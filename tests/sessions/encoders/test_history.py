"""The history stream: what it decodes to, and that it carries only what means something."""

import numpy as np
import pytest
import zstandard

from sessions.encoders.base import Options
from sessions.encoders.history import HistoryStream
from sessions.pixels.geometry import Rect


def decoded(chunks):
    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 24).decompressobj()
    return b"".join(decoder.decompress(chunk) for chunk in chunks)


@pytest.mark.parametrize(
    "rects",
    [
        [Rect(0, 0, 1, 1)],
        [Rect(3, 5, 70, 20), Rect(100, 0, 5, 60)],
        [Rect(0, 0, 1300, 700)],  # much larger than what is packed at once
        [Rect(0, 0, 1000, 600), Rect(7, 9, 900, 650), Rect(0, 0, 1300, 700), Rect(1, 1, 2, 2)],
    ],
)
def test_rectangles_come_out_one_after_the_other_without_the_unused_byte(rects):
    pixels = np.random.default_rng(1).integers(0, 1 << 32, (700, 1300), "<u4")
    stream = HistoryStream(Options())
    pictures = [[*rects], [], rects[:1]]
    chunks = [stream.encode(pixels, picture) for picture in pictures]
    assert [len(chunk.operations) for chunk in chunks] == [len(picture) for picture in pictures]
    assert not chunks[1].history
    expected = b"".join(
        (pixels[rect.y : rect.bottom, rect.x : rect.right] & 0xFFFFFF).tobytes()
        for picture in pictures
        for rect in picture
    )
    assert decoded(chunk.history for chunk in chunks) == expected


def test_what_was_seen_before_costs_next_to_nothing_until_a_restart():
    pixels = np.random.default_rng(1).integers(0, 1 << 24, (100, 100), "<u4")
    stream = HistoryStream(Options())
    first, second = (len(stream.encode(pixels, [Rect(0, 0, 100, 100)]).history) for _ in range(2))
    assert first > 30_000 > 300 > second
    stream.restart()
    assert len(stream.encode(pixels, [Rect(0, 0, 100, 100)]).history) == first
