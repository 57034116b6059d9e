"""What a viewer hears and says, without I/O: docs/protocol.md, 10, for as many connections as it takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sessions.wire import tsg
from sessions.wire.tsg import MAX_VOICE, Capability, MicrophoneState, SoundFormat
from tsgateway.client.viewer.decode.errors import DecodeError
from tsgateway.client.viewer.decode.sound import Samples, Sounds, has_opus

HEARD_EACH = 20
"""Pieces of sound after which the server is told; it sends 100 ahead at most."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """The desktop plays this now.

    at: in frames of `tsg.SOUND_RATE`, modulo 2³², on a clock of the server's that goes on in silence. begins:
    it does not go on from what was played last. samples: (frames, 2) of 16 bits, left and right.
    """

    at: int
    begins: bool
    samples: Samples


class Hearing:
    """What a viewer wants to hear, and whether its microphone is on.

    microphone: what the server has said of it; None before, and where it takes none. wanted: whether sound is
    asked for. speaks: whether the person's microphone is on.
    """

    def __init__(self, *, wanted: bool = False) -> None:
        self.wanted = wanted
        self.speaks = False
        self.microphone: MicrophoneState | None = None
        self._has_opus = has_opus()
        self._offers_sound = self._offers_microphone = False
        self._begin()

    def _begin(self) -> None:
        self._sounds = Sounds()
        self._pieces = 0

    def greeted(self, hello: tsg.ServerHello) -> list[tsg.Message]:
        """A connection has begun: return what is to be asked for."""
        self._begin()
        self.microphone = None
        self._offers_sound = Capability.SOUND in hello.capabilities
        self._offers_microphone = Capability.MICROPHONE in hello.capabilities
        asked = self._listen() if self.wanted else []
        return asked + (self.speak(True) if self.speaks else [])

    def listen(self, wanted: bool) -> list[tsg.Message]:
        """Hear from now on what the desktop plays, or nothing; return what is to be said."""
        self.wanted = wanted
        return self._listen()

    def speak(self, on: bool) -> list[tsg.Message]:
        """Turn the microphone on or off, now and after a cut; return what is to be said."""
        self.speaks = on
        return [tsg.Speak(int(on))] if self._offers_microphone else []

    def voice(self, samples: bytes) -> list[tsg.Message]:
        """Return what the microphone hears as messages; none while the desktop does not listen.

        samples: 16 bits each, little-endian, `tsg.VOICE_RATE` a second. Raises ValueError for half a one.
        """
        if len(samples) % 2:
            raise ValueError(f"{len(samples)} bytes are no whole samples")
        if not self.speaks or self.microphone is not MicrophoneState.OWN:
            return []
        return [tsg.Voice(samples[at : at + MAX_VOICE]) for at in range(0, len(samples), MAX_VOICE)]

    def told(self, message: tsg.Microphone) -> None:
        """Take what the server says of the microphone; who has lost it is silent from then on."""
        before, self.microphone = self.microphone, MicrophoneState(message.state)
        if before is MicrophoneState.OWN and self.microphone is not MicrophoneState.OWN:
            self.speaks = False

    def take(self, sound: tsg.Sound) -> tuple[list[Played], list[tsg.Message]]:
        """Decode a piece; return what is to be played, and what is to be said."""
        self._pieces += 1
        said: list[tsg.Message] = [tsg.Heard(sound.at)] if self._pieces % HEARD_EACH == 0 else []
        if not self.wanted:
            return [], said  # it was on its way
        try:
            at, samples = self._sounds.decode(sound)
        except (DecodeError, ImportError) as error:
            return [], said + self._failed(sound, error)
        return [Played(at, bool(sound.flags & tsg.SoundFlag.BEGINS), samples)], said

    def _failed(self, sound: tsg.Sound, error: Exception) -> list[tsg.Message]:
        """Plain samples need no decoder."""
        if sound.format != SoundFormat.OPUS or not self._has_opus:
            return []  # there is Opus on its way still
        _log.warning("Opus is not decoded here: %s", error)
        self._has_opus = False
        return self._listen()

    def _listen(self) -> list[tsg.Message]:
        if not self._offers_sound:
            return []
        able = SoundFormat.OPUS if self._has_opus else SoundFormat.PCM
        return [tsg.Listen(able if self.wanted else SoundFormat.NONE)]
