"""The real program in front of a real desktop, with a sound server of its own: tones and voices."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from numpy.lib.stride_tricks import sliding_window_view
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from sessions.wire.tsg import SOUND_RATE, VOICE_RATE, MicrophoneState
from tests.e2e.agent import Agent
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import PATIENCE, Machine, wait_for
from tests.e2e.test_desktop_image import PANEL
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu import sounds
from tests.sessions.sound.tones import pitch, tone
from tests.thinclient.display import Display
from tests.thinclient.program import Program, as_ada
from tests.thinclient.sound_server import SoundServer
from tests.tsgateway.client.test_viewer import pin
from thinclient.window import theme
from tsgateway.client import signed_in
from tsgateway.client.viewer import Played, Viewer

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

DESKTOPS = """
[guests.qemu]
accelerator = "tcg"
[desktops.desktop]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
users = ["ada"]
"""
ICON = 18
TOP, BOTTOM, LEFT = 40, 120, 700
"""Part of the display where the bar's pictures are."""
PIECE = VOICE_RATE // 50


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS, images=desktop_image().folder.parent, warm=True)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    made = SoundServer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def display(server: SoundServer) -> Iterator[Display]:
    made = Display(1400, 900)
    made.environment |= server.environment
    yield made
    made.stop()


def icon(name: str) -> np.ndarray:
    """One of the bar's pictures as it looks there: rows of blue alone, which is enough."""
    QApplication.instance() or QApplication([])
    image = QImage(ICON, ICON, QImage.Format.Format_RGB32)
    image.fill(theme.LIGHT.surface)
    drawn = theme.icon(name, theme.LIGHT.text).pixmap(QSize(ICON, ICON)).toImage()
    alpha = drawn.convertToFormat(QImage.Format.Format_ARGB32)
    parts = np.frombuffer(alpha.constBits(), np.uint8).reshape(ICON, ICON, 4).astype(float)
    ground = np.frombuffer(image.constBits(), np.uint8).reshape(ICON, ICON, 4)
    share = parts[:, :, 3:] / 255
    return (parts * share + ground * (1 - share))[:, :, 0].astype(np.int16)


def place(display: Display, name: str) -> tuple[int, int] | None:
    """Where the bar has this picture, None when it has not."""
    windows = sliding_window_view((display.screen()[TOP:BOTTOM, LEFT:] & 255).astype(np.int16), (ICON, ICON))
    off = np.abs(windows - icon(name)).mean(axis=(2, 3))
    row, column = np.unravel_index(int(np.argmin(off)), off.shape)
    return (LEFT + int(column) + ICON // 2, TOP + int(row) + ICON // 2) if off.min() < 6 else None


def choose(display: Display, now: str, *keys: str) -> None:
    """Open the Sound menu, whose picture is `now`, and press keys in it."""
    x, y = wait_for(lambda: place(display, now), f"the picture {now}")
    before = display.screen()
    display.do("mousemove", str(x), str(y), "click", "1")
    wait_for(lambda: (display.screen() != before).mean() > 0.005, "the menu")
    display.press(*keys)
    display.do("mousemove", "0", "0")  # what is under the pointer looks different


def play(agent: Agent, hertz: float) -> None:
    agent.run("pkill -x pw-play; true")
    if hertz:
        agent.run(f"python3 - /tmp/tone.wav {hertz}:60 <<'END'\n{sounds.WRITE}\nEND")
        agent.run(f"setsid {sounds.AS_USER} pw-play /tmp/tone.wav >/dev/null 2>&1 &")


def recorded(agent: Agent) -> float:
    """The pitch of what a program in the desktop records now."""
    agent.run(sounds.RECORD)
    return float(agent.run(f"python3 - /tmp/voice.wav <<'END'\n{sounds.PITCH}\nEND"))


def test_the_desktop_is_heard_and_hears(
    real: RealGateway, display: Display, server: SoundServer, tmp_path: Path
) -> None:
    server.listen()
    server.say(660)
    with Program(display, tmp_path / "own", *as_ada(real), "--appearance", "light", real.url, "desktop"):
        [folder] = wait_for(real.sessions, "a session")
        wait_for(lambda: (display.screen() == PANEL).mean() > 0.03, "the desktop's panel")
        with Machine(folder) as machine, Agent(machine.folder) as agent:
            play(agent, 440)
            server.hears(440)
            choose(display, "sound", "Down", "Return")
            server.hears_nothing()
            choose(display, "sound-off", "Down", "Return")
            server.hears(440)
            real.line.cut()
            server.hears_nothing()
            real.line.mend()
            server.hears(440)
            play(agent, 0)
            server.hears_nothing()
            assert server.recorders() == 0
            choose(display, "sound", "Up", "Up", "Return")
            wait_for(lambda: place(display, "microphone"), "a microphone in the bar")
            assert recorded(agent) == pytest.approx(660, abs=20)
            choose(display, "microphone", "Up", "Up", "Return")
            wait_for(lambda: server.recorders() == 0, "the microphone being let go of")


class Ear:
    """Hears what a desktop plays."""

    def __init__(self) -> None:
        self._heard = np.zeros(SOUND_RATE // 2, np.int16)

    def hear(self, played: Played) -> None:
        self._heard = np.concatenate([self._heard, played.samples[:, 0]])[-SOUND_RATE // 2 :]

    def hears(self, hertz: float) -> bool:
        return bool(np.abs(self._heard).max() > 1000) and abs(pitch(self._heard) / hertz - 1) < 0.01


class Speaking:
    """Says something, as fast as time passes, until it is stopped."""

    def __init__(self, viewer: Viewer, voice: np.ndarray) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._say, args=(viewer, voice))
        self._thread.start()

    def _say(self, viewer: Viewer, voice: np.ndarray) -> None:
        begun = time.monotonic()
        for at in range(0, len(voice), PIECE):
            viewer.voice(voice[at : at + PIECE].tobytes())
            if self._over.wait(max(0, begun + (at + PIECE) / VOICE_RATE - time.monotonic())):
                return

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.long
def test_a_program_hears_the_desktop_and_speaks_into_it(real: RealGateway) -> None:
    ear = Ear()
    voice = np.frombuffer(tone(660, 60, rate=VOICE_RATE), "<i2")[::2]
    with (
        signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway,
        Viewer(gateway, "desktop", on_sound=ear.hear) as viewer,
    ):
        viewer.wait_for_picture(PATIENCE)
        [folder] = real.sessions()
        with Machine(folder) as machine, Agent(machine.folder) as agent:
            play(agent, 440)
            wait_for(lambda: ear.hears(440), "the tone")
            play(agent, 0)
            viewer.microphone(True)
            wait_for(lambda: viewer.viewer.hearing.microphone is MicrophoneState.OWN, "the microphone")
            speaking = Speaking(viewer, voice)
            assert recorded(agent) == pytest.approx(660, abs=20)
            speaking.stop()
            viewer.microphone(False)
            wait_for(
                lambda: viewer.viewer.hearing.microphone is MicrophoneState.FREE, "the microphone going off"
            )
