"""The RFB client core: bytes in, events out; every transcript whole and byte by byte."""

import struct
import zlib

import numpy as np
import pytest

from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Rect, Size
from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb import Refused, RfbClient, messages
from sessions.wire.rfb.client import COMPACT
from sessions.wire.rfb.clipboard import CutText
from sessions.wire.rfb.events import (
    CHUNK,
    Copied,
    CursorShape,
    Pixels,
    PointerMode,
    Ready,
    Resized,
    ResizeRefused,
    Updated,
)
from sessions.wire.rfb.handshake import answer
from tests.sessions.wire import rfb_server as server


def feed(client, data, step=None):
    """Return all events for `data`, given in pieces of `step` bytes; pixels' data copied out."""
    events = []
    at = 0
    while at < len(data):
        room = client.buffer()
        assert len(room) > 0
        piece = data[at : at + min(step or len(data), len(room))]
        room[: len(piece)] = piece
        at += len(piece)
        for event in client.received(len(piece)):
            events.append(event._replace(data=bytes(event.data)) if isinstance(event, Pixels) else event)
    return events


def run(data, step=None, **options):
    client = RfbClient(**options)
    return feed(client, data, step), client.data_to_send(), client


def both(data, **options):
    """Events for `data`, after checking that they do not depend on how it is cut."""
    whole, sent, client = run(data, **options)
    assert run(data, 1, **options)[:2] == (whole, sent)
    assert run(data, 7, **options)[:2] == (whole, sent)
    return whole, sent, client


def after_hello(data, size=(64, 48), **options):
    events, _, client = both(server.hello(*size) + data, **options)
    assert events[0] == Ready(*size, "test")
    return events[1:], client


def fails(data, error=ProtocolError, match="", **options):
    texts = set()
    for step in (None, 1, 7):
        with pytest.raises(error, match=match) as caught:
            run(data, step, **options)
        texts.add(str(caught.value))
    assert len(texts) == 1


def picture(events, width, height):
    """Put Pixels together."""
    screen = np.full((height, width), 0xDEAD0000, np.uint32)
    for event in events:
        if isinstance(event, Pixels):
            rows = np.frombuffer(event.data, "<u4").reshape(event.height, event.width)
            screen[event.y : event.y + event.height, event.x : event.x + event.width] = rows & 0xFFFFFF
    return screen


# Handshakes

SETTINGS = messages.set_pixel_format() + messages.set_encodings((1, 0, *messages.PSEUDO_ENCODINGS))


@pytest.mark.parametrize(
    ("greeting", "reply"),
    [
        (b"RFB 003.008\n", b"RFB 003.008\n"),
        (b"RFB 003.889\n", b"RFB 003.008\n"),  # Apple
        (b"RFB 004.001\n", b"RFB 003.008\n"),  # RealVNC
    ],
)
def test_3_8_without_password(greeting, reply):
    events, sent, _ = both(greeting + server.NO_SECURITY + server.server_init(800, 600, "Größe".encode()))
    assert events == [Ready(800, 600, "Größe")]
    assert sent == reply + b"\1" + b"\1" + SETTINGS


def test_3_7_has_no_result_without_password():
    events, sent, _ = both(b"RFB 003.007\n" + b"\2\2\1" + server.server_init(1, 2), shared=False)
    assert events == [Ready(1, 2, "test")]
    assert sent == b"RFB 003.007\n" + b"\1" + b"\0" + SETTINGS


@pytest.mark.parametrize("greeting", [b"RFB 003.003\n", b"RFB 003.005\n", b"RFB 003.006\n"])
def test_3_3_the_server_decides(greeting):
    events, sent, _ = both(greeting + struct.pack(">I", 1) + server.server_init(1, 2))
    assert events == [Ready(1, 2, "test")]
    assert sent == b"RFB 003.003\n" + b"\1" + SETTINGS


CHALLENGE = bytes.fromhex("0123456789abcdef") * 2
# A textbook's DES example has the key 133457799BBCDFF1; VNC takes the bits of each byte backwards.
PASSWORD = bytes(int(f"{byte:08b}"[::-1], 2) for byte in bytes.fromhex("133457799BBCDFF1"))
RESPONSE = bytes.fromhex("85e813540f0ab405") * 2


