"""The channel for sound: the guest is listened to while a viewer listens, and each piece is encoded once.

A viewer says what it has heard. One that falls behind by a second is sent nothing until it catches up, and
goes on with what is played then: late sound would stay late for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.channels import Allowed
from sessions.clock import Clock
from sessions.guests.base import GuestError, Sound
from sessions.sound.cutting import FRAMES, Cutter, Piece
from sessions.sound.formats import Opus, Plain, SoundEncoder
from sessions.wire import tsg
from sessions.wire.tsg import MAX_UNHEARD, VOICE_RATE, Capability, MicrophoneState, SoundFlag, SoundFormat

if TYPE_CHECKING:
    from sessions.pacing import InThread
    from sessions.viewer import Viewer

log = Logger()

AUDIO = "audio"
"""What policies call it, microphone included."""
VOICE_AHEAD = 0.5
"""Seconds of a voice that may come ahead of time; more is dropped."""


class Ear:
    """One viewer that may hear. format: how it wants sound."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.format = SoundFormat.NONE
        self._unheard: deque[int] = deque()  # `at` of what is on its way
        self._gap = True

    def listen(self, format: SoundFormat) -> None:
        """Begin anew, or stop."""
        self.format = format
        self._unheard.clear()
        self._gap = True

    def heard(self, at: int) -> None:
        """It has all up to `at`; what is not on its way is no answer."""
        if at in self._unheard:
            while self._unheard.popleft() != at:
                pass

    def send(self, piece: Piece, format: SoundFormat, data: bytes) -> None:
        """Send a piece, unless too much is on its way."""
        if len(self._unheard) * FRAMES >= MAX_UNHEARD:
            self._gap = True
            return
        at = piece.at % (1 << 32)
        flags = SoundFlag.BEGINS if piece.begins or self._gap else SoundFlag(0)
        self._unheard.append(at)
        self._gap = False
        self.viewer.tell(tsg.Sound(at, format, flags, data))


