"""Loudspeakers and microphone on a real sound server, with devices that come and go."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sessions.sound.cutting import FRAMES
from sessions.wire.tsg import SOUND_RATE, VOICE_RATE
from tests.e2e.machine import wait_for
from tests.sessions.sound.tones import pitch, tone
from tests.thinclient.sound_server import MICROPHONE, OTHER, OUTPUT, SoundServer
from thinclient.sound import choices, devices
from thinclient.sound.choices import Choices
from thinclient.sound.devices import Kind, Trouble
from thinclient.sound.loudspeakers import Loudspeakers
from thinclient.sound.microphone import Microphone
from tsgateway.client.viewer import Played


@pytest.fixture(scope="module")
def module_server() -> Iterator[SoundServer]:
    made = SoundServer()
    yield made
    made.close()


@pytest.fixture
def server(module_server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> SoundServer:
    monkeypatch.setenv("PULSE_SERVER", module_server.environment["PULSE_SERVER"])
    monkeypatch.setattr(devices, "FIRST_RETRY", 0.3)
    return module_server


class Desktop:
    """A desktop that plays a tone as long as the block lasts."""

    def __init__(self, loudspeakers: Loudspeakers, hertz: float) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play, args=(loudspeakers, hertz))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _play(self, loudspeakers: Loudspeakers, hertz: float) -> None:
        whole = np.frombuffer(tone(hertz, 1), np.int16).reshape(-1, 2)
        begun, number = time.monotonic(), 0
        while not self._over.wait(max(0, begun + number * FRAMES / SOUND_RATE - time.monotonic())):
            at = number * FRAMES % len(whole)
            loudspeakers.play(Played(number * FRAMES, number == 0, whole[at : at + FRAMES]))
            number += 1


def test_devices_come_and_go_and_sound_goes_on(server: SoundServer) -> None:
    told: list[
        Trouble
    ] = []  # more than is looked for: on a busy machine a device seems to be gone for a moment
    assert {OUTPUT, OTHER} <= set(devices.names(Kind.PLAYBACK))
    assert MICROPHONE in devices.names(Kind.CAPTURE)
    server.listen()
    loudspeakers = Loudspeakers(told.append)
    with Desktop(loudspeakers, 440):
        server.hears(440)
        loudspeakers.volume = 0
        server.hears_nothing()
        loudspeakers.volume = 1
        loudspeakers.choose(OTHER)
        server.listen("other")
        server.hears(440)
        assert Trouble.OTHER not in told
        server.remove("other")
        loudspeakers.choose(OTHER + " that is gone")
        wait_for(lambda: told[-1:] == [Trouble.OTHER], "word of it", lambda: told)
        server.listen()
        server.hears(440)
        server.stop()
        wait_for(lambda: told[-1:] == [Trouble.ABSENT], "word of it", lambda: told)
        loudspeakers.choose("")
        server.start()
        server.listen()
        server.hears(440)
        wait_for(lambda: told[-1:] == [Trouble.NOTHING], "word of it", lambda: told)
    server.hears_nothing()
    loudspeakers.close()


def test_the_device_is_let_go_of_in_silence(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinclient.sound.loudspeakers.REST_SECONDS", 0.5)
    server.listen()
    loudspeakers = Loudspeakers(lambda trouble: None)
    for hertz in (440, 880):
        with Desktop(loudspeakers, hertz):
            server.hears(hertz)
            assert server.players() == 1
        wait_for(lambda: server.players() == 0, "the device being let go of")
    loudspeakers.close()


def test_a_microphone_hears_while_it_is_on(server: SoundServer) -> None:
    heard = bytearray()
    told: list[Trouble] = []
    microphone = Microphone(heard.extend, told.append)
    server.say(660)
    assert server.recorders() == 0
    microphone.turn(True)
    wait_for(lambda: len(heard) > 2 * VOICE_RATE, "a second of voice")
    microphone.turn(False)
    wait_for(lambda: server.recorders() == 0, "the microphone being let go of")
    voice = np.frombuffer(bytes(heard[-VOICE_RATE:]), "<i2")
    assert pitch(voice, VOICE_RATE) == pytest.approx(660, rel=0.03)
    server.say(0)
    server.stop()
    microphone.turn(True)
    wait_for(lambda: told == [Trouble.ABSENT], "word of it", lambda: told)
    microphone.close()
    server.start()


def test_without_the_library_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "is_there", lambda: False)
    told: list[Trouble] = []
    microphone = Microphone(lambda data: None, told.append)
    microphone.turn(True)
    wait_for(lambda: told == [Trouble.NO_LIBRARY], "word of it", lambda: told)
    assert devices.names(Kind.CAPTURE) == []
    microphone.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{",
        "[" * 4000,
        '{"volume": 101}',
        '{"volume": true}',
        '{"output": 1}',
        '{"other": 1}',
        "\xff",
    ],
)
def test_what_was_chosen_is_kept_and_nonsense_was_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("TSCLIENT_FOLDER", str(tmp_path / "own"))
    assert choices.read() == Choices()
    choices.keep(Choices(True, 30, "Ä", "b"))
    assert choices.read() == Choices(True, 30, "Ä", "b")
    (tmp_path / "own/sound.json").write_text(text, encoding="latin-1")
    assert choices.read() == Choices()
