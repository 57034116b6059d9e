"""Sound, as transcripts: what the server says of it, what is played, what is answered."""

import numpy as np
import pytest

from sessions.sound.cutting import FRAMES, PIECE_BYTES
from sessions.sound.formats import Opus, Plain, SoundEncoder
from sessions.wire import tsg
from sessions.wire.tsg import Capability, MicrophoneState, SoundFlag, SoundFormat
from tests.sessions.sound.tones import pitch, tone
from tests.tsgateway.client.test_conversation import Talk
from tsgateway.client.viewer import Hearing, Played
from tsgateway.client.viewer.sound import HEARD_EACH

HELLO = tsg.ServerHello(1, "s1", "Work", 1, 24, (Capability.HISTORY, Capability.SOUND, Capability.MICROPHONE))
MUTE = tsg.ServerHello(1, "s1", "Work", 1, 24, (Capability.HISTORY,))
LISTEN, STOP = tsg.Listen(SoundFormat.OPUS), tsg.Listen(SoundFormat.NONE)
OWN, TAKEN = tsg.Microphone(MicrophoneState.OWN), tsg.Microphone(MicrophoneState.TAKEN)


def begun(hearing: Hearing, hello: tsg.ServerHello = HELLO) -> Talk:
    talk = Talk(hearing=hearing)
    talk.says()
    talk.hears(hello)
    return talk


def pieces(encoder: SoundEncoder, hertz: float, count: int, at: int = 1000) -> list[tsg.Sound]:
    whole = tone(hertz, count / 100)
    return [
        tsg.Sound(
            (at + FRAMES * number) & 0xFFFFFFFF, encoder.format, 0 if number else SoundFlag.BEGINS,
            encoder.encode(whole[PIECE_BYTES * number : PIECE_BYTES * (number + 1)]),
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(("encoder", "early"), [(Opus, 120), (Plain, 0)])
def test_what_the_desktop_plays_is_heard_in_its_place(encoder: type[SoundEncoder], early: int) -> None:
    talk = begun(Hearing(wanted=True))
    assert talk.says() == [LISTEN]
    played = talk.hears(*pieces(encoder(), 440, 50, at=(1 << 32) - 480))
    assert all(isinstance(each, Played) and each.samples.shape == (FRAMES, 2) for each in played)
    assert [each.at for each in played[:3]] == [
        (1 << 32) - 480 - early,
        (1 << 32) - early & 0xFFFFFFFF,
        480 - early,
    ]
    assert [each.begins for each in played] == [True] + [False] * 49
    heard = np.concatenate([each.samples for each in played])[960:]
    assert pitch(heard[:, 0]) == pytest.approx(440, abs=3)
    assert abs(np.abs(heard).max() - 12000) < 600
    assert talk.says() == [
        tsg.Heard(HEARD_EACH * number * FRAMES - 2 * FRAMES) for number in (1, 2)
    ]  # the 20th piece and the 40th


def test_nothing_is_asked_of_a_server_without_sound() -> None:
    hearing = Hearing(wanted=True)
    talk = begun(hearing, MUTE)
    assert talk.says() == hearing.speak(True) == hearing.listen(False) == hearing.voice(bytes(960)) == []


def test_who_is_muted_is_sent_nothing_and_what_was_on_its_way_is_not_played() -> None:
    hearing = Hearing(wanted=True)
    talk = begun(hearing)
    sounds = pieces(Opus(), 440, HEARD_EACH)
    assert hearing.listen(False) == [STOP]
    assert talk.hears(*sounds) == []
    assert talk.says() == [LISTEN, tsg.Heard(sounds[-1].at)]
    assert hearing.listen(True) == [LISTEN]
    assert len(talk.hears(*sounds)) == HEARD_EACH
    assert begun(hearing).says() == [LISTEN]  # after a cut, too
    hearing.listen(False)
    assert begun(hearing).says() == []


@pytest.mark.parametrize("data", [b"", b"\xff" * 10, b"\x18", bytes(16000)])
def test_opus_that_is_none_is_answered_by_asking_for_plain_samples_once(data: bytes) -> None:
    talk = begun(Hearing(wanted=True))
    talk.says()
    bad = tsg.Sound(0, SoundFormat.OPUS, 0, data)
    assert talk.hears(bad, bad, tsg.Sound(0, SoundFormat.NONE, 0, b"")) == []
    assert talk.says() == [tsg.Listen(SoundFormat.PCM)]
    assert len(talk.hears(*pieces(Plain(), 440, 2))) == 2


def test_without_a_decoder_plain_samples_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsgateway.client.viewer.sound.has_opus", lambda: False)
    assert begun(Hearing(wanted=True)).says() == [tsg.Listen(SoundFormat.PCM)]


def test_plain_samples_are_doubled_without_a_step() -> None:
    talk = begun(Hearing(wanted=True))
    data = np.array([[0, -32768], [100, 32767], [-100, 32767]], "<i2").tobytes()
    [played] = talk.hears(tsg.Sound(7, SoundFormat.PCM, 0, data))
    assert played.samples[:, 0].tolist() == [0, 50, 100, 0, -100, -100]
    assert played.samples[:, 1].tolist() == [-32768, -1, 32767, 32767, 32767, 32767]
    [nothing] = talk.hears(tsg.Sound(7, SoundFormat.PCM, 0, b""))
    assert nothing.samples.shape == (0, 2)


def test_a_voice_is_sent_while_the_desktop_listens_and_in_pieces() -> None:
    hearing = Hearing()
    talk = begun(hearing)
    assert talk.says() == []
    assert talk.hears(tsg.Microphone(MicrophoneState.FREE)) == [tsg.Microphone(MicrophoneState.FREE)]
    assert hearing.voice(bytes(960)) == []
    assert hearing.speak(True) == [tsg.Speak(1)]
    assert hearing.voice(bytes(960)) == []  # the server has not heard of it yet
    talk.hears(OWN)
    assert hearing.voice(bytes(10000)) == [tsg.Voice(bytes(each)) for each in (4800, 4800, 400)]
    with pytest.raises(ValueError, match="3 bytes"):
        hearing.voice(bytes(3))
    assert hearing.speak(False) == [tsg.Speak(0)]
    assert hearing.voice(bytes(960)) == []


def test_a_microphone_stays_on_over_a_cut_and_not_when_somebody_else_has_begun() -> None:
    hearing = Hearing()
    talk = begun(hearing)
    hearing.speak(True)
    talk.hears(OWN)
    talk = begun(hearing)
    assert talk.says() == [tsg.Speak(1)]
    assert hearing.microphone is None
    talk.hears(tsg.Microphone(MicrophoneState.FREE), OWN, TAKEN)
    assert not hearing.speaks
    assert hearing.voice(bytes(960)) == []
    assert begun(hearing).says() == []
