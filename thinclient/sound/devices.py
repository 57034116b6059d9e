"""Sound devices of this machine by miniaudio: of PulseAudio, PipeWire, ALSA, WASAPI, Core Audio.

Whatever asks a device may wait for it: nothing here is for a window's thread, but for making a `Watched` and
telling it things.
"""

from __future__ import annotations

import contextlib
import enum
import importlib.util
import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from sessions.wire.tsg import SOUND_RATE, VOICE_RATE

PERIOD = 10
"""Milliseconds that a device takes or gives at once."""
PERIODS = 4
"""Of which it holds so many: threads of a busy machine are late."""
SILENT_SECONDS = 3.0
"""Seconds without a call after which a device is taken to be gone: no system tells that of every device."""
FIRST_RETRY, LAST_RETRY = 3.0, 60.0
"""Seconds after which a device is looked for again: at first, and in the end."""
FAREWELL_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Trouble(enum.Enum):
    """What is wrong with a device."""

    NOTHING = enum.auto()
    ABSENT = enum.auto()
    """There is none that could be used; it is looked for again."""
    OTHER = enum.auto()
    """The one that was chosen is not there, the system's own is used."""
    NO_LIBRARY = enum.auto()
    """Sound needs miniaudio, which is not installed."""


class Kind(enum.Enum):
    """Which way sound goes."""

    PLAYBACK = enum.auto()
    CAPTURE = enum.auto()


def is_there() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("miniaudio") is not None


def names(kind: Kind) -> list[str]:
    """Return the names of this machine's devices; none where they cannot be told."""
    if not is_there():
        return []
    import miniaudio

    try:
        return list(dict.fromkeys(each["name"] for each in _found(kind)))
    except miniaudio.MiniaudioError as error:
        _log.info("sound devices cannot be listed: %s", error)
        return []


class Watched:
    """A device that is open as long as it is wanted, on a thread of its own.

    work: is called on the device's thread. It is told how many frames to return, float32, two channels,
    `SOUND_RATE` a second; or given what was heard, 16 bits, one channel, `VOICE_RATE` a second. told: is
    called on that other thread when there is trouble, and when there is none any more.
    """

    def __init__(self, kind: Kind, work: Callable[[Any], bytes], told: Callable[[Trouble], None]) -> None:
        self._kind = kind
        self._work = work
        self._told = told
        self._name = ""
        self._is_wanted = self._is_over = False
        self._device: Any = None
        self._opened = ""
        self._called = 0.0
        self._retry = 0.0  # when to look for a device again
        self._patience = FIRST_RETRY
        self._trouble = Trouble.NOTHING
        self._change = threading.Event()
        self._thread: threading.Thread | None = None

    def want(self, on: bool) -> None:
        """Open the device, or let go of it."""
        if on != self._is_wanted:
            self._is_wanted = on
            self._retry = 0.0
            self._change.set()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"sound {self._kind.name}", daemon=True
                )
                self._thread.start()

    def choose(self, name: str) -> None:
        """Use the device of this name from now on; "": the system's own."""
        self._name = name
        self._retry = 0.0
        self._change.set()

    def close(self) -> None:
        """Let go of the device for good. Waits for that, a moment as a rule."""
        self._is_over = True
        self._change.set()
        if self._thread is not None:
            self._thread.join(FAREWELL_SECONDS)

    # ---- on its thread

    def _run(self) -> None:
        while not self._is_over:
            self._change.wait(SILENT_SECONDS / 2 if self._is_wanted else None)
            self._change.clear()
            try:
                self._attend()
            except Exception:
                _log.exception("a sound device fails")
                self._fail()
        self._release()

    def _attend(self) -> None:
        if self._device is not None and not (
            self._is_wanted and self._opened == self._name and self._is_alive()
        ):
            self._release()
        if self._is_wanted and self._device is None and time.monotonic() >= self._retry:
            self._open()

    def _is_alive(self) -> bool:
        if time.monotonic() - self._called < SILENT_SECONDS:
            return True
        _log.info("the sound device %r does not answer any more", self._opened)
        return False

    def _open(self) -> None:
        if not is_there():
            self._say(Trouble.NO_LIBRARY)
            self._retry = float("inf")
            return
        import miniaudio

        name, self._called = self._name, time.monotonic()
        try:
            chosen = (
                next((each["id"] for each in _found(self._kind) if each["name"] == name), None)
                if name
                else None
            )
            self._device = _opened(self._kind, chosen)
            steps = self._steps()
            next(steps)
            self._device.start(steps)
        except miniaudio.MiniaudioError as error:
            _log.info("no sound device: %s", error)
            self._fail()
            return
        self._opened, self._patience = name, FIRST_RETRY
        self._say(Trouble.OTHER if name and chosen is None else Trouble.NOTHING)

    def _steps(self) -> Generator[bytes, Any, None]:
        given = yield b""
        while True:
            self._called = time.monotonic()
            given = yield self._work(given)

    def _fail(self) -> None:
        self._release()
        self._retry = time.monotonic() + self._patience
        self._patience = min(LAST_RETRY, 2 * self._patience)
        self._say(Trouble.ABSENT)

    def _say(self, trouble: Trouble) -> None:
        if trouble is not self._trouble:
            self._trouble = trouble
            self._told(trouble)

    def _release(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            import miniaudio

            with contextlib.suppress(miniaudio.MiniaudioError):
                device.close()
            miniaudio.lib.ma_context_uninit(device._context)  # which `close` leaves, with its connection


def _backends() -> list[Any]:
    """Return those to try, the library's own order. One plays into nothing, which would hide that there is no
    device; JACK would start a server of its own."""
    import miniaudio

    unfit = {miniaudio.Backend.NULL, miniaudio.Backend.JACK}
    return sorted(miniaudio.get_enabled_backends() - unfit, key=lambda each: int(each.value))


def _found(kind: Kind) -> list[dict[str, Any]]:
    import miniaudio

    devices = miniaudio.Devices(_backends())
    found: list[dict[str, Any]] = devices.get_playbacks() if kind is Kind.PLAYBACK else devices.get_captures()
    return found


def _opened(kind: Kind, chosen: Any) -> Any:
    import miniaudio

    given = {
        "device_id": chosen,
        "backends": _backends(),
        "app_name": "tsclient",
        "callback_periods": PERIODS,
    }
    if kind is Kind.PLAYBACK:
        return miniaudio.PlaybackDevice(miniaudio.SampleFormat.FLOAT32, 2, SOUND_RATE, PERIOD, **given)
    return miniaudio.CaptureDevice(miniaudio.SampleFormat.SIGNED16, 1, VOICE_RATE, 2 * PERIOD, **given)
