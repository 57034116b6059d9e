"""Sound in real browsers: what the page plays and what it sends, against a scripted server."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sessions.wire import tsg
from sessions.wire.tsg import Capability, MicrophoneState, SoundFormat
from tests.e2e.browser import Browser, missing
from tests.e2e.devserver import Viewer
from tests.e2e.hearing import hears, hears_nothing, listen, playing, voice_file
from tests.e2e.machine import wait_for
from tests.e2e.marks import ONLY_CHROMIUM
from tests.e2e.office import accessibility
from tests.e2e.pages import until, use_toolbar
from tests.sessions.sound.tones import pitch

pytestmark = pytest.mark.browser

CAPABILITIES = (1, 2, 3, 4, Capability.SOUND, Capability.MICROPHONE)
VOICE = 660


@pytest.fixture(scope="module")
def one_browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser whose microphone hears a tone."""
    kind = getattr(request, "param", "chromium")
    if reason := missing(kind):
        pytest.fail(f"cannot test in {kind}: {reason}")
    browser = Browser(kind, voice=voice_file(tmp_path_factory.mktemp("voice"), VOICE))
    yield browser
    browser.stop()


def greet(viewer: Viewer, *capabilities: int, microphone: MicrophoneState = MicrophoneState.FREE) -> None:
    viewer.greet(capabilities=capabilities or CAPABILITIES)
    viewer.send(tsg.Microphone(microphone))
    viewer.painter.random(1)
    viewer.show()
    viewer.shown(1)


def wish(viewer: Viewer) -> tsg.SoundFormat:
    """How the browser wants sound, once it has said so."""
    heard = viewer.heard(lambda message: isinstance(message, tsg.Listen))
    assert isinstance(heard, tsg.Listen)
    return SoundFormat(heard.format)


def status(browser: Browser, sentence: str) -> None:
    browser.evaluate(until(f"document.querySelector('.sound-status').textContent.includes({sentence!r})"))


def test_it_asks_for_what_the_browser_decodes_and_says_what_it_has(
    browser: Browser, attached: Viewer
) -> None:
    """All that Firefox can show on a machine without a sound card: it does not even play to itself."""
    greet(attached)
    assert wish(attached) is SoundFormat.OPUS
    with playing(attached, 440, SoundFormat.OPUS):
        attached.heard(lambda message: isinstance(message, tsg.Heard))


@ONLY_CHROMIUM
def test_what_the_guest_plays_is_heard_and_muted_it_is_not_sent(browser: Browser, attached: Viewer) -> None:
    listen(browser)
    greet(attached)
    assert wish(attached) is SoundFormat.OPUS
    with playing(attached, 440, SoundFormat.OPUS):
        hears(browser, 440)
        attached.heard(lambda message: isinstance(message, tsg.Heard))
    hears_nothing(browser)
    with playing(attached, 880, SoundFormat.OPUS):
        hears(browser, 880)
        use_toolbar(browser, "Sound")
        status(browser, "plays")
        assert accessibility(browser) == []
        browser.click(".sound-check input")
        attached.heard(lambda message: message == tsg.Listen(SoundFormat.NONE))
        hears_nothing(browser)
        browser.click(".sound-check input")
        hears(browser, 880)
    browser.key("Escape")
    browser.evaluate(until("document.querySelector('.stage').contains(document.activeElement)"))


@ONLY_CHROMIUM
def test_plain_samples_where_the_browser_has_no_decoder(browser: Browser, attached: Viewer) -> None:
    """The worker is another world, so what it lacks is said by the server: it sends what needs no decoder."""
    listen(browser)
    greet(attached)
    with playing(attached, 440, SoundFormat.PCM):
        hears(browser, 440)


@ONLY_CHROMIUM
def test_a_decoder_that_fails_is_done_without(browser: Browser, attached: Viewer) -> None:
    listen(browser)
    greet(attached)
    wish(attached)

    def gives_up() -> bool:
        attached.send(tsg.Sound(0, SoundFormat.OPUS, 0, b"\xff" * 1500))
        return tsg.Listen(SoundFormat.PCM) in attached.received

    wait_for(gives_up, "the browser asks for plain samples")
    with playing(attached, 440, SoundFormat.PCM):
        hears(browser, 440)


@ONLY_CHROMIUM
def test_the_person_is_heard(browser: Browser, attached: Viewer) -> None:
    greet(attached)
    use_toolbar(browser, "Sound")
    browser.click(".sound-controls .button")
    attached.heard(lambda message: message == tsg.Speak(1))
    attached.send(tsg.Microphone(MicrophoneState.OWN))
    wait_for(lambda: len(attached.of(tsg.Voice)) > 100, "a voice")
    voices = [message.samples for message in attached.of(tsg.Voice) if isinstance(message, tsg.Voice)]
    samples = np.frombuffer(b"".join(voices[40:100]), "<i2")
    assert abs(pitch(samples, tsg.VOICE_RATE) - VOICE) < 8
    assert np.abs(samples).max() > 500
    browser.click(".sound-controls .button")
    attached.heard(lambda message: message == tsg.Speak(0))


@ONLY_CHROMIUM
def test_somebody_else_speaks(browser: Browser, attached: Viewer) -> None:
    greet(attached)
    use_toolbar(browser, "Sound")
    browser.click(".sound-controls .button")
    attached.heard(lambda message: message == tsg.Speak(1))
    attached.send(tsg.Microphone(MicrophoneState.OWN), tsg.Microphone(MicrophoneState.TAKEN))
    attached.heard(lambda message: message == tsg.Speak(0))
    assert "Somebody else speaks" in browser.text(".sound-problem")


@ONLY_CHROMIUM
def test_a_microphone_that_the_browser_does_not_give(browser: Browser, attached: Viewer) -> None:
    refuse = "async () => { throw new DOMException('a test', 'NotAllowedError'); }"
    browser.evaluate(f"navigator.mediaDevices.getUserMedia = {refuse}")
    greet(attached)
    use_toolbar(browser, "Sound")
    browser.click(".sound-controls .button")
    assert "does not let this page use the microphone" in browser.text(".sound-problem")
    assert not attached.of(tsg.Speak)


@ONLY_CHROMIUM
def test_a_desktop_without_sound_says_so(browser: Browser, attached: Viewer) -> None:
    greet(attached, 1, 2, 3, 4)
    use_toolbar(browser, "Sound")
    status(browser, "There is no sound here")
    assert not browser.evaluate("document.querySelector('.sound-controls').checkVisibility()")
    assert not attached.of(tsg.Listen)
