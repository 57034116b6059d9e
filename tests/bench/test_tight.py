"""Tight as its specification has it, encoded here by the plainest code there is."""

import io
import zlib

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from bench.peers import tight
from bench.peers.base import UndecodableError


def length(number: int) -> bytes:
    if number < 128:
        return bytes([number])
    if number < 1 << 14:
        return bytes([number & 127 | 128, number >> 7])
    return bytes([number & 127 | 128, number >> 7 & 127 | 128, number >> 14])


def packed(compressor: "zlib._Compress", plain: bytes) -> bytes:
    data = compressor.compress(plain) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return length(len(data)) + data


def decode(stream: bytes, *sizes: tuple[int, int]) -> list[list[list[int]]]:
    file, decoder = io.BytesIO(stream), tight.Decoder()
    pictures = [decoder.decode(tight.read(file.read, *size)).tolist() for size in sizes]
    assert file.read() == b""
    return pictures


def test_fill() -> None:
    assert decode(b"\x80\x11\x22\x33", (2, 1)) == [[[0x112233, 0x112233]]]


def test_few_bytes_are_stored_plain() -> None:
    assert decode(b"\x00" + bytes(range(1, 10)), (3, 1)) == [[[0x010203, 0x040506, 0x070809]]]


def test_a_stream_goes_on_until_it_is_reset() -> None:
    first, second = bytes(range(12)), bytes(range(60, 72))
    one, two = zlib.compressobj(), zlib.compressobj()
    data = b"\x10" + packed(one, first) + b"\x10" + packed(one, first) + b"\x12" + packed(two, second)
    a, b, c = decode(data, (4, 1), (4, 1), (4, 1))
    assert a == b == [[0x000102, 0x030405, 0x060708, 0x090A0B]]
    assert c == [[0x3C3D3E, 0x3F4041, 0x424344, 0x454647]]


def test_two_colours_are_bits() -> None:
    data = b"\x40\x01\x01" + b"\x00\x00\x00\xff\xff\xff" + bytes([0b10100000, 0b00000001, 0b01, 0x80])
    rows = decode(data, (9, 2))[0]
    white, black = 0xFFFFFF, 0
    assert rows[0] == [white, black, white] + [black] * 6
    assert rows[1] == [black] * 7 + [white] + [white]


def test_more_colours_are_bytes() -> None:
    palette = bytes([1, 1, 1, 2, 2, 2, 3, 3, 3])
    plain = bytes([0, 1, 2] * 4)
    rows = decode(b"\x60\x01\x02" + palette + packed(zlib.compressobj(), plain), (3, 4))[0]
    assert rows == [[0x010101, 0x020202, 0x030303]] * 4


def test_an_index_beyond_the_palette() -> None:
    with pytest.raises(UndecodableError, match="palette"):
        decode(b"\x40\x01\x02" + bytes(9) + b"\x03", (1, 1))


def test_jpeg() -> None:
    image = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    data = simplejpeg.encode_jpeg(image, quality=95)
    rows = np.array(decode(b"\x90" + length(len(data)) + data, (16, 16))[0])
    near = [rows >> 16 & 255, rows >> 8 & 255, rows & 255]
    for channel, value in zip(near, (200, 100, 50), strict=True):
        assert abs(channel - value).max() <= 3


@given(st.data())
def test_gradient(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    size = width * height * 3
    plain = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), np.uint8)
    picture = np.zeros((height + 1, width + 1, 3), int)
    picture[1:, 1:] = plain.reshape(height, width, 3)
    errors = bytearray()
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            guess = picture[y, x - 1] + picture[y - 1, x] - picture[y - 1, x - 1]
            errors += bytes(((picture[y, x] - guess.clip(0, 255)) & 255).tolist())
    body = packed(zlib.compressobj(), bytes(errors)) if size >= 12 else bytes(errors)
    (rows,) = decode(b"\x40\x02" + body, (width, height))
    expected = picture[1:, 1:, 0] << 16 | picture[1:, 1:, 1] << 8 | picture[1:, 1:, 2]
    assert rows == expected.tolist()


@pytest.mark.parametrize("body", [b"\xa0", b"\x40\x03"])
def test_what_tight_does_not_have(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        tight.read(io.BytesIO(body).read, 4, 4)


def test_a_rectangle_that_is_too_short() -> None:
    with pytest.raises(UndecodableError, match="bytes for"):
        decode(b"\x00" + packed(zlib.compressobj(), bytes(11)), (4, 1))


@pytest.mark.parametrize("number", [0, 127, 128, 16383, 16384, 4194303])
def test_lengths(number: int) -> None:
    assert tight._compact(io.BytesIO(length(number)).read) == number
