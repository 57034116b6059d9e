"""The encoder contract: rectangles of pixels become operations of a frame.

The planner (encoders/plan) decides which rectangles go to which encoder by their traits; an encoder only
encodes. A stateful encoder belongs to one viewer, and what it returns must reach that viewer complete
and in order; `restart` begins anew for a viewer that lost its state. All calls are made by one viewer,
one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.wire.tsg import Capability, Codec, Operation

FRAME_BYTES = 3 * 1024 * 1024
"""Most bytes of pixels one frame message is made from; what is left of the damage waits."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the planner must know of an encoder.

    lossy: the viewer's pixels differ from the guest's until they are sent again exactly.
    stateful: the output depends on what was encoded before.
    capability: what a viewer must have declared to be sent this.
    """

    lossy: bool
    stateful: bool
    capability: Capability


@dataclass(frozen=True, slots=True)
class Options:
    """The session host's encoding settings.

    window_log: log2 of a viewer's history window, bytes (memory: about that much on each side).
    level: how hard the history stream looks, 1 to 12. jpeg_quality: 1 to 100.
    """

    window_log: int = 24
    level: int = 3
    jpeg_quality: int = 80


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one encoder adds to a frame."""

    operations: list[Operation] = field(default_factory=list)
    history: bytes = b""


class VideoError(Exception):
    """A video encoder cannot be had, or has failed; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One picture of a video, encoded. key: whether a decoder can begin with it, and must begin anew."""

    data: bytes
    key: bool


class VideoEncoder(Protocol):
    """One way to send a part of the screen that keeps changing: the encoder of one such part.

    Calls come one after the other, but from any thread; those that take long release the interpreter's
    lock. Colours: BT.601, limited range, 4:2:0, and the stream says so where its format can
    (docs/protocol.md, VIDEO). What `traits` and `codec` say is known without an instance.
    """

    traits: Traits
    codec: Codec | None
    """None when a chunk is a JPEG file."""

    @classmethod
    def missing(cls) -> str:
        """Return in a sentence what this machine lacks for it; empty when it can be tried."""

    def __init__(self, size: Size, coarse: bool) -> None:
        """Prepare for pictures of `size`, at least 16x16; coarse: for a slow line.

        Raises VideoError when this machine cannot.
        """

    def encode(self, pixels: Pixels) -> Chunk:
        """Return the next picture: of (height, width) contiguous pixels exactly one chunk, at once.

        The first is a key picture. Raises VideoError; the encoder is of no use then.
        """

    def close(self) -> None:
        """Give back what is held. May be called twice."""


class Encoder(Protocol):
    """One way to send pixels."""

    traits: Traits

    def __init__(self, options: Options) -> None:
        """Make an encoder for one viewer."""

    def encode(self, pixels: Pixels, rects: Sequence[Rect]) -> Encoded:
        """Encode rectangles of the screen `pixels`; it may change as soon as this returns."""

    def restart(self) -> None:
        """Forget what was encoded before."""
