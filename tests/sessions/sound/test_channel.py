"""The channel for sound: who hears what, who is heard, and that whoever is late or lies costs nobody else."""

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from sessions.channels import EVERYTHING, NOTHING
from sessions.guests.base import GuestError
from sessions.sound import SoundChannel
from sessions.sound.formats import Opus
from sessions.wire import tsg
from sessions.wire.tsg import Capability, MicrophoneState, SoundFlag, SoundFormat
from tests.sessions.sound.tones import silence, tone


class Speakers:
    """A guest's sound; what was spoken is in `spoken`. failing: how often it cannot be opened."""

    def __init__(self, failing=0):
        self.changed = lambda: None
        self.hears = True
        self.listener = None
        self.opened = 0
        self.spoken = []
        self.failing = failing

    async def open(self, listener):
        self.opened += 1
        if self.failing:
            self.failing -= 1
            raise GuestError("no", "a test")
        self.listener = listener

    def close(self):
        self.listener = None

    def speak(self, samples):
        self.spoken.append(samples)


class Ear:
    """A viewer."""

    def __init__(self, allowed=EVERYTHING):
        self.allowed = allowed
        self.told = []

    def tell(self, message):
        tsg.decode(message.encode(), tsg.FROM_SERVER)
        self.told.append(message)

    @property
    def sounds(self):
        return [message for message in self.told if isinstance(message, tsg.Sound)]

    @property
    def microphone(self):
        return [message.state for message in self.told if isinstance(message, tsg.Microphone)][-1]


class Room:
    """A session's sound, and time."""

    def __init__(self, speakers=None, in_thread=lambda call: succeed(call())):
        self.clock = Clock()
        self.clock.advance(100)
        self.speakers = speakers or Speakers()
        self.channel = SoundChannel("s1", self.speakers, self.clock, in_thread)
        self.channel.opened()
        self.ears = {}

    def join(self, number, format=None, **options):
        ear = self.ears[number] = Ear(**options)
        self.channel.joined(number, ear)
        if format is not None:
            self.say(number, tsg.Listen(format))
        return ear

    def say(self, number, message):
        self.channel.received(number, self.ears[number], message)

    def play(self, data):
        for at in range(0, len(data), 1920):
            self.clock.advance(0.01)
            if self.speakers.listener is not None:
                self.speakers.listener.played(data[at : at + 1920])


@pytest.fixture
def room():
    return Room()


def test_nobody_listens_so_nothing_is_opened(room):
    ear = room.join(1)
    assert room.speakers.listener is None
    room.say(1, tsg.Listen(SoundFormat.PCM))
    room.play(tone(440, 0.1))
    assert [sound.format for sound in ear.sounds] == [SoundFormat.PCM] * 10
    room.say(1, tsg.Listen(SoundFormat.NONE))
    assert room.speakers.listener is None
    room.play(tone(440, 0.1))
    assert len(ear.sounds) == 10


def test_a_piece_is_encoded_once_for_all(monkeypatch):
    encoded = []
    monkeypatch.setattr(Opus, "encode", lambda self, pcm: encoded.append(pcm) or b"packet")
    room = Room()
    ears = [room.join(number, SoundFormat.OPUS) for number in range(5)]
    room.play(tone(440, 0.1))
    assert len(encoded) == 10
    assert all(ear.sounds == ears[0].sounds for ear in ears)
    assert [sound.data for sound in ears[0].sounds] == [b"packet"] * 10


def test_opus_is_waited_for_and_its_lack_is_not_the_end():
    loading = Deferred()
    room = Room(in_thread=lambda call: loading)
    ear = room.join(1, SoundFormat.OPUS)
    room.play(tone(440, 0.1))
    assert ear.sounds == []
    loading.errback(OSError("no libopus"))
    room.play(tone(440, 0.1))
    assert {sound.format for sound in ear.sounds} == {SoundFormat.PCM}


def test_silence_costs_nothing_and_what_follows_begins(room):
    ear = room.join(1, SoundFormat.PCM)
    room.play(tone(440, 0.1) + silence(10))
    count = len(ear.sounds)
    assert count == 30
    room.say(1, tsg.Heard(ear.sounds[-1].at))
    room.play(silence(3) + tone(440, 0.1))
    assert [sound.flags for sound in ear.sounds[count:]] == [SoundFlag.BEGINS] + [0] * 9


