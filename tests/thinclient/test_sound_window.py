"""The Sound menu of a session's window: what it says to the desktop, to the devices, and to the person."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from sessions.wire import tsg
from sessions.wire.tsg import Capability, MicrophoneState
from tests.e2e.machine import wait_for
from tests.thinclient.sound_server import MICROPHONE, OTHER, OUTPUT, SoundServer
from thinclient.sound import choices
from thinclient.sound.choices import Choices
from thinclient.sound.devices import Kind
from thinclient.window.link import Link
from thinclient.window.sound import Sound
from tsgateway.client import Client
from tsgateway.client.viewer import Played, Welcome

ALL = (Capability.HISTORY, Capability.SOUND, Capability.MICROPHONE)


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    made = SoundServer()
    yield made
    made.close()


class Shown:
    """A menu whose link has not been opened: what it is told to say is kept."""

    def __init__(self) -> None:
        self.said: list[tuple[str, object]] = []
        self.link = Link(Client.remote("https://desk.example.org"), "work", "s1", None)
        for name in ("listen", "microphone", "voice"):
            setattr(self.link, name, lambda what, name=name: self.said.append((name, what)))
        self.sound = Sound(self.link)

    def happens(self, *events: object) -> None:
        for event in events:
            self.link.happened.emit(event)
        QApplication.processEvents()

    def welcome(self, *capabilities: Capability) -> None:
        self.happens(Welcome(tsg.ServerHello(1, "s1", "Linux desktop", 1, 24, capabilities)))

    def microphone(self, state: MicrophoneState) -> None:
        self.happens(tsg.Microphone(state))

    def entries(self) -> dict[str, QAction]:
        menus = [
            self.sound.tool.menu(),
            *(each.menu() for each in self.sound.tool.menu().actions() if each.menu()),
        ]
        return {each.text(): each for menu in menus for each in menu.actions()}

    def choose(self, text: str) -> None:
        self.entries()[text].trigger()
        QApplication.processEvents()

    def told(self) -> str:
        first = self.sound.tool.menu().actions()[0]
        return first.text() if first.isVisible() else ""


@pytest.fixture
def shown(server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    QApplication.instance() or QApplication([])
    monkeypatch.setenv("PULSE_SERVER", server.environment["PULSE_SERVER"])
    monkeypatch.setenv("TSCLIENT_FOLDER", str(tmp_path))
    made = Shown()
    yield made
    made.sound.close()


def test_a_desktop_without_sound_says_so_and_offers_nothing(shown: Shown) -> None:
    shown.welcome(Capability.HISTORY)
    assert shown.told() == "This desktop has no sound, or you may not hear it."
    assert not any(shown.entries()[text].isEnabled() for text in ("Mute", "Loudspeakers", "Microphone"))
    shown.welcome(*ALL)
    assert shown.told() == ""
    assert shown.entries()["Mute"].isEnabled()
    assert not shown.entries()["Microphone"].isEnabled()  # nothing in the desktop listens yet


def test_mute_and_volume_are_kept(shown: Shown) -> None:
    shown.welcome(*ALL)
    shown.choose("Mute")
    shown.sound._volume.setValue(30)
    assert shown.said == [("listen", False)]
    assert choices.read() == Choices(muted=True, volume=30)
    assert shown.sound._loudspeakers.volume == 0
    shown.choose("Mute")
    assert shown.said == [("listen", False), ("listen", True)]
    assert shown.sound._loudspeakers.volume == 0.3


def test_who_was_muted_asks_for_nothing_the_next_time(shown: Shown) -> None:
    choices.keep(Choices(muted=True))
    again = Shown()
    assert again.entries()["Mute"].isChecked()
    again.sound.close()
    assert again.said == [("listen", False)]


def test_devices_are_offered_and_the_one_that_is_not_there_is_shown(shown: Shown) -> None:
    shown.welcome(*ALL)
    shown.sound.tool.menu().aboutToShow.emit()
    wait_for(lambda: QApplication.processEvents() or MICROPHONE in shown.entries(), "a list of devices")
    assert {OUTPUT, OTHER, "The system's own"} <= shown.entries().keys()
    shown.choose(OTHER)
    shown.choose(MICROPHONE)
    assert choices.read() == Choices(output=OTHER, input=MICROPHONE)
    shown.sound._offer(Kind.CAPTURE, [])
    assert shown.entries()[MICROPHONE].isChecked()
    assert not shown.entries()[MICROPHONE].isEnabled()


def test_what_the_desktop_plays_is_heard_and_a_device_that_goes_is_told_quietly(
    shown: Shown, server: SoundServer
) -> None:
    shown.welcome(*ALL)
    server.listen()
    wave = (8000 * np.sin(2 * np.pi * 440 * np.arange(9600) / 48000)).astype(np.int16)
    piece = Played(0, True, np.repeat(wave[:, None], 2, axis=1))

    def heard() -> bool:
        shown.link.on_sound(piece)
        return abs(server.pitch() / 440 - 1) < 0.1

    wait_for(heard, "the tone")
    server.stop()

    def told() -> bool:
        shown.link.on_sound(piece)
        QApplication.processEvents()
        return shown.told() == "There are no loudspeakers that could be used."

    wait_for(told, "a sentence", shown.told)
    assert shown.sound.tool.toolTip() == shown.told()
    server.start()


def test_the_microphone_is_off_until_it_is_turned_on_and_goes_off_when_somebody_else_speaks(
    shown: Shown, server: SoundServer
) -> None:
    shown.welcome(*ALL)
    shown.microphone(MicrophoneState.FREE)
    assert server.recorders() == 0
    shown.choose("Microphone")
    shown.microphone(MicrophoneState.OWN)
    assert shown.told() == "The desktop hears you."
    wait_for(lambda: any(name == "voice" for name, _ in shown.said), "a voice")
    assert shown.said[0] == ("microphone", True)
    shown.microphone(MicrophoneState.TAKEN)
    assert shown.told() == "Somebody else speaks in this session now."
    assert not shown.entries()["Microphone"].isChecked()
    assert ("microphone", False) in shown.said
    wait_for(lambda: server.recorders() == 0, "the microphone being let go of")
    shown.choose("Microphone")
    shown.microphone(MicrophoneState.OWN)
    shown.microphone(MicrophoneState.NONE)
    assert shown.told() == "The desktop does not hear you any more."


def test_without_a_microphone_it_goes_off_and_says_so(shown: Shown, server: SoundServer) -> None:
    shown.welcome(*ALL)
    shown.microphone(MicrophoneState.FREE)
    server.stop()
    shown.choose("Microphone")
    wait_for(
        lambda: QApplication.processEvents() or shown.told() == "There is no microphone that could be used.",
        "a sentence", shown.told,
    )  # fmt: skip
    assert not shown.entries()["Microphone"].isChecked()
    assert shown.said == [("microphone", True), ("microphone", False)]
    server.start()
