"""This machine's microphone: what it hears goes to the desktop, while the person wants that."""

from __future__ import annotations

from collections.abc import Callable

from thinclient.sound.devices import Kind, Trouble, Watched


class Microphone:
    """Off until it is turned on; then `heard` is called with samples (see `Watched`). No method waits."""

    def __init__(self, heard: Callable[[bytes], None], told: Callable[[Trouble], None]) -> None:
        self._heard = heard
        self._device = Watched(Kind.CAPTURE, self._take, told)
        self.turn = self._device.want
        self.choose = self._device.choose
        self.close = self._device.close

    def _take(self, samples: bytes) -> bytes:
        self._heard(bytes(samples))
        return b""
