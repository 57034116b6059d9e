"""The real program in front of a real desktop: what is copied, and files, each way, by content."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.agent import Agent
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pasting import TEXT, UTF8, guest_copies, guest_has
from tests.e2e.test_clipboard import forbidden
from tests.images_fixture import desktop_image
from tests.thinclient.display import Display
from tests.thinclient.program import Program, as_ada
from tests.tsgateway.client.test_viewer import pin
from tsgateway.client import NoRight, signed_in
from tsgateway.client.viewer import Viewer
from tsgateway.hosts.link import HostRefused

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

DESKTOPS = """
[guests.qemu]
accelerator = "tcg"
[files]
quota_gb = 2
[desktops.desktop]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
groups = ["users"]
"""
SHARED = "/home/user/Shared"
MAKE = 'python3 -c \'print(*(f"{n:015x}" for n in range(655360)), sep="\\n")\''


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS, images=desktop_image().folder.parent, warm=True)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    made = Display(1024, 768)
    yield made
    made.stop()


@pytest.fixture(scope="module", autouse=True)
def window(
    real: RealGateway, display: Display, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """The program, which shows the desktop all the time."""
    folder = tmp_path_factory.mktemp("window") / "own"
    with Program(display, folder, f"{real.url}/", "desktop", "--size", "800x600", *as_ada(real)) as program:
        wait_for(real.sessions, "a session")
        display.wait_for_window("Linux desktop")
        yield program


@pytest.fixture(scope="module")
def guest(real: RealGateway, window: Program) -> Iterator[Agent]:
    [folder] = real.sessions()
    with Agent(folder) as agent:
        wait_for(lambda: answers(agent), "the guest's agent")
        yield agent


def answers(agent: Agent) -> bool:
    try:
        return bool(agent.run("echo 1"))
    except HostRefused:
        return False  # it starts


def copies(display: Display, content: bytes, target: str = UTF8) -> None:
    """A program on the person's machine copies this."""
    subprocess.run(
        ["xclip", "-selection", "clipboard", "-t", target, "-i"], input=content, env=display.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip


def pasted(display: Display, target: str = UTF8) -> bytes:
    """What a program on the person's machine would paste."""
    done = subprocess.run(
        ["timeout", "30", "xclip", "-selection", "clipboard", "-t", target, "-o"], env=display.environment,
        capture_output=True, check=False,
    )  # fmt: skip
    return done.stdout


def has(display: Display, content: bytes, target: str = UTF8) -> None:
    """Wait until a program on the person's machine would paste this."""
    wait_for(
        lambda: pasted(display, target) == content,
        f"{content[:60]!r}",
        lambda: repr(pasted(display, target)[:300]),
    )


def picture() -> bytes:
    image = Image.new("RGB", (60, 40))
    image.putdata([(x * 4, y * 6, x * y % 256) for y in range(40) for x in range(60)])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def same_picture(data: bytes) -> bool:
    seen, truth = (np.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in (data, picture()))
    return np.array_equal(seen, truth)


def test_what_is_copied_here_can_be_pasted_there(display: Display, guest: Agent) -> None:
    copies(display, TEXT.encode())
    guest_has(guest, TEXT.encode())
    copies(display, picture(), "image/png")
    guest_has(guest, picture(), "image/png")


def test_what_is_copied_there_can_be_pasted_here(display: Display, guest: Agent) -> None:
    guest_copies(guest, "printf '<i>kursiv</i>'", "text/html")
    has(display, b"<i>kursiv</i>", "text/html")
    coded = base64.b64encode(picture()).decode()
    guest_copies(guest, f"echo {coded} | base64 -d", "image/png")
    wait_for(lambda: b"image/png" in pasted(display, "TARGETS"), "a picture")
    assert same_picture(pasted(display, "image/png"))


@pytest.mark.long
def test_ten_megabytes_pass_both_ways(display: Display, guest: Agent) -> None:
    """They are fetched when a program pastes them, and not before."""
    text = ("\n".join(f"{number:015x}" for number in range(655360)) + "\n").encode()
    guest_copies(guest, MAKE)
    has(display, text)
    copies(display, text[::-1])
    guest_has(guest, text[::-1])


DRAGGED = """
import sys
from PySide6.QtCore import QMimeData, QUrl, Qt
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QWidget

class Source(QWidget):
    def mousePressEvent(self, event):
        drag, data = QDrag(self), QMimeData()
        data.setUrls([QUrl.fromLocalFile(each) for each in sys.argv[1:]])
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)

app = QApplication([])
source = Source(windowTitle="Source of files")
source.setGeometry(0, 600, 200, 100)
source.show()
app.exec()
"""


@contextmanager
def held_out(display: Display, *paths: Path) -> Iterator[None]:
    """Another program has files that can be dragged from its window."""
    program = subprocess.Popen([sys.executable, "-c", DRAGGED, *map(str, paths)], env=display.environment)
    try:
        display.wait_for_window("Source of files")
        yield
    finally:
        program.terminate()
        program.wait()


def drag(display: Display, to: tuple[int, int]) -> None:
    window = display.do("search", "--name", "Source of files").split()[-1]
    display.do("mousemove", "--window", window, "50", "50", "mousedown", "1")
    for step in range(1, 11):
        display.do("mousemove", str(100 + (to[0] - 100) * step // 10), str(650 + (to[1] - 650) * step // 10))
    display.do("mouseup", "1")


def test_files_are_dropped_on_the_desktop_and_loaded_from_it(
    display: Display, guest: Agent, tmp_path: Path
) -> None:
    mounted = f"until grep -q ' {SHARED} 9p ' /proc/mounts; do sleep 0.2; done"
    there = guest.run(
        f"{mounted}; head -c 700000 /dev/urandom > {SHARED}/down.bin; sha256sum < {SHARED}/down.bin"
    )
    here = {}
    for name in ("Übung 1.bin", "tree/inner.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(os.urandom(700_000))
        here[name] = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    with held_out(display, tmp_path / "Übung 1.bin", tmp_path / "tree"):
        drag(display, (500, 300))
        display.wait_for_window("Files")
        told = f"cd {SHARED}; sha256sum 'Übung 1.bin' tree/inner.bin 2>&1"
        wait_for(lambda: all(each in guest.run(told) for each in here.values()), "what was dropped")
    display.wait_for_window("Files")
    display.do("type", "--delay", "20", "down")
    display.press("Return")
    display.wait_for_window("Download to")
    (tmp_path / "got").mkdir()
    display.press("ctrl+a")
    display.type(str(tmp_path / "got"))
    got = tmp_path / "got/down.bin"
    wait_for(got.exists, "what was loaded")
    assert hashlib.sha256(got.read_bytes()).hexdigest() == there.split()[0]


def test_programs_copy_and_paste_without_a_window(real: RealGateway, guest: Agent) -> None:
    """The last one: the window gives its session up to this viewer."""
    with (
        signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway,
        Viewer(gateway, "desktop") as viewer,
    ):
        viewer.copy(TEXT, html="<b>fett</b>")
        guest_has(guest, TEXT.encode())
        guest_copies(guest, "printf 'from there'")
        wait_for(lambda: viewer.copied().text == "from there", "what was copied")
        with forbidden(real, clipboard_out=False), Viewer(gateway, "desktop") as other:
            other.copy("still goes in")
            with pytest.raises(NoRight, match="Nothing may be taken"):
                other.copied()
        with forbidden(real, clipboard_in=False), Viewer(gateway, "desktop") as other:
            guest_copies(guest, "printf 'still comes out'")
            assert other.copied().text == "still comes out"
            with pytest.raises(NoRight, match="Nothing may be brought"):
                other.copy("does not")
