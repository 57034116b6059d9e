"""Tones, made and found."""

import numpy as np

RATE = 48000


def tone(hertz, seconds, loud=12000, rate=RATE):
    """Frames of two samples of a tone."""
    time = np.arange(round(seconds * rate)) / rate
    wave = (loud * np.sin(2 * np.pi * hertz * time)).astype("<i2")
    return np.stack([wave, wave], axis=1).tobytes()


def silence(seconds, rate=RATE):
    return bytes(4 * round(seconds * rate))


def pitch(samples, rate=RATE):
    """The loudest frequency of one channel, hertz."""
    samples = np.asarray(samples, float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)
