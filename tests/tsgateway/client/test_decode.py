"""Frames become exactly the pixels they mean; what no server may send is an error that takes no memory."""

import base64
import hashlib
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from tsgateway.client.viewer.decode import DecodeError, Picture

STREAM = json.loads((Path(__file__).parents[2] / "golden/stream.json").read_text())
BOTH = tsg.FrameFlag.NEW_STREAM | tsg.FrameFlag.LAST
MAGIC = bytes.fromhex("28b52ffd0070")
"""The begin of a stream with a window of 2^24 bytes."""


class Server:
    """One history stream."""

    def __init__(self) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            3, window_log=20, write_content_size=0, write_checksum=0
        )
        self._stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    def history(self, pixels: bytes) -> bytes:
        return self._stream.compress(pixels) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def picture(width: int = 64, height: int = 48) -> Picture:
    made = Picture()
    made.begin(24)
    made.resize(Size(width, height))
    return made


def exact(x: int, y: int, width: int, height: int) -> tsg.Operation:
    return tsg.Operation(tsg.Encoding.HISTORY, x, y, width, height)


def copy(x: int, y: int, width: int, height: int, source: tuple[int, int]) -> tsg.Operation:
    return tsg.Operation(tsg.Encoding.COPY, x, y, width, height, tsg.copy_source(*source))


def jpeg(x: int, y: int, pixels: np.ndarray) -> tsg.Operation:
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels[:, :, :3]), 95, "BGR")
    return tsg.Operation(tsg.Encoding.JPEG, x, y, pixels.shape[1], pixels.shape[0], data)


def noise(width: int, height: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


def block(kind: int, size: int, data: bytes, *, last: bool = False) -> bytes:
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + data


def test_the_golden_stream() -> None:
    shown = picture(STREAM["width"], STREAM["height"])
    for step in STREAM["frames"]:
        frame = tsg.decode(base64.b64decode(step["message"]), tsg.FROM_SERVER)
        assert shown.add(frame).whole
        rgba = shown.pixels[:, :, [2, 1, 0, 3]].copy()
        rgba[:, :, 3] = 255
        assert hashlib.sha256(rgba.tobytes()).hexdigest() == step["sha256"]


def test_operations_are_carried_out_in_order_and_shown_together() -> None:
    shown, server = picture(), Server()
    whole = noise(64, 48)
    assert shown.add(tsg.Frame(0, BOTH, (exact(0, 0, 64, 48),), server.history(whole.tobytes()))) == (
        True, (Rect(0, 0, 64, 48),), (),
    )  # fmt: skip
    assert np.array_equal(shown.pixels, whole)

    still, small = np.full((16, 16, 4), 90, np.uint8), noise(7, 5, 2)
    operations = (copy(8, 8, 40, 30, (4, 2)), jpeg(0, 0, still), exact(5, 3, 7, 5))
    added = shown.add(tsg.Frame(1, 0, operations, server.history(small.tobytes())))
    assert added == (False, (), ())
    assert np.array_equal(shown.pixels, whole), "nobody sees a part of a picture"

    added = shown.add(tsg.Frame(2, tsg.FrameFlag.LAST, (exact(63, 47, 1, 1),), server.history(b"\1\2\3\0")))
    expected = whole.copy()
    expected[8:38, 8:48] = whole[2:32, 4:44]
    expected[:16, :16, :3] = 90
    expected[3:8, 5:12] = small
    expected[47, 63] = (1, 2, 3, 0)
    assert added.changes == (Rect(8, 8, 40, 30), Rect(0, 0, 16, 16), Rect(5, 3, 7, 5), Rect(63, 47, 1, 1))
    assert np.abs(shown.pixels[:, :, :3].astype(int) - expected[:, :, :3]).max() <= 1  # of the JPEG
    expected[:16, :16] = shown.pixels[:16, :16]
    assert np.array_equal(shown.pixels, expected)


def test_a_new_size_keeps_what_fits_and_is_shown_with_the_next_picture() -> None:
    shown, server = picture(), Server()
    whole = noise(64, 48)
    shown.add(tsg.Frame(0, BOTH, (exact(0, 0, 64, 48),), server.history(whole.tobytes())))
    shown.resize(Size(80, 40))
    assert (shown.size, shown.pixels.shape) == ((80, 40), (48, 64, 4))
    added = shown.add(tsg.Frame(1, tsg.FrameFlag.LAST, (exact(79, 39, 1, 1),), server.history(b"\7" * 4)))
    assert added.changes == (Rect(0, 0, 80, 40),)
    assert np.array_equal(shown.pixels[:, :64], whole[:40])
    assert shown.pixels[39, 79].tolist() == [7] * 4
    assert not shown.pixels[:39, 64:].any()


def test_what_is_shown_changes_under_the_guard_and_nothing_else_does() -> None:
    class Guard:
        times = 0

        def __enter__(self) -> None:
            self.times += 1
            assert not made.pixels.any(), "it is held before the pixels change"

        def __exit__(self, *_: object) -> None:
            assert made.pixels.all(), "and until they have"

    guard, server = Guard(), Server()
    made = Picture(guard)
    made.begin(24)
    made.resize(Size(2, 2))
    half = tsg.Frame(1, tsg.FrameFlag.NEW_STREAM, (exact(0, 0, 2, 1),), server.history(b"\x01" * 8))
    made.add(half)
    assert guard.times == 0
    made.add(tsg.Frame(2, tsg.FrameFlag.LAST, (exact(0, 1, 2, 1),), server.history(b"\x02" * 8)))
    assert guard.times == 1
    made.pixels[:] = 0  # the same array the second time
    made.add(tsg.Frame(3, tsg.FrameFlag.LAST, (exact(0, 0, 2, 2),), server.history(b"\x03" * 16)))
    assert guard.times == 2


def test_many_changes_are_told_as_one() -> None:
    shown, server = picture(), Server()
    shown.add(tsg.Frame(0, BOTH, (exact(0, 0, 1, 1),), server.history(bytes(4))))
    operations = tuple(exact(x, 2 * (x % 9), 1, 1) for x in range(64))
    shown.add(tsg.Frame(1, 0, operations, server.history(bytes(4 * 64))))
    added = shown.add(tsg.Frame(2, tsg.FrameFlag.LAST, (exact(3, 20, 1, 1),), server.history(b"\7" * 4)))
    assert added.changes == (Rect(0, 0, 64, 21),)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 200)), min_size=1, max_size=4), st.data())
