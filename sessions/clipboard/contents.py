"""What may pass through a clipboard. Pure."""

from __future__ import annotations

import struct

from sessions.clipboard.base import ClipboardError, TooLarge
from sessions.wire.tsg import ClipboardFormat as Format

MAX_PICTURE_SIDE = 16384
MAX_PIXELS = 64 * 1024 * 1024
"""Of a picture: its few bytes may unpack to more than a browser or a guest survives."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = struct.Struct(">8sI4sII")


def check(format: Format, data: bytes, maximum: int) -> bytes:
    """Return what may pass. Raises ClipboardError."""
    if len(data) > maximum:
        raise too_large(len(data), maximum)
    if format == Format.PNG:
        _check_picture(data)
    return data


def too_large(size: int, maximum: int) -> TooLarge:
    """Return the error for a content of so many bytes, 0 where that is not known."""
    limit = f"at most {megabytes(maximum)} may pass the clipboard."
    if size > maximum:
        return TooLarge(f"What was copied has {megabytes(size)}; {limit}", size)
    return TooLarge(f"What was copied cannot be handed over. Perhaps it is too large: {limit}", size)


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / 1024 / 1024:.3g} MB"


def _check_picture(data: bytes) -> None:
    if len(data) < _PNG_HEAD.size:
        raise ClipboardError("What was copied is not a picture that can be shown.")
    magic, length, kind, width, height = _PNG_HEAD.unpack_from(data)
    if magic != _PNG or (length, kind) != (13, b"IHDR") or not (width and height):
        raise ClipboardError("What was copied is not a picture that can be shown.")
    if max(width, height) > MAX_PICTURE_SIDE or width * height > MAX_PIXELS:
        raise ClipboardError(f"The picture that was copied is too large: {width}×{height} pixels.")


def with_lf(text: bytes) -> bytes:
    """Return text whose lines end as Unix ends them."""
    return text.replace(b"\r\n", b"\n")


def with_crlf(text: bytes) -> bytes:
    """Return text whose lines end as Windows, and the VNC protocol, end them."""
    return with_lf(text).replace(b"\n", b"\r\n")
