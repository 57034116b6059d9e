"""ZRLE's runs, against a decoder that takes one after the other; and what hostile ones cost."""

import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.rfb import zrle

lengths = st.lists(
    st.sampled_from([1, 1, 1, 2, 127, 128, 129, 130, 254, 255, 256, 257, 510, 511, 512]), min_size=1
)


def split(wanted):
    """Lengths that fill a tile of 4096 pixels: the wanted ones again and again."""
    left, made = 4096, []
    while left:
        for length in wanted:
            made.append(min(length, left))
            left -= made[-1]
            if not left:
                break
    return made


def length_bytes(length):
    return b"\xff" * ((length - 1) // 255) + bytes([(length - 1) % 255])


def decode(tile, width=64, height=64):
    """The tile's pixels, and how many lines of the decoder ran."""
    packed = zlib.compress(tile)
    parser = zrle.ZrleDecoder().decode(0, 0, width, height)
    rest, rows, steps = struct.pack(">I", len(packed)) + packed, [], 0

    def count(frame, event, argument):
        nonlocal steps
        steps += event == "line"
        return count if frame.f_code.co_filename == zrle.__file__ else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        wanted = next(parser)
        while True:
            if isinstance(wanted, int):
                piece, rest = rest[:wanted], rest[wanted:]
                wanted = parser.send(piece)
            else:
                rows.append(np.frombuffer(wanted.data, "<u4").copy())
                wanted = next(parser)
    except StopIteration:
        pass
    finally:
        sys.settrace(before)
    return np.concatenate(rows), steps


@given(lengths, st.integers(0, 255))
def test_plain_runs(wanted, seed):
    runs = split(wanted)
    colours = np.random.default_rng(seed).choice([0, 1, 254, 255], (len(runs), 3)).astype(np.uint8)
    tile = b"\x80" + b"".join(
        colour.tobytes() + length_bytes(n) for colour, n in zip(colours, runs, strict=True)
    )
    words = np.pad(colours, ((0, 0), (0, 1))).view("<u4")[:, 0]
    assert np.array_equal(decode(tile)[0], np.repeat(words, runs))


@given(lengths, st.integers(0, 255), st.integers(2, 127))
def test_palette_runs(wanted, seed, size):
    """A run of one pixel may have a length, too: it need not, but it may."""
    runs = split(wanted)
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (size, 3), np.uint8)
    indices = random.choice([0, size - 1, size // 2], len(runs))
    with_length = random.integers(0, 2, len(runs)) | (np.array(runs) > 1)
    tile = bytes([128 + size]) + palette.tobytes()
    for index, n, has in zip(indices.tolist(), runs, with_length.tolist(), strict=True):
        tile += bytes([index | 128]) + length_bytes(n) if has else bytes([index])
    words = np.pad(palette, ((0, 0), (0, 1))).view("<u4")[:, 0]
    assert np.array_equal(decode(tile)[0], np.repeat(words[indices], runs))


@pytest.mark.parametrize(
    "tile",
    [
        pytest.param(b"\x80" + b"abc\0" * 4096, id="colours"),
        pytest.param(b"\x80" + b"abc\1" * 2048, id="colours of two pixels"),
        pytest.param(b"\x82" + bytes(6) + b"\1" * 4096, id="indices"),
        pytest.param(b"\x82" + bytes(6) + b"\x81\0" * 4096, id="indices with lengths"),
        pytest.param(b"\x82" + bytes(6) + b"\1\x81\0" * 2048, id="both"),
    ],
)
def test_a_tile_of_the_shortest_runs_is_not_taken_run_by_run(tile):
    """It is a few bytes on the line, so a hostile server can send it for ever."""
    _, steps = decode(tile)
    assert steps < 2000