def test_the_response_is_des_as_in_textbooks():
    assert answer(PASSWORD, CHALLENGE) == RESPONSE
    assert answer(PASSWORD + b"more than eight", CHALLENGE) == RESPONSE
    assert answer(b"", CHALLENGE) == answer(bytes(8), CHALLENGE) != RESPONSE


@pytest.mark.parametrize(
    ("greeting", "security", "chosen"),
    [
        (b"RFB 003.008\n", b"\3\x10\1\2", b"\2"),  # a password in hand is used, though None is offered
        (b"RFB 003.007\n", b"\1\2", b"\2"),
        (b"RFB 003.003\n", struct.pack(">I", 2), b""),
    ],
)
def test_password_in_every_version(greeting, security, chosen):
    data = greeting + security + CHALLENGE + bytes(4) + server.server_init(1, 2)
    events, sent, _ = both(data, password=PASSWORD)
    assert events == [Ready(1, 2, "test")]
    assert sent == greeting + chosen + RESPONSE + b"\1" + SETTINGS


def test_refusals_are_sentences():
    reason = struct.pack(">I", 9) + b"too many!"
    fails(b"RFB 003.008\n\0" + reason, Refused, "refuses the connection: too many!")
    fails(b"RFB 003.003\n" + bytes(4) + reason, Refused, "refuses the connection: too many!")
    fails(b"RFB 003.008\n\1\2", Refused, "asks for a password")
    fails(b"RFB 003.008\n\3\x13\x1e\x63", Refused, r"not supported \(VeNCrypt, Apple, type 99\)")
    denied = b"\1\2" + CHALLENGE + struct.pack(">I", 1)
    fails(b"RFB 003.008\n" + denied + reason, Refused, "password: too many!", password=b"x")
    fails(b"RFB 003.007\n" + denied, Refused, "password.$", password=b"x")
    fails(b"RFB 002.000\n", Refused, "too old")


def test_what_is_not_rfb():
    fails(b"HTTP/1.1 400 Bad Request\r\n", ProtocolError, "not a VNC server")
    fails(b"RFB 003.008\r", ProtocolError, "not a VNC server")
    fails(b"RFB 003.008\n\1\1\0\0\0\7", ProtocolError, "security result 7")


def test_limits_of_the_handshake():
    huge = b"RFB 003.008\n" + server.NO_SECURITY + server.server_init(65535, 65535)
    fails(huge, LimitExceeded, "65535×65535 pixels is too large; 8192×8192")
    long_name = server.server_init(1, 1)[:20] + struct.pack(">I", 4097)
    fails(b"RFB 003.008\n" + server.NO_SECURITY + long_name, LimitExceeded, "4097 bytes")
    fails(b"RFB 003.008\n\0" + struct.pack(">I", 1 << 31), LimitExceeded, "reason")


# Messages


def test_messages_without_meaning_for_us_are_skipped():
    data = b"\2" + struct.pack(">BxHH", 1, 0, 3) + bytes(18) + b"\2" + server.update()
    assert after_hello(data)[0] == [Updated(False)]


def test_long_clipboard_text_is_told_of_and_longer_refused():
    length = 3 * CHUNK + 1
    hello = server.hello()
    events, _, _ = run(hello + struct.pack(">B3xI", 3, length) + bytes(length) + server.update())
    assert events[1:] == [CutText(None, length), Updated(False)]
    fails(hello + struct.pack(">B3xI", 3, 0x7FFFFFFF), LimitExceeded, "clipboard")


def test_unknown_message():
    fails(server.hello() + b"\xc8", ProtocolError, "unknown type 200")


# Rectangles


def test_raw_comes_in_whole_rows():
    pixels = bytes(range(3 * 2 * 4))
    events, _ = after_hello(server.update(server.raw(5, 6, 3, 2, pixels)))
    assert events == [Pixels(5, 6, 3, 2, pixels), Updated(True)]


