"""The desktop image boots, shows its panel and menu, and follows the host's display.

With QEMU alone: that shows whose fault it is when the same fails in tests/e2e/test_desktop_image.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images_fixture import desktop_image
from tests.sessions.images.machine import Machine, booted

pytestmark = [pytest.mark.qemu, pytest.mark.slow, pytest.mark.long]
SIZE = (1280, 800)
PANEL = (0x1D, 0x22, 0x2C)
PANEL_HEIGHT = 44
MENU = (0x25, 0x2A, 0x35)
TERMINAL = (27, 32, 43)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as folder, booted(desktop_image(), Path(folder)) as machine:
        machine.wait_for("tsgateway: desktop ready")
        yield machine


def has_panel(screen) -> bool:
    """A strip over the whole lower edge, its clock drawn on it, and a picture, not one colour, above."""
    width, height = screen.size
    if any(screen.getpixel((x, height - 2)) != PANEL for x in range(0, width, 7)):
        return False
    clock = screen.crop((width - 110, height - PANEL_HEIGHT, width, height))
    above = screen.crop((0, 0, width, height - PANEL_HEIGHT))
    return len(clock.getcolors(10000)) > 10 and len(above.resize((64, 40)).getcolors(64 * 40)) > 50


def share(screen, colour, box) -> float:
    """The part of the box that has exactly that colour."""
    part = screen.crop(box)
    counts = {found: count for count, found in part.getcolors(part.width * part.height)}
    return counts.get(colour, 0) / (part.width * part.height)


def test_panel_stands(machine):
    screen = machine.screen_when(has_panel)
    assert screen.size == SIZE


def test_menu_opens_and_closes(machine):
    box = (20, 560, 240, 740)
    machine.point(28, 778, SIZE)
    machine.button("left")
    machine.screen_when(lambda screen: share(screen, MENU, box) > 0.5)
    machine.key("esc")
    machine.screen_when(lambda screen: share(screen, MENU, box) == 0)


def test_terminal_takes_any_text(machine):
    """What is typed arrives whole: the shell writes it to the serial port, which is the user's to write."""
    machine.point(140, 778, SIZE)
    machine.button("left")
    machine.screen_when(lambda screen: share(screen, TERMINAL, (230, 300, 1050, 640)) > 0.95)
    text = "Grüße, 日本語の入力テスト、漢字かな交じり文。ελληνικά “€” 😀"
    machine.type_text(f"printf '<%s>\\n' '{text}' >/dev/ttyS0\n")
    assert machine.wait_for(r"<(Gr[^>]*)>")[1] == text


def test_follows_the_display(machine):
    with machine.display() as resize:
        for size in ((1920, 1080), (1024, 700), SIZE):
            resize(*size)
            machine.screen_when(lambda screen, size=size: screen.size == size and has_panel(screen))