def test_who_falls_behind_hears_what_is_played_when_it_is_back(room):
    slow, quick = room.join(1, SoundFormat.PCM), room.join(2, SoundFormat.PCM)
    for _ in range(50):
        room.play(tone(440, 0.1))
        room.say(2, tsg.Heard(quick.sounds[-1].at))
    assert len(quick.sounds) == 500
    assert 100 <= len(slow.sounds) <= 102
    room.say(1, tsg.Heard(slow.sounds[-1].at))
    room.play(tone(440, 0.1))
    assert slow.sounds[-10].flags == SoundFlag.BEGINS
    assert slow.sounds[-1] == quick.sounds[-1]


@pytest.mark.parametrize("lie", [0, 1, 1 << 31, (1 << 32) - 1])
def test_who_says_to_have_heard_what_was_never_sent_gains_nothing(room, lie):
    ear = room.join(1, SoundFormat.PCM)
    room.say(1, tsg.Heard(lie))
    for _ in range(30):
        room.play(tone(440, 0.1))
        if ear.sounds:
            room.say(1, tsg.Heard((ear.sounds[-1].at + 1000) % (1 << 32)))
    assert len(ear.sounds) <= 102


def test_who_may_not_hear_is_neither_offered_nor_sent_anything(room):
    assert set(room.channel.offers(EVERYTHING)) == {Capability.SOUND, Capability.MICROPHONE}
    assert not room.channel.offers(EVERYTHING - {"audio"})
    ear = room.join(1, SoundFormat.PCM, allowed=NOTHING)
    room.say(1, tsg.Speak(1))
    room.say(1, tsg.Voice(b"ab"))
    room.play(tone(440, 0.1))
    assert ear.told == []
    assert room.speakers.listener is None
    assert room.speakers.spoken == []


def test_a_guest_without_sound():
    channel = SoundChannel("s1", None, Clock(), lambda call: succeed(call()))
    assert not channel.offers(EVERYTHING)
    channel.opened()
    ear = Ear()
    channel.joined(1, ear)
    channel.received(1, ear, tsg.Listen(SoundFormat.OPUS))
    channel.left(1)
    channel.closed()
    assert ear.told == []


def test_the_guest_goes_and_comes_back(room):
    ear = room.join(1, SoundFormat.PCM)
    room.channel.closed()
    assert room.speakers.listener is None
    assert ear.microphone == MicrophoneState.NONE
    room.channel.opened()
    assert ear.microphone == MicrophoneState.FREE
    room.play(tone(440, 0.1))
    assert len(ear.sounds) == 10


def test_lost_sound_is_taken_up_again_and_a_guest_that_gives_none_is_asked_when_somebody_listens():
    room = Room(Speakers())
    ear = room.join(1, SoundFormat.PCM)
    room.speakers.failing = 1
    room.speakers.listener.deafened("a test")
    assert (room.speakers.opened, room.speakers.listener is None or room.speakers.listener) == (
        2,
        room.channel,
    )
    room.say(1, tsg.Listen(SoundFormat.PCM))
    assert room.speakers.opened == 3
    room.play(tone(440, 0.1))
    assert len(ear.sounds) == 10


def test_one_speaks_at_a_time_and_everybody_knows(room):
    first, second = room.join(1), room.join(2)
    assert first.microphone == MicrophoneState.FREE
    room.say(1, tsg.Voice(b"too early!"))
    room.say(1, tsg.Speak(1))
    assert (first.microphone, second.microphone) == (MicrophoneState.OWN, MicrophoneState.TAKEN)
    room.say(1, tsg.Voice(b"hi"))
    room.say(2, tsg.Voice(b"no"))
    room.say(2, tsg.Speak(0))
    room.say(2, tsg.Speak(1))
    assert (first.microphone, second.microphone) == (MicrophoneState.TAKEN, MicrophoneState.OWN)
    room.say(2, tsg.Voice(b"ho"))
    room.channel.left(2)
    assert first.microphone == MicrophoneState.FREE
    assert room.speakers.spoken == [b"hi", b"ho"]


def test_a_voice_comes_no_faster_than_time(room):
    room.join(1)
    room.say(1, tsg.Speak(1))
    for _ in range(1000):
        room.say(1, tsg.Voice(bytes(4800)))
    assert 5 <= len(room.speakers.spoken) <= 6


def test_a_guest_that_hears_no_more(room):
    ear = room.join(1)
    room.say(1, tsg.Speak(1))
    room.speakers.hears = False
    room.speakers.changed()
    assert ear.microphone == MicrophoneState.NONE
    room.say(1, tsg.Voice(b"hi"))
    room.say(1, tsg.Speak(1))
    assert (ear.microphone, room.speakers.spoken) == (MicrophoneState.NONE, [])
