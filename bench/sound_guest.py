"""Runs in the guest: every two seconds a click and a flash that belong together, as in a film.

Between clicks it hums softly: a film is never silent, and silence would not be sent.

A player shows a picture when its sound is due; what the sound server has still to play it is told by the
server (snd_pcm_delay). Everything beyond is on the way to the person, which is what bench/sound.py measures.
"""

import ctypes
import sys
import threading
import time

from Xlib import display

RATE, PIECE, EACH = 48000, 480, 2.0
CLICK = (b"\x00\x60\x00\x60" * 24 + b"\x00\xa0\x00\xa0" * 24) * 10
HUM = (b"\x40\x00\x40\x00" * 120 + b"\xc0\xff\xc0\xff" * 120) * (PIECE // 240)

alsa = ctypes.CDLL("libasound.so.2")
pcm = ctypes.c_void_p()
if alsa.snd_pcm_open(ctypes.byref(pcm), b"default", 0, 0):
    sys.exit("there is no sound")
if alsa.snd_pcm_set_params(pcm, 2, 3, 2, RATE, 1, 100_000):
    sys.exit("this kind of sound is not taken")

screen = display.Display()
root = screen.screen()
window = root.root.create_window(
    0,
    0,
    root.width_in_pixels,
    root.height_in_pixels,
    0,
    root.root_depth,
    override_redirect=1,
    background_pixel=0,
)
window.map()
screen.flush()


def show(colour, more):
    window.change_attributes(background_pixel=colour)
    window.clear_area()
    screen.flush()
    if more:
        time.sleep(0.3)
        show(0, False)


def write(data):
    sent = alsa.snd_pcm_writei(pcm, data, len(data) // 4)
    if sent < 0:
        alsa.snd_pcm_recover(pcm, sent, 1)


end = time.monotonic() + float(sys.argv[1])
due = time.monotonic() + EACH
while time.monotonic() < end:
    if time.monotonic() < due:
        write(HUM)
        continue
    due += EACH
    delay = ctypes.c_long()
    alsa.snd_pcm_delay(pcm, ctypes.byref(delay))
    threading.Timer(max(0, delay.value / RATE), show, (0xFFFFFF, True)).start()
    write(CLICK)