class SoundChannel:
    """Sound of one session (see sessions/channels.py).

    session: its id, for the log. sound: the guest's, None where that makes none.
    """

    takes: frozenset[type[tsg.Message]] = frozenset({tsg.Listen, tsg.Heard, tsg.Speak, tsg.Voice})

    def __init__(self, session: str, sound: Sound | None, clock: Clock, in_thread: InThread) -> None:
        self._session = session
        self._sound = sound
        self._clock = clock
        self._in_thread = in_thread
        self._ears: dict[int, Ear] = {}
        self._runs = False
        self._listening = False
        self._cutter = Cutter()
        self._encoders: dict[SoundFormat, SoundEncoder] = {SoundFormat.PCM: Plain()}
        self._loading = False
        self._has_opus = Opus.is_there()
        self._speaker: int | None = None
        self._spoken = 0.0  # until when the voice lasts that has been passed on

    # ---- what the session tells (channels.Channel)

    def offers(self, allowed: Allowed) -> Iterable[Capability]:
        """Return both, for who may have sound of a guest that makes some."""
        return (Capability.SOUND, Capability.MICROPHONE) if self._sound and AUDIO in allowed else ()

    def opened(self) -> None:
        """Listen as soon as somebody does."""
        self._runs = True
        if self._sound is not None:
            self._sound.changed = self._microphone_changed
            self._microphone_changed()
            self._attend()

    def closed(self) -> None:
        """Let go of the guest's sound."""
        self._runs = False
        self._attend()
        if self._sound is not None:
            self._sound.changed = lambda: None
            self._microphone_changed()

    def joined(self, number: int, viewer: Viewer) -> None:
        """One is there; it hears nothing before it says that it listens."""
        if self._sound is not None and AUDIO in viewer.allowed:
            self._ears[number] = Ear(viewer)
            viewer.tell(tsg.Microphone(self._microphone(number)))

    def left(self, number: int) -> None:
        """One has gone."""
        self._ears.pop(number, None)
        if self._speaker == number:
            self._speak(None)
        self._attend()

    def received(self, number: int, viewer: Viewer, message: tsg.Message) -> None:
        """Act on what one says; what it may not is ignored."""
        ear = self._ears.get(number)
        if ear is None:
            return
        match message:
            case tsg.Listen():
                ear.listen(SoundFormat(message.format))
                self._attend()
            case tsg.Heard():
                ear.heard(message.at)
            case tsg.Speak():
                self._wish_to_speak(number, bool(message.on))
            case tsg.Voice() if number == self._speaker:
                self._hear(message.samples)

    # ---- loudspeakers

    def _attend(self) -> None:
        """Listen to the guest while somebody listens, and no longer."""
        wanted = {ear.format for ear in self._ears.values()} - {SoundFormat.NONE}
        if SoundFormat.OPUS in wanted:
            self._load_opus()
        if self._sound is None or self._listening == (self._runs and bool(wanted)):
            return
        self._listening = not self._listening
        if self._listening:
            self._cutter = Cutter()
            Deferred.fromCoroutine(self._open(self._sound)).addErrback(self._failed)
        else:
            self._sound.close()
            self._encoders.pop(SoundFormat.OPUS, None)

    async def _open(self, sound: Sound) -> None:
        try:
            await sound.open(self)
        except GuestError as error:
            if self._listening:
                self._listening = False
                why = f"{error} ({error.detail})"
                log.warn("session {id} cannot be heard: {why}", id=self._session, why=why)
        else:
            if not self._listening:
                sound.close()

    def _failed(self, failure: object) -> None:
        self._listening = False
        log.error("session {id}: its sound fails: {failure}", id=self._session, failure=failure)

    def _load_opus(self) -> None:
        if self._has_opus and not self._loading and SoundFormat.OPUS not in self._encoders:
            self._loading = True
            self._in_thread(Opus).addCallbacks(self._loaded, self._not_loaded)

    def _loaded(self, opus: Opus) -> None:
        self._loading = False
        self._encoders[SoundFormat.OPUS] = opus

    def _not_loaded(self, failure: object) -> None:
        self._loading = self._has_opus = False
        log.warn("session {id}: no Opus, sound goes as plain samples: {why}", id=self._session, why=failure)

    def played(self, samples: bytes) -> None:
        """Take what the guest plays (`base.Listener`)."""
        for piece in self._cutter.cut(samples, self._clock.seconds()):
            self._send(piece)

    def deafened(self, reason: str) -> None:
        """Try again, once: if that fails as well, whoever begins to listen next is the next chance."""
        log.warn("session {id}: its sound was lost: {reason}", id=self._session, reason=reason)
        self._listening = False
        self._attend()

    def _send(self, piece: Piece) -> None:
        ready: dict[SoundFormat, bytes] = {}
        for ear in list(self._ears.values()):
            encoder = self._encoder(ear.format)
            if encoder is None:
                continue
            if encoder.format not in ready:
                ready[encoder.format] = encoder.encode(piece.pcm)
            ear.send(piece, encoder.format, ready[encoder.format])

    def _encoder(self, format: SoundFormat) -> SoundEncoder | None:
        """Return what one is served with; None for nothing, or nothing yet."""
        if format is SoundFormat.OPUS and not self._has_opus:
            format = SoundFormat.PCM
        return self._encoders.get(format)

    # ---- microphone

    def _microphone(self, number: int) -> MicrophoneState:
        if not self._runs or self._sound is None or not self._sound.hears:
            return MicrophoneState.NONE
        if self._speaker is None:
            return MicrophoneState.FREE
        return MicrophoneState.OWN if number == self._speaker else MicrophoneState.TAKEN

    def _microphone_changed(self) -> None:
        if self._speaker is not None and self._microphone(self._speaker) is MicrophoneState.NONE:
            self._speaker = None
        for number, ear in list(self._ears.items()):
            ear.viewer.tell(tsg.Microphone(self._microphone(number)))

    def _wish_to_speak(self, number: int, on: bool) -> None:
        if on and self._microphone(number) is not MicrophoneState.NONE:
            self._speak(number)
        elif not on and number == self._speaker:
            self._speak(None)

    def _speak(self, number: int | None) -> None:
        self._speaker = number
        self._spoken = 0.0
        self._microphone_changed()

    def _hear(self, samples: bytes) -> None:
        now = self._clock.seconds()
        self._spoken = max(self._spoken, now)
        if self._sound is not None and self._spoken - now < VOICE_AHEAD:
            self._spoken += len(samples) / 2 / VOICE_RATE
            self._sound.speak(samples)
