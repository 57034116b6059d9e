"""A guest's clipboard: what it does, and what it tells.

One side *holds* something at a time: a program in the guest, or a viewer. Holding means to have said in which
formats it can be had; the content itself passes when the other side asks for it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from twisted.internet.defer import Deferred

from sessions.wire.tsg import ClipboardFormat as Format

DEFAULT_MAXIMUM = 32 * 1024 * 1024
"""Bytes of one content that pass, unless the configuration says otherwise."""


class ClipboardError(Exception):
    """Something cannot be had. The text is a sentence for people."""


class TooLarge(ClipboardError):
    """It is larger than may pass. size: in bytes, 0 where that is not known."""

    def __init__(self, message: str, size: int = 0) -> None:
        super().__init__(message)
        self.size = size


class ClipboardEvents(Protocol):
    """What a guest's clipboard tells. Called on the reactor's thread."""

    def ready(self, formats: frozenset[Format]) -> None:
        """From now on it takes and gives these; none: nothing answers in the guest any more."""

    def copied(self, formats: tuple[Format, ...]) -> None:
        """A program in the guest holds something, in these formats; none: it does no more."""

    def wanted(self, format: Format) -> None:
        """A program in the guest wants what was offered last; `provide` answers."""

    def taken(self) -> None:
        """What was offered last is what a program gets from now on when it pastes."""


class GuestClipboard(Protocol):
    """The clipboard of one guest, as long as the guest is there; what leads to it may come and go.

    maximum: bytes of one content that it takes from the guest; set by who follows it.
    """

    maximum: int

    def follow(self, events: ClipboardEvents | None) -> None:
        """Tell this one from now on, beginning with how it stands; None: nobody."""

    def offer(self, formats: Collection[Format]) -> None:
        """Hold something for the guest; none: withdraw it. Formats that it does not take are left out."""

    def provide(self, format: Format, data: bytes | None) -> None:
        """Answer `wanted`; None: it cannot be had. What nobody waits for is dropped."""

    def fetch(self, format: Format) -> Deferred[bytes]:
        """Get what the guest holds. Fails with ClipboardError, also when that changes meanwhile."""