def test_rectangles_of_any_shape(sizes: list[tuple[int, int]], data: st.DataObject) -> None:
    """Large ones come out of the stream in pieces that end in the middle of a row."""
    shown, server = picture(1200, 400), Server()
    expected = np.zeros((400, 1200, 4), np.uint8)
    operations, history = [], b""
    for index, (width, height) in enumerate(sizes):
        x, y = data.draw(st.integers(0, 1200 - 4 * width)), data.draw(st.integers(0, 400 - height))
        pixels = noise(4 * width, height, index)
        expected[y : y + height, x : x + 4 * width] = pixels
        operations.append(exact(x, y, 4 * width, height))
        history += pixels.tobytes()
    shown.add(tsg.Frame(0, BOTH, tuple(operations), server.history(history)))
    assert np.array_equal(shown.pixels, expected)


ONE = (exact(0, 0, 1, 1),)
WRONG = [
    ("a frame before the screen's size", None),
    ("has not begun", tsg.Frame(0, 2, ONE, block(0, 4, b"abcd"))),
    ("no zstd header", tsg.Frame(0, 3, ONE, b"")),
    ("no zstd header", tsg.Frame(0, 3, ONE, b"rubbish that is long enough")),
    ("a history window of 33554432", tsg.Frame(0, 3, ONE, MAGIC[:-1] + b"\x78" + block(0, 4, b"abcd"))),
    ("less history", tsg.Frame(0, 3, ONE, MAGIC + block(0, 3, b"abc"))),
    ("more history", tsg.Frame(0, 3, ONE, MAGIC + block(0, 5, b"abcde"))),
    ("more history", tsg.Frame(0, 3, (), MAGIC + block(0, 5, b"abcde"))),
    ("whole blocks", tsg.Frame(0, 3, ONE, MAGIC + block(0, 4, b"abc"))),
    ("whole blocks", tsg.Frame(0, 3, ONE, MAGIC + block(0, 4, b"abcd", last=True))),
    ("whole blocks", tsg.Frame(0, 3, ONE, MAGIC + block(3, 4, b"abcd"))),
    ("whole blocks", tsg.Frame(0, 3, ONE, MAGIC + block(1, 1 << 18, b"a"))),
    ("whole blocks", tsg.Frame(0, 3, ONE, MAGIC + b"\0")),
    ("is broken", tsg.Frame(0, 3, ONE, MAGIC + block(2, 9, b"\xff" * 9))),
    ("not on a screen of 64×48", tsg.Frame(0, 2, (exact(64, 0, 1, 1),), b"")),
    ("not on a screen of 64×48", tsg.Frame(0, 2, (copy(0, 0, 9, 9, (60, 0)),), b"")),
    ("a copy after", tsg.Frame(0, 3, (*ONE, copy(0, 0, 9, 9, (1, 0))), MAGIC + block(0, 4, b"abcd"))),
    ("too many times", tsg.Frame(0, 2, (copy(0, 0, 64, 48, (0, 0)),) * 9, b"")),
    ("a JPEG of 16×16 for 15×16", tsg.Frame(0, 2, (jpeg(0, 0, noise(16, 16))._replace(width=15),), b"")),
    ("a JPEG that is none", tsg.Frame(0, 2, (tsg.Operation(1, 0, 0, 9, 9, b"\xff\xd8rubbish"),), b"")),
]  # fmt: skip


