"""The pointer's file: what is kept comes back, anything else is as if nothing had been kept."""

import os

import pytest
from twisted.internet.task import Clock

from sessions.guests.qemu.pointer import WRITE_SECONDS, KeptPointer
from sessions.pixels.cursor import Cursor
from sessions.pixels.geometry import Size

ARROW = Cursor(Size(2, 3), 1, 2, bytes(range(24)))


async def at_once(call, *arguments):
    return call(*arguments)


def kept(folder, clock=None):
    return KeptPointer(folder, clock or Clock(), at_once)


@pytest.mark.parametrize("leaves", [True, False])
def test_what_is_kept_comes_back(tmp_path, leaves):
    clock = Clock()
    pointer = kept(tmp_path, clock)
    pointer.look.picture, pointer.look.shown = ARROW, False
    pointer.look.changed()
    pointer.look.changed()
    assert list(tmp_path.iterdir()) == []
    pointer.leave() if leaves else clock.advance(WRITE_SECONDS)
    assert not clock.getDelayedCalls()
    other = kept(tmp_path)
    other.restore()
    assert (other.look.picture, other.look.shown) == (ARROW, False)


@pytest.mark.parametrize(
    "data", [b"", b"abc", b"\0\2\0\3\0\0\0\0\1short", b"\xff" * 9, bytes(9 + 4 * 512 * 513)]
)
def test_a_broken_file_is_no_pointer(tmp_path, data):
    (tmp_path / "pointer").write_bytes(data)
    pointer = kept(tmp_path)
    pointer.restore()
    assert pointer.look.picture is None or pointer.look.picture.size == Size(0, 0)


def test_a_folder_that_cannot_be_written_is_borne(tmp_path):
    pointer = kept(tmp_path / "gone")
    pointer.look.picture = ARROW
    pointer.look.changed()
    pointer.leave()
    pointer.forget()
    assert os.listdir(tmp_path) == []
