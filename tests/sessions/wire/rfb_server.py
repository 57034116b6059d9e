"""The bytes an RFB server sends, for tests: written from RFC 6143, apart from the client's code."""

import struct
import zlib

NO_SECURITY = b"\1\1" + bytes(4)


def server_init(width, height, name=b"test"):
    pixel_format = struct.pack(">4B3H3B3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
    return struct.pack(">HH", width, height) + pixel_format + struct.pack(">I", len(name)) + name


def hello(width=64, height=48, name=b"test"):
    """A whole handshake, 3.8 without a password."""
    return b"RFB 003.008\n" + NO_SECURITY + server_init(width, height, name)


def update(*rectangles, count=None):
    return struct.pack(">BxH", 0, len(rectangles) if count is None else count) + b"".join(rectangles)


def rectangle(x, y, width, height, encoding, data=b""):
    return struct.pack(">4Hi", x, y, width, height, encoding) + data


def raw(x, y, width, height, data):
    return rectangle(x, y, width, height, 0, data)


def zrle(x, y, width, height, *tiles, deflater=None):
    deflater = deflater or zlib.compressobj()
    data = deflater.compress(b"".join(tiles)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return rectangle(x, y, width, height, 16, struct.pack(">I", len(data)) + data)


def extended_desktop_size(reason, status, width, height, screens=((7, 3),)):
    data = struct.pack(">B3x", len(screens))
    for number, flags in screens:
        data += struct.pack(">I4HI", number, 0, 0, width, height, flags)
    return rectangle(reason, status, width, height, -308, data)


LAST_RECT = rectangle(0, 0, 0, 0, -224)
EXTENDED_KEYS = rectangle(0, 0, 0, 0, -258)
EXTENDED_BUTTONS = rectangle(0, 0, 0, 0, -316)