def test_a_large_raw_rectangle_comes_in_pieces_that_do_not_depend_on_the_cut():
    width, height = 1000, 300
    pixels = np.random.default_rng(1).bytes(width * height * 4)
    data = server.hello(width, height) + server.update(server.raw(0, 0, width, height, pixels))
    whole, _, _ = run(data)
    assert run(data, 4097)[0] == whole
    assert run(data, 65536)[0] == whole
    pieces = whole[1:-1]
    assert len(pieces) == 5
    assert all(len(piece.data) <= CHUNK for piece in pieces)
    assert b"".join(piece.data for piece in pieces) == pixels
    assert [piece.y for piece in pieces] == [0, 65, 130, 195, 260]


def test_bulk_pixels_start_at_the_front_of_the_buffer():
    client = RfbClient()
    feed(client, server.hello(1920, 1080))
    feed(client, server.update(server.raw(0, 0, 1920, 1080, b"")))
    room = client.buffer()
    assert len(room) == CHUNK // (1920 * 4) * 1920 * 4
    list(client.received(len(room)))
    assert len(client.buffer()) == len(room)


@pytest.mark.parametrize("step", [None, 1, 7, 4097])
def test_pixels_in_one_piece_of_the_screen_go_straight_there(step):
    screen = Framebuffer()
    screen.resize(Size(64, 40))
    client = RfbClient()
    client.server.memory = lambda *box: screen.memory(Rect(*box))
    wide = np.random.default_rng(1).integers(0, 1 << 32, (30, 64), "<u4")
    update = server.update(
        server.raw(0, 5, 64, 30, wide.tobytes()),
        server.raw(0, 5, 64, 1, wide[-1:].tobytes()),
        server.raw(2, 5, 3, 2, bytes(24)),
    )
    screen.take_damage()
    events = feed(client, server.hello(64, 40) + update, step)
    assert events == [Ready(64, 40, "test"), Pixels(2, 5, 3, 2, bytes(24)), Updated(True)]
    expected = np.zeros((40, 64), "<u4")
    expected[5:35] = wide
    expected[5] = wide[-1]
    assert np.array_equal(screen.pixels, expected)
    assert not screen.settled
    assert screen.take_damage().rects() == [Rect(0, 0, 64, 40)]


def test_memory_of_the_screen_is_offered_for_no_more_than_its_rectangle():
    screen = Framebuffer()
    screen.resize(Size(1920, 1080))
    client = RfbClient()
    client.server.memory = lambda *box: screen.memory(Rect(*box))
    feed(client, server.hello(1920, 1080) + server.update(server.raw(0, 1000, 1920, 80, bytes(100))))
    assert len(client.buffer()) <= 2 * CHUNK
    feed(client, bytes(1920 * 79 * 4))
    assert len(client.buffer()) == 1920 * 4 - 100
    assert feed(client, bytes(1920 * 4 - 100)) == [Updated(True)]


def test_copy_rect():
    events, _ = after_hello(server.update(server.rectangle(1, 2, 3, 4, 1, struct.pack(">HH", 9, 8))))
    assert events == [Copied(1, 2, 3, 4, 9, 8), Updated(True)]
    bad = server.rectangle(0, 0, 10, 1, 1, struct.pack(">HH", 55, 0))
    fails(server.hello() + server.update(bad), ProtocolError, "from beyond")


@pytest.mark.parametrize("encoding", [0, 1, 5, 16])
def test_pixels_must_lie_on_the_screen(encoding):
    for box in ((0, 0, 65, 1), (64, 48, 1, 1), (65535, 0, 65535, 65535)):
        bad = server.update(server.rectangle(*box, encoding))
        fails(server.hello() + bad, ProtocolError, "not on its screen")


@pytest.mark.parametrize("encoding", [0, 5])
def test_empty_rectangles_change_nothing(encoding):
    data = server.update(server.rectangle(64, 48, 0, 0, encoding), server.rectangle(0, 0, 5, 0, encoding))
    assert after_hello(data)[0] == [Updated(False)]


def test_last_rect_ends_an_update():
    data = server.update(server.raw(0, 0, 1, 1, b"abcd"), server.LAST_RECT, count=0xFFFF)
    assert after_hello(data + server.update())[0] == [
        Pixels(0, 0, 1, 1, b"abcd"), Updated(True), Updated(False),
    ]  # fmt: skip


def test_an_encoding_nobody_asked_for():
    fails(server.hello() + server.update(server.rectangle(0, 0, 1, 1, 7)), ProtocolError, r"\(7\)")