@pytest.mark.parametrize(("why", "frame"), WRONG, ids=[f"{n} {why}" for n, (why, _) in enumerate(WRONG)])
def test_what_no_server_may_send(why: str, frame: tsg.Frame | None) -> None:
    shown = picture()
    if frame is None:
        shown.begin(24)
    with pytest.raises(DecodeError, match=why):
        shown.add(frame or tsg.Frame(0, 2, ONE, b""))
    shown.resize(Size(64, 48))
    whole = noise(64, 48)  # and a new stream makes all well
    shown.add(tsg.Frame(1, BOTH, (exact(0, 0, 64, 48),), Server().history(whole.tobytes())))
    assert np.array_equal(shown.pixels, whole)


@pytest.mark.parametrize("chunk", [block(1, 1 << 17, b"a") * 100_000, block(0, 0, b"") * 500_000])
def test_few_bytes_that_promise_gigabytes_take_little(chunk: bytes) -> None:
    shown = picture()
    tracemalloc.start()
    with pytest.raises(DecodeError, match="history than a frame has pixels"):
        shown.add(tsg.Frame(0, BOTH, (exact(0, 0, 64, 48),), MAGIC + chunk))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_video_that_cannot_be_decoded_is_told_once_and_the_picture_goes_on() -> None:
    shown, server = picture(), Server()
    data = tsg.VideoPicture(0, tsg.Codec.VP8, tsg.VideoFlag.KEY, b"rubbish").pack()
    film = tsg.Operation(tsg.Encoding.VIDEO, 0, 0, 16, 16, data)
    added = shown.add(tsg.Frame(0, BOTH, (film, exact(20, 0, 1, 1)), server.history(b"\5" * 4)))
    assert added.whole
    [(codec, why)] = added.failed
    assert (codec, why[:8]) == (tsg.Codec.VP8, "video 0:")
    assert shown.pixels[0, 20].tolist() == [5] * 4
    assert shown.skip(tsg.Frame(1, 0, (film,), b"")) == (False, (), ())


OPERATIONS = st.builds(
    tsg.Operation, st.integers(0, 3), st.integers(0, 70), st.integers(0, 50), st.integers(1, 80),
    st.integers(1, 60), st.binary(max_size=60) | st.just(jpeg(0, 0, noise(16, 16)).data),
)  # fmt: skip


@given(
    st.integers(0, 3),
    st.lists(OPERATIONS, max_size=5),
    st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: MAGIC + tail),
)
def test_rubbish_gives_pixels_or_an_error(flags: int, operations: list, history: bytes) -> None:
    shown = picture()
    message = tsg.Frame(0, flags, tuple(operations), history).encode()
    try:
        frame = tsg.decode(message, tsg.FROM_SERVER)
        shown.add(frame)
    except (ProtocolError, DecodeError):
        pass
    assert shown.pixels.shape in ((0, 0, 4), (48, 64, 4))
