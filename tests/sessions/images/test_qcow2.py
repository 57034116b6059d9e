"""The qcow2 header: what QEMU writes, what it must not be used with, and rubbish."""

from __future__ import annotations

import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.images import qcow2

GIB = 1 << 30


def header(
    version=3, backing=(0, 0), cluster_bits=16, size=GIB, crypt=0, features=0, length=104, extensions=b""
) -> bytes:
    head = struct.pack(">4sIQIIQI", b"QFI\xfb", version, *backing, cluster_bits, size, crypt).ljust(72, b"\0")
    if version == 3:
        head += struct.pack(">QQQII", features, 0, 0, 4, length)
    return (head + extensions + bytes(8)).ljust(4096, b"\0")


def extension(kind: int, content: bytes) -> bytes:
    return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)


def test_plain_headers():
    assert qcow2.parse(header()) == qcow2.Header(3, GIB, False, False, False, False)
    assert qcow2.parse(header(version=2)).version == 2
    feature_names = extension(0x6803F857, b"x" * 48)
    assert not qcow2.parse(header(extensions=feature_names)).backing_file


@pytest.mark.parametrize(
    ("fields", "attribute"),
    [
        ({"backing": (512, 11)}, "backing_file"),
        ({"backing": (512, 0)}, "backing_file"),
        ({"backing": (0, 11)}, "backing_file"),
        ({"version": 2, "backing": (512, 11)}, "backing_file"),
        ({"extensions": extension(0xE2792ACA, b"raw")}, "backing_file"),
        ({"features": qcow2.DATA_FILE}, "data_file"),
        ({"extensions": extension(0x44415441, b"/etc/passwd")}, "data_file"),
        ({"features": qcow2.CORRUPT}, "corrupt"),
        ({"crypt": 1}, "encrypted"),
    ],
)
def test_what_matters_is_seen(fields, attribute):
    assert getattr(qcow2.parse(header(**fields)), attribute)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"", "not a qcow2"),
        (b"QFI\xfb", "ends within"),
        (header(version=3)[:90], "ends within"),
        (header(version=1), "version 1"),
        (header(version=4), "version 4"),
        (header(cluster_bits=8), "2^8"),
        (header(cluster_bits=4_000_000_000), "2^4000000000"),
        (header(size=1 << 63), "TiB"),
        (header(features=1 << 40), "features"),
        (header(length=96), "96"),
        (header(length=1 << 31), "bytes"),
        (header(extensions=struct.pack(">II", 0x6803F857, 0xFFFFFFF0)), "no end"),
        (header(extensions=extension(1, b"") * 499)[:4096], "no end"),
    ],
)
def test_rubbish_is_refused(head, says):
    with pytest.raises(qcow2.HeaderError, match=says.replace("^", r"\^")):
        qcow2.parse(head)


def mangled() -> st.SearchStrategy[bytes]:
    def change(parts: tuple[dict[int, int], int]) -> bytes:
        changes, end = parts
        head = bytearray(header(extensions=extension(0x6803F857, b"x" * 48)))
        for at, value in changes.items():
            head[at] = value
        return bytes(head[:end])

    changes = st.dictionaries(st.integers(0, 200), st.integers(0, 255), max_size=12)
    return st.tuples(changes, st.integers(0, 4096)).map(change)


@given(st.one_of(st.binary(max_size=4096), st.binary(max_size=4000).map(b"QFI\xfb".__add__), mangled()))
def test_any_bytes_give_a_header_or_the_documented_error(head):
    try:
        found = qcow2.parse(head)
    except qcow2.HeaderError:
        return
    assert found.size <= qcow2.SIZE_LIMIT


def test_agrees_with_qemu(tmp_path):
    def made(name: str, *options: str) -> qcow2.Header:
        command = ["qemu-img", "create", "-q", "-f", "qcow2", *options, str(tmp_path / name), "64M"]
        subprocess.run(command, check=True)
        return qcow2.parse((tmp_path / name).read_bytes()[: qcow2.HEAD_BYTES])

    plain = made("plain", "-o", "compression_type=zstd,extended_l2=on")
    assert plain == qcow2.Header(3, 64 << 20, False, False, False, False)
    assert made("old", "-o", "compat=0.10").version == 2
    assert made("overlay", "-b", str(tmp_path / "plain"), "-F", "qcow2").backing_file
    assert made("split", "-o", f"data_file={tmp_path / 'data'}").data_file