def test_resize_in_the_middle_of_an_update():
    data = server.update(
        server.raw(63, 47, 1, 1, b"abcd"),
        server.rectangle(0, 0, 10, 10, -223),
        server.raw(9, 9, 1, 1, b"efgh"),
    )
    assert after_hello(data)[0] == [
        Pixels(63, 47, 1, 1, b"abcd"), Resized(10, 10), Pixels(9, 9, 1, 1, b"efgh"), Updated(True),
    ]  # fmt: skip
    old_place = server.update(server.rectangle(0, 0, 10, 10, -223), server.raw(63, 47, 1, 1, b"abcd"))
    fails(server.hello() + old_place, ProtocolError, "screen of 10×10")
    huge = server.update(server.rectangle(0, 0, 8193, 1, -223))
    fails(server.hello() + huge, LimitExceeded, "8193×1 ")


def test_extended_desktop_size():
    data = server.update(server.extended_desktop_size(0, 0, 64, 48))
    events, client = after_hello(data)
    assert events == [Updated(False)]
    assert client.server.screen == (7, 3)
    done = server.update(server.extended_desktop_size(1, 0, 100, 90, ((1, 0), (2, 0))))
    assert after_hello(done)[0] == [Resized(100, 90), Updated(False)]
    refused = server.update(server.extended_desktop_size(1, 3, 100, 90, ()))
    events, client = after_hello(refused)
    assert events == [ResizeRefused(3), Updated(False)]
    assert (client.server.width, client.server.height) == (64, 48)


def test_what_the_server_understands():
    data = server.update(server.EXTENDED_KEYS, server.EXTENDED_BUTTONS, server.rectangle(1, 0, 0, 0, -257))
    data += server.update(server.rectangle(0, 0, 0, 0, -257))
    events, client = after_hello(data)
    assert events == [PointerMode(True), Updated(False), PointerMode(False), Updated(False)]
    assert client.server.extended_keys
    assert client.server.extended_buttons


def test_desktop_name_is_ignored():
    name = server.rectangle(0, 0, 0, 0, -307, struct.pack(">I", 4) + b"name")
    assert after_hello(server.update(name))[0] == [Updated(False)]


# Pointers


def test_cursor_with_mask():
    # 9 pixels wide, so that a row of the mask is two bytes; every second pixel is seen.
    pixels = bytes(range(9 * 2 * 4))
    mask = bytes([0b10101010, 0b10000000] * 2)
    events, _ = after_hello(server.update(server.rectangle(3, 1, 9, 2, -239, pixels + mask)))
    expected = bytearray(pixels)
    for n in range(18):
        expected[4 * n + 3] = 255 * (n % 9 % 2 == 0)
    assert events == [CursorShape(9, 2, 3, 1, bytes(expected)), Updated(False)]


def test_cursor_with_alpha_comes_straight():
    # R, G, B, A with colours multiplied by alpha: opaque, half, none, and one that breaks the rule
    rgba = bytes([10, 20, 30, 255, 50, 100, 0, 128, 0, 0, 0, 0, 200, 0, 0, 100])
    data = struct.pack(">i", 0) + rgba
    events, _ = after_hello(server.update(server.rectangle(9, 9, 4, 1, -314, data)))
    straight = bytes([30, 20, 10, 255, 0, 199, 99, 128, 0, 0, 0, 0, 0, 0, 255, 100])
    assert events == [CursorShape(4, 1, 3, 0, straight), Updated(False)]


def test_hidden_and_too_large_cursors():
    data = server.update(
        server.rectangle(0, 0, 0, 0, -239), server.rectangle(0, 0, 0, 5, -314, struct.pack(">i", 0))
    )
    hidden = CursorShape(0, 0, 0, 0, b"")
    assert after_hello(data)[0] == [hidden, hidden, Updated(False)]
    fails(server.hello() + server.update(server.rectangle(0, 0, 257, 1, -239)), LimitExceeded, "257×1")
    other = server.rectangle(0, 0, 1, 1, -314, struct.pack(">i", 16))
    fails(server.hello() + server.update(other), ProtocolError, "encoding 16")


# ZRLE


def bgr(colour):
    return colour.to_bytes(3, "little")


RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF


def zrle_picture(width, height, *tiles):
    data = server.update(server.zrle(0, 0, width, height, *tiles))
    events, _ = after_hello(data, size=(width, height), encodings=COMPACT)
    assert events[-1] == Updated(True)
    return picture(events, width, height)


def test_zrle_solid_and_raw_tiles_in_their_places():
    raw_tile = b"\0" + b"".join(bgr(n) for n in range(6 * 64))
    screen = zrle_picture(70, 66, b"\1" + bgr(RED), raw_tile, b"\1" + bgr(GREEN), b"\1" + bgr(BLUE))
    assert (screen[:64, :64] == RED).all()
    assert (screen[:64, 64:] == np.arange(6 * 64).reshape(64, 6)).all()
    assert (screen[64:, :64] == GREEN).all()
    assert (screen[64:, 64:] == BLUE).all()


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        (2, [0b01011010_10000000, 0b11111111_00000000]),  # 9 pixels of 1 bit
        (3, [0b00011000_01100001_10000000, 0b10100101_00000000_01000000]),  # of 2 bits
        (4, [0b00011011_01101100_11000000, 0b10100101_00000000_11000000]),
    ],
)
def test_zrle_packed_palettes(size, rows):
    bits = 1 if size == 2 else 2
    length = -(-9 * bits // 8)
    palette = [RED, GREEN, BLUE, 0x123456][:size]
    tile = bytes([size]) + b"".join(map(bgr, palette)) + b"".join(row.to_bytes(length, "big") for row in rows)
    expected = [
        [palette[row >> (8 * length - bits * (n + 1)) & (1 << bits) - 1] for n in range(9)] for row in rows
    ]
    assert zrle_picture(9, 2, tile).tolist() == expected


def test_zrle_sixteen_colours():
    palette = [n * 0x010203 for n in range(16)]
    tile = b"\x10" + b"".join(map(bgr, palette)) + bytes.fromhex("0123 4560 789a bcd0")
    assert zrle_picture(7, 2, tile).tolist() == [
        [palette[n] for n in (0, 1, 2, 3, 4, 5, 6)],
        [palette[n] for n in (7, 8, 9, 10, 11, 12, 13)],
    ]


def test_zrle_runs():
    tile = b"\x80" + bgr(RED) + b"\xff\xff\x01" + bgr(GREEN) + b"\x00" + bgr(BLUE) + bytes([255, 254])
    total = (255 + 255 + 1 + 1) + 1 + (255 + 254 + 1)
    assert total == 1023
    screen = zrle_picture(33, 31, tile).reshape(-1)
    assert (screen[:512] == RED).all()
    assert screen[512] == GREEN
    assert (screen[513:] == BLUE).all()


def test_zrle_palette_runs():
    tile = b"\x83" + bgr(RED) + bgr(GREEN) + bgr(BLUE) + bytes([0, 0x81, 255, 4, 2, 0x80, 37])
    screen = zrle_picture(30, 10, tile).reshape(-1)
    assert screen[0] == RED
    assert (screen[1:261] == GREEN).all()
    assert screen[261] == BLUE
    assert (screen[262:] == RED).all()


def test_zrle_is_one_stream_over_rectangles():
    deflater = zlib.compressobj()
    data = server.update(
        server.zrle(0, 0, 5, 5, b"\1" + bgr(RED), deflater=deflater),
        server.rectangle(0, 0, 0, 0, 16, struct.pack(">I", 0)),
        server.zrle(5, 0, 5, 5, b"\1" + bgr(RED), deflater=deflater),
    )
    events, _ = after_hello(data, size=(10, 5), encodings=COMPACT)
    assert (picture(events, 10, 5) == RED).all()


def test_zrle_of_much_incompressible_data():
    tiles = np.random.default_rng(2).integers(0, 256, (4, 64 * 64 * 3), np.uint8)
    screen = zrle_picture(256, 64, *(b"\0" + tile.tobytes() for tile in tiles))
    for n, tile in enumerate(tiles):
        words = np.pad(tile.reshape(64, 64, 3), ((0, 0), (0, 0), (0, 1))).view("<u4")[..., 0]
        assert (screen[:, 64 * n : 64 * n + 64] == words).all()


@pytest.mark.parametrize(
    ("tiles", "match"),
    [
        ((b"\1\0\0",), "ends early"),
        ((b"\x80" + bgr(RED) + b"\xff\xff",), "ends early"),
        ((b"\x82" + bgr(RED) + bgr(RED) + b"\x81\xff",), "ends early"),
        ((b"\1" + bgr(RED), b"\1" + bgr(RED)), "too much"),
        ((bytes(15_000_000),), "too much"),  # a bomb
        ((b"\x11",), "kind 17"),
        ((b"\x81",), "kind 129"),
        ((b"\x80" + bgr(RED) + b"\x64",), "beyond the end"),
        ((b"\x82" + bgr(RED) + bgr(RED) + b"\x80\x64",), "beyond the end"),
        ((b"\x82" + bgr(RED) + bgr(RED) + b"\x82\x63",), "beyond its palette"),
        ((b"\3" + bgr(RED) * 3 + b"\xff" * 30,), "beyond its palette"),
    ],
)
def test_broken_zrle(tiles, match):
    data = server.hello() + server.update(server.zrle(0, 0, 10, 10, *tiles))
    fails(data, ProtocolError, match, encodings=COMPACT)


def test_zrle_that_is_no_zlib_or_too_long():
    head = server.hello() + struct.pack(">BxH", 0, 1)
    fails(head + server.rectangle(0, 0, 9, 9, 16, struct.pack(">I", 4) + b"rubb"), ProtocolError, "broken")
    fails(head + server.rectangle(0, 0, 9, 9, 16, struct.pack(">I", 1 << 20)), LimitExceeded, "1048576 bytes")


# Hextile


def bgrx(colour):
    return colour.to_bytes(4, "little")


def hextile_picture(width, height, data):
    data = server.update(server.rectangle(0, 0, width, height, 5, data))
    return picture(after_hello(data, size=(width, height))[0], width, height)


def test_hextile():
    first = b"\x0e" + bgrx(RED) + bgrx(GREEN) + b"\2" + bytes([0x00, 0x12, 0xFF, 0x00])
    second = b"\x00"  # the background goes on
    third = b"\x18" + b"\1" + bgrx(BLUE) + bytes([0x10, 0x21])  # below the first, its own colour
    fourth = b"\x01" + b"".join(bgrx(n) for n in range(8))
    screen = hextile_picture(20, 18, first + second + third + fourth)
    expected = np.full((18, 20), RED, np.uint32)
    expected[0:3, 0:2] = GREEN
    expected[15, 15] = GREEN
    expected[16:18, 1:4] = BLUE
    expected[16:, 16:] = np.arange(8).reshape(2, 4)
    assert (screen == expected).all()


def test_broken_hextile():
    beyond = b"\x0c" + bgrx(RED) + b"\1" + bytes([0x90, 0x10])
    bad = server.update(server.rectangle(0, 0, 10, 10, 5, beyond))
    fails(server.hello() + bad, ProtocolError, "beyond its tile")


# What a client says


def test_messages_have_the_bytes_of_the_specification():
    assert messages.set_pixel_format().hex() == "00000000" + "20180001" + "00ff00ff00ff" + "100800" + "000000"
    assert messages.set_encodings((0, -223)).hex() == "02000002" + "00000000" + "ffffff21"
    assert messages.update_request(True, 640, 480).hex() == "0301" + "00000000" + "028001e0"
    assert messages.key_event(True, 0xFF0D).hex() == "0401" + "0000" + "0000ff0d"
    assert messages.extended_key_event(False, 0x61, 0x1E).hex() == "ff000000" + "00000061" + "0000001e"
    assert messages.pointer_event(5, 1, 2).hex() == "0505" + "00010002"
    assert messages.pointer_event(0x181, 1, 2).hex() == "0501" + "00010002"
    assert messages.pointer_event(0x181, 1, 2, extended=True).hex() == "0581" + "00010002" + "03"
    assert messages.pointer_event(1, 1, 2, extended=True).hex() == "0501" + "00010002"
    assert messages.set_desktop_size(800, 600, 7, 3).hex() == (
        "fb00" + "03200258" + "0100" + "00000007" + "00000000" + "03200258" + "00000003"
    )
