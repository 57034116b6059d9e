"""Versions, security and initialisation (RFC 6143 §7.1–7.3).

ProtocolError
└── Refused      the server does not let us in, or not in a way we know; a sentence for the person
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator
from typing import NoReturn

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb.events import MAX_SIDE, Event, Parser, Ready

MAX_TEXT = 4096
"""Longest desktop name or reason taken, bytes."""

_NONE, _VNC = 1, 2
_NAMES = {
    1: "None", 2: "VNC password", 5: "RA2", 6: "RA2ne", 16: "Tight", 18: "TLS", 19: "VeNCrypt", 20: "SASL",
    30: "Apple", 129: "RA2 256", 133: "RSA-AES",
}  # fmt: skip

_Handshake = Generator[int | memoryview | Event, memoryview, Ready]
_Text = Generator[int | memoryview | Event, memoryview, str]
_Version = Generator[int | memoryview | Event, memoryview, int]


class Refused(ProtocolError):
    """The server does not let this client in."""


def handshake(password: bytes | None, shared: bool, out: bytearray) -> _Handshake:
    """Go from the server's greeting to its screen; what has to be sent is appended to `out`.

    Raises ProtocolError, LimitExceeded, Refused.
    """
    minor = yield from _version(out)
    security = yield from _security(minor, password, out)
    if security == _VNC:
        if password is None:
            raise Refused("The VNC server asks for a password, and none is configured.")
        out += answer(password, bytes((yield 16)))
    if security == _VNC or minor >= 8:
        yield from _result(minor)
    out.append(shared)
    width, height = struct.unpack(">HH16x", (yield 20))  # with the server's own pixel format
    check_size(width, height)
    name = yield from _text("The desktop's name")
    return Ready(width, height, name)


def check_size(width: int, height: int) -> None:
    """Raise LimitExceeded for a screen that is larger than we take."""
    if width > MAX_SIDE or height > MAX_SIDE:
        raise LimitExceeded(
            f"The VNC server's screen of {width}×{height} pixels is too large; "
            f"{MAX_SIDE}×{MAX_SIDE} is the most."
        )


def answer(password: bytes, challenge: bytes) -> bytes:
    """Return the response to VNC Authentication's 16-byte challenge (RFC 6143 §7.2.2).

    Single DES, which is triple DES with one key thrice; each byte of the key has its bits reversed.
    """
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password[:8].ljust(8, b"\0"))
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
    return encryptor.update(challenge) + encryptor.finalize()


def _version(out: bytearray) -> _Version:
    greeting = bytes((yield 12))
    match = re.fullmatch(rb"RFB (\d{3})\.(\d{3})\n", greeting)
    if not match:
        raise ProtocolError("What answers there is not a VNC server.")
    version = int(match[1]), int(match[2])
    if version < (3, 3):
        raise Refused(f"The VNC server speaks RFB {version[0]}.{version[1]}, which is too old.")
    # RFC 6143 §7.1.1: whatever is not 3.7 or 3.8 and later counts as 3.3.
    minor = 8 if version >= (3, 8) else 7 if version == (3, 7) else 3
    out += b"RFB 003.%03d\n" % minor
    return minor


def _security(minor: int, password: bytes | None, out: bytearray) -> _Version:
    if minor == 3:  # the server decides
        (security,) = struct.unpack(">I", (yield 4))
        offered = [security]
    else:
        (count,) = yield 1
        offered = list((yield count))
    if offered in ([], [0]):
        reason = yield from _text("The reason of a refusal")
        raise Refused(f"The VNC server refuses the connection: {reason}")
    preferred = (_NONE, _VNC) if password is None else (_VNC, _NONE)
    for security in preferred:
        if security in offered:
            if minor > 3:
                out.append(security)
            return security
    names = ", ".join(_NAMES.get(number, f"type {number}") for number in offered)
    raise Refused(
        f"The VNC server wants a kind of sign-in that is not supported ({names}); "
        f"allow “None” or “VNC password” there."
    )


def _result(minor: int) -> Parser:
    (result,) = struct.unpack(">I", (yield 4))
    if result == 0:
        return
    if result > 2:
        raise ProtocolError(f"The VNC server sent the unknown security result {result}.")
    if minor < 8:
        _refuse("")
    _refuse((yield from _text("The reason of a refusal")))


def _refuse(reason: str) -> NoReturn:
    raise Refused("The VNC server does not accept the password" + (f": {reason}" if reason else "."))


def _text(what: str) -> _Text:
    (length,) = struct.unpack(">I", (yield 4))
    if length > MAX_TEXT:
        raise LimitExceeded(f"{what} has {length} bytes; {MAX_TEXT} is the most.")
    return str((yield length), "utf-8", "replace")
