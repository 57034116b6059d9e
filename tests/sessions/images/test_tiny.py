"""The tiny guest does what images/tiny/README.md says: other tests rely on each of its lines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images_fixture import tiny_image
from tests.sessions.images.machine import Machine, booted

pytestmark = pytest.mark.qemu
SIZE = (1280, 800)
BARS = ["ffffff", "ffff00", "00ffff", "00ff00", "ff00ff", "ff0000", "0000ff", "000000"]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    # Not tmp_path: the name of a Unix socket has 107 bytes at most.
    with tempfile.TemporaryDirectory() as folder, booted(tiny_image(), Path(folder)) as machine:
        machine.wait_for(r"READY 1280x800\r\n")
        yield machine


def bars(screen) -> list[str]:
    width, height = screen.size
    middles = [(width * (2 * n + 1) // 16, height // 12) for n in range(8)]
    return [bytes(screen.getpixel(middle)).hex() for middle in middles]


def test_picture(machine):
    screen = machine.screen()
    assert screen.size == SIZE
    assert bars(screen) == BARS
    ramp = [screen.getpixel((x, 800 // 6 + 10)) for x in (0, 640, 1279)]
    assert [len(set(pixel)) for pixel in ramp] == [1, 1, 1]
    assert [pixel[0] for pixel in ramp] == [0, 127, 255]


def test_keys_are_told_and_typed(machine):
    before = machine.screen()
    machine.key("a")
    machine.wait_for(r"key 30 down\r\nkey 30 up\r\n")
    machine.screen_when(lambda screen: screen.tobytes() != before.tobytes())


@pytest.mark.parametrize("at", [(0, 0), (1, 799), (640, 400), (1279, 799), (333, 77)])
def test_pointer_lands_on_the_pixel(machine, at):
    machine.point(500, 500, SIZE)  # the kernel tells of changes only
    machine.wait_for("pointer 500 500 buttons 0\r\n")
    machine.forget()
    machine.point(*at, SIZE)
    machine.wait_for(rf"pointer {at[0]} {at[1]} buttons 0\r\n")


def test_buttons_and_wheel(machine):
    machine.point(10, 20, SIZE)
    for name, number in (("left", 1), ("middle", 2), ("right", 4)):
        machine.forget()
        machine.button(name)
        machine.wait_for(rf"pointer 10 20 buttons {number}\r\npointer 10 20 buttons 0\r\n")
    machine.button("wheel-up")
    machine.wait_for(r"wheel 1\r\n")
    machine.button("wheel-down")
    machine.wait_for(r"wheel -1\r\n")


def test_text_port(machine):
    machine.type_text("Grüße, 日本語\nzwei\\")
    machine.wait_for(r"text Grüße, 日本語\\nzwei\\\\\r\n")
    machine.type_text("again")
    machine.wait_for(r"text again\r\n")


def test_follows_the_display(machine):
    with machine.display() as resize:
        for width, height in ((1920, 1080), (801, 603), SIZE):
            machine.forget()
            resize(width, height)
            machine.wait_for(rf"READY {width}x{height}\r\n")
            screen = machine.screen_when(lambda shot, size=(width, height): shot.size == size)
            assert bars(screen) == BARS


def test_movement(machine):
    machine.key("f9")
    machine.wait_for(r"frames [1-9]")
    still = machine.screen().tobytes()
    machine.screen_when(lambda screen: screen.tobytes() != still)
    machine.key("f9")
    machine.screen_when(lambda screen: bars(screen) == BARS)


def test_power_button_ends_it():
    with tempfile.TemporaryDirectory() as folder, booted(tiny_image(), Path(folder)) as machine:
        machine.wait_for("READY")
        machine.qmp("system_powerdown")
        assert machine.wait_for_end() == 0
