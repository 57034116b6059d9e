"""A tone that goes in comes out, in each format."""

import av
import numpy as np
import pytest

from sessions.sound.cutting import PIECE_BYTES
from sessions.sound.formats import Opus, Plain
from tests.sessions.sound.tones import pitch, tone


def pieces(data):
    return [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]


@pytest.mark.parametrize("hertz", [220, 440, 3000])
def test_opus(hertz):
    encoder = Opus()
    packets = [encoder.encode(piece) for piece in pieces(tone(hertz, 1))]
    assert all(packets)
    assert sum(map(len, packets)) < 20_000
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48000, "stereo"
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    heard = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames])
    assert len(heard) == 48000
    assert abs(pitch(heard[4800:, 0]) - hertz) < 3
    assert np.abs(heard[4800:]).max() == pytest.approx(12000, rel=0.2)


def test_plain():
    heard = b"".join(Plain().encode(piece) for piece in pieces(tone(440, 1)))
    samples = np.frombuffer(heard, "<i2").reshape(-1, 2)
    assert len(samples) == 24000
    assert abs(pitch(samples[:, 1], 24000) - 440) < 2


def test_silence_stays_silent():
    assert not any(Plain().encode(bytes(PIECE_BYTES)))
    assert len(Opus().encode(bytes(PIECE_BYTES))) < 20
