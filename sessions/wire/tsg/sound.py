"""Sound: what the guest plays, and what a viewer says into its microphone."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sessions.wire.errors import ProtocolError
from sessions.wire.fields import Blob, Integer
from sessions.wire.tsg.message import Message

SOUND_RATE = 48000
"""Frames a second that `Sound.at` counts in, and that Opus is decoded to."""
PCM_RATE = 24000
VOICE_RATE = 24000
MAX_SOUND = 16 * 1024
"""Bytes of one piece of sound."""
MAX_VOICE = 4800
"""Bytes of one piece of a voice: 0.1 s."""
MAX_UNHEARD = SOUND_RATE
"""Frames of sound that may be on their way to a viewer: what it has not said to have `Heard`."""


class SoundFormat(enum.IntEnum):
    """How sound travels."""

    NONE = 0
    """Not at all."""
    OPUS = 1
    """One Opus packet of 10 ms, stereo (RFC 6716)."""
    PCM = 2
    """Frames of two signed 16-bit samples, little-endian, left first, `PCM_RATE` a second."""


class SoundFlag(enum.IntFlag):
    """Flags of a `Sound`."""

    BEGINS = 1
    """It does not go on from the last piece: there was silence, or pieces were left out."""


class MicrophoneState(enum.IntEnum):
    """What a viewer may do with its microphone."""

    NONE = 0
    """Nothing: this guest takes none, or not now."""
    FREE = 1
    OWN = 2
    """This viewer is heard."""
    TAKEN = 3
    """Another viewer is heard; who says `Speak` takes its place."""


# ---- viewer to server


@dataclass(frozen=True, slots=True)
class Listen(Message):
    """From now on send what the guest plays like this, or no more (`SoundFormat.NONE`).

    A server that has no encoder sends `SoundFormat.PCM` to whoever listens.
    """

    format: int
    TYPE = 0x38
    FIELDS = (Integer("format", "u8"),)

    def check(self) -> None:
        """Refuse formats that are not known."""
        _known(SoundFormat, self.format, "Listen")


@dataclass(frozen=True, slots=True)
class Heard(Message):
    """Sound has arrived, up to the piece with this `Sound.at`; said a few times a second."""

    at: int
    TYPE = 0x39
    FIELDS = (Integer("at", "u32"),)


@dataclass(frozen=True, slots=True)
class Speak(Message):
    """The viewer turns its microphone on (1) or off (0)."""

    on: int
    TYPE = 0x3A
    FIELDS = (Integer("on", "u8"),)


@dataclass(frozen=True, slots=True)
class Voice(Message):
    """What the microphone hears: signed 16-bit samples, little-endian, `VOICE_RATE` a second, one channel."""

    samples: bytes
    TYPE = 0x3B
    FIELDS = (Blob("samples", MAX_VOICE),)

    def check(self) -> None:
        """Refuse half a sample."""
        if len(self.samples) % 2:
            raise ProtocolError(f"Voice: {len(self.samples)} bytes are no whole samples")


# ---- server to viewer


@dataclass(frozen=True, slots=True)
class Sound(Message):
    """What the guest plays next. While it is silent nothing is sent.

    at: when, in frames of `SOUND_RATE` on a clock of the server's that goes on in silence (modulo 2³²).
    format: `SoundFormat`; flags: `SoundFlag`.
    """

    at: int
    format: int
    flags: int
    data: bytes
    TYPE = 0x3C
    FIELDS = (
        Integer("at", "u32"),
        Integer("format", "u8"),
        Integer("flags", "u8"),
        Blob("data", MAX_SOUND),
    )

    def check(self) -> None:
        """Refuse formats that are not known, and half a frame."""
        _known(SoundFormat, self.format, "Sound")
        if self.format == SoundFormat.PCM and len(self.data) % 4:
            raise ProtocolError(f"Sound: {len(self.data)} bytes are no whole frames")


@dataclass(frozen=True, slots=True)
class Microphone(Message):
    """What the viewer may do with its microphone; sent when it attaches and when that changes."""

    state: int
    TYPE = 0x3D
    FIELDS = (Integer("state", "u8"),)

    def check(self) -> None:
        """Refuse states that are not known."""
        _known(MicrophoneState, self.state, "Microphone")


def _known(kind: type[enum.IntEnum], value: int, where: str) -> None:
    if value > max(kind):
        raise ProtocolError(f"{where}: {value} is no {kind.__name__}")


FROM_VIEWER: tuple[type[Message], ...] = (Listen, Heard, Speak, Voice)
FROM_SERVER: tuple[type[Message], ...] = (Sound, Microphone)
