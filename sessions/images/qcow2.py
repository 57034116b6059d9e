"""The head of a qcow2 file: is it one, and does it make QEMU open other files?

Pure, and bounded by the bytes it is given. Source: QEMU's docs/interop/qcow2.txt, "Header".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"QFI\xfb"
HEAD_BYTES = 4096  # as much of the file as `parse` wants to see
FIELDS = struct.Struct(">4sIQIIQ")  # magic, version, backing file: offset, length; cluster bits, size
DIRTY, CORRUPT, DATA_FILE, COMPRESSION, EXTENDED_L2 = (1 << bit for bit in range(5))
KNOWN_FEATURES = DIRTY | CORRUPT | DATA_FILE | COMPRESSION | EXTENDED_L2
DATA_FILE_EXTENSION = 0x44415441
BACKING_FORMAT_EXTENSION = 0xE2792ACA
SIZE_LIMIT = 64 << 40  # bytes of a disk as the guest sees it; more is a mistake or an attack


class HeaderError(ValueError):
    """Not a qcow2 header, or one that contradicts itself. The text says what is wrong with it."""


@dataclass(frozen=True)
class Header:
    """What matters of a qcow2 header. size: bytes of the disk as the guest sees it."""

    version: int
    size: int
    backing_file: bool
    data_file: bool
    corrupt: bool
    encrypted: bool


def parse(head: bytes) -> Header:
    """Read the first HEAD_BYTES of a file (fewer, where it is shorter). Raises HeaderError."""
    if not head.startswith(MAGIC):
        raise HeaderError("it is not a qcow2 file")
    if len(head) < 72:
        raise HeaderError("it ends within its header")
    _, version, backing_offset, backing_size, cluster_bits, size = FIELDS.unpack_from(head)
    (encryption,) = struct.unpack_from(">I", head, 32)
    if version not in (2, 3):
        raise HeaderError(f"it has version {version}, known are 2 and 3")
    if not 9 <= cluster_bits <= 21:
        raise HeaderError(f"its clusters have 2^{cluster_bits} bytes, allowed are 2^9 to 2^21")
    if size > SIZE_LIMIT:
        raise HeaderError(f"its disk has {size >> 40} TiB, at most {SIZE_LIMIT >> 40} are allowed")
    features, header_length = 0, 72
    if version == 3:
        if len(head) < 104:
            raise HeaderError("it ends within its header")
        features, header_length = _version_3(head)
    extensions = _extensions(head, header_length)
    return Header(
        version=version,
        size=size,
        backing_file=bool(backing_offset or backing_size or BACKING_FORMAT_EXTENSION in extensions),
        data_file=bool(features & DATA_FILE or DATA_FILE_EXTENSION in extensions),
        corrupt=bool(features & CORRUPT),
        encrypted=encryption != 0,
    )


def _version_3(head: bytes) -> tuple[int, int]:
    """The incompatible features and the header's length."""
    (features,) = struct.unpack_from(">Q", head, 72)
    (length,) = struct.unpack_from(">I", head, 100)
    if features & ~KNOWN_FEATURES:
        raise HeaderError(f"it needs features that are not known here ({features & ~KNOWN_FEATURES:#x})")
    if length < 104 or length > HEAD_BYTES or length % 8:
        raise HeaderError(f"its header claims {length} bytes")
    return features, length


def _extensions(head: bytes, at: int) -> set[int]:
    """The types of the header's extensions, each with a length, padded to eight bytes, until type 0."""
    found: set[int] = set()
    while at + 8 <= len(head):
        kind, length = struct.unpack_from(">II", head, at)
        if kind == 0:
            return found
        found.add(kind)
        at += 8 + length + -length % 8
    raise HeaderError("its header's extensions have no end within the first 4 KiB")
