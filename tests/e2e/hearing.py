"""What can be heard of a page: tones that it is sent, and tones found in what it plays."""

from __future__ import annotations

import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sessions.sound.cutting import FRAMES, PIECE_BYTES
from sessions.sound.formats import Opus, Plain, SoundEncoder
from sessions.wire import tsg
from tests.e2e.browser import Browser
from tests.e2e.devserver import Viewer
from tests.e2e.machine import wait_for
from tests.sessions.sound.tones import tone

EAR = """(() => {
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...more) {
        if (to instanceof AudioDestinationNode) {
            window.ear = new AnalyserNode(to.context, { fftSize: 16384, smoothingTimeConstant: 0 });
            connect.call(this, window.ear);
        }
        return connect.call(this, to, ...more);
    };
})()"""
"""A script that listens to whatever the page plays from then on."""

HEARS = """(() => {
    if (!window.ear) return null;
    const loud = new Float32Array(window.ear.frequencyBinCount);
    window.ear.getFloatFrequencyData(loud);
    const at = loud.reduce((best, value, index) => (value > loud[best] ? index : best), 0);
    const hertz = (at * window.ear.context.sampleRate) / window.ear.fftSize;
    return { hertz, decibels: Math.max(-1000, loud[at]) };
})()"""
QUIET = -70.0
"""Decibels below which nothing can be heard."""


def voice_file(folder: Path, hertz: float) -> Path:
    """Write a tone for `Browser(voice=…)`, in bursts: what goes on is noise to browsers, which remove it."""
    path = folder / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        burst = tone(hertz, 0.3)
        file.writeframes((burst + bytes(len(burst))) * 16)
    return path


def listen(browser: Browser) -> None:
    """Hear what the page will play."""
    browser.evaluate(EAR)


def hears(browser: Browser, hertz: float) -> None:
    """Wait until the page plays this tone: some per cent beside it while it catches up with the guest."""

    def found() -> bool:
        heard = browser.evaluate(HEARS)
        return heard is not None and heard["decibels"] > QUIET and abs(heard["hertz"] / hertz - 1) < 0.03

    wait_for(found, f"a tone of {hertz} Hz", lambda: browser.evaluate(HEARS))


def hears_something(browser: Browser) -> None:
    """Wait until the page plays anything."""

    def loud() -> bool:
        heard = browser.evaluate(HEARS)
        return heard is not None and heard["decibels"] > QUIET

    wait_for(loud, "any sound", lambda: browser.evaluate(HEARS))


def hears_nothing(browser: Browser) -> None:
    """Wait until the page is silent."""

    def silent() -> bool:
        heard = browser.evaluate(HEARS)
        return heard is None or heard["decibels"] < QUIET

    wait_for(silent, "silence", lambda: browser.evaluate(HEARS))


@contextmanager
def playing(viewer: Viewer, hertz: float, format: tsg.SoundFormat) -> Iterator[None]:
    """Send a tone as long as the block lasts, as fast as time passes."""
    over = threading.Event()

    def play() -> None:
        encoder: SoundEncoder = Opus() if format is tsg.SoundFormat.OPUS else Plain()
        whole = tone(hertz, 1)  # whole numbers of hertz go on without a step
        begun = time.monotonic()
        for number in count():
            at = number * PIECE_BYTES % len(whole)
            flags = tsg.SoundFlag(0) if number else tsg.SoundFlag.BEGINS
            data = encoder.encode(whole[at : at + PIECE_BYTES])
            viewer.send(tsg.Sound(number * FRAMES, encoder.format, flags, data))
            if over.wait(max(0, begun + FRAMES / tsg.SOUND_RATE * (number + 1) - time.monotonic())):
                return

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
