"""A desktop guest that plays and records tones, and what can be heard of it."""

import numpy as np
from twisted.internet import reactor
from twisted.internet.task import LoopingCall, deferLater

from tests.sessions.sound.tones import pitch, tone

AS_USER = "runuser -u user -- env XDG_RUNTIME_DIR=/run/user/$(id -u user)"
WRITE = """
import array, math, sys, wave
path, *tones = sys.argv[1:]
samples = array.array("h")
for each in tones:
    hertz, seconds = map(float, each.split(":"))
    second = array.array("h")  # whole numbers of hertz go on from one to the next without a step
    for at in range(48000):
        second.extend([int(12000 * math.sin(2 * math.pi * hertz * at / 48000))] * 2)
    samples += second * int(seconds) + second[: 2 * int(48000 * (seconds % 1))]
with wave.open(path, "wb") as file:
    file.setnchannels(2)
    file.setsampwidth(2)
    file.setframerate(48000)
    file.writeframes(samples.tobytes())
"""
PITCH = """
import array, sys, wave
with wave.open(sys.argv[1]) as file:
    rate, channels = file.getframerate(), file.getnchannels()
    samples = array.array("h", file.readframes(file.getnframes()))[::channels]
loud = [at for at, value in enumerate(samples) if abs(value) > 2000]
if not loud:
    sys.exit("nothing was recorded")
part = samples[loud[0]:loud[-1]]
rises = [at for at in range(1, len(part)) if part[at - 1] < 0 <= part[at]]
steps = sorted(after - before for before, after in zip(rises, rises[1:]))
print(rate / steps[len(steps) // 2])
"""


async def run(machine, script, input=b""):
    """Run a shell script in the guest as root; return what it prints."""
    done = await machine.guest.services.run(["/bin/sh", "-c", script], input=input, seconds=120)
    assert done.code == 0, done.err
    return done.out.decode()


class Heard:
    """What a guest plays, from `listen` on."""

    def __init__(self):
        self.data = bytearray()
        self.lost = []

    def played(self, samples):
        self.data += samples

    def deafened(self, reason):
        self.lost.append(reason)

    @property
    def loud(self):
        """The left channel, from the first loud sample to the last."""
        left = np.frombuffer(bytes(self.data), "<i2")[::2].astype(int)
        loud = np.flatnonzero(np.abs(left) > 3000)
        return left[loud[0] : loud[-1]] if len(loud) else left[:0]


async def hear(machine, *tones):
    """Have the guest play (hertz, seconds); return what was heard."""
    heard = Heard()
    await machine.guest.sound.open(heard)
    try:
        wanted = " ".join(f"{hertz}:{seconds}" for hertz, seconds in tones)
        await run(machine, f"python3 - /tmp/played.wav {wanted}", WRITE.encode())
        await run(machine, f"{AS_USER} pw-play /tmp/played.wav")
    finally:
        machine.guest.sound.close()
    return heard


RECORD = f"""
cd /tmp && rm -f voice.wav
{AS_USER} pw-record --channels 1 /tmp/voice.wav &
until [ "$(stat -c %s voice.wav 2>/dev/null || echo 0)" -gt 250000 ]; do sleep 0.2; done
pkill -INT -x pw-record
wait
"""


async def told(machine, hertz):
    """Speak a tone into the guest's microphone while it records; return what it says the tone was."""
    voice = np.frombuffer(tone(hertz, 100, rate=24000), "<i2")[::2].tobytes()
    pieces = iter([voice[at : at + 960] for at in range(0, len(voice), 960)])
    speaking = LoopingCall(lambda: machine.guest.sound.speak(next(pieces)))
    speaking.start(0.02)
    try:
        await run(machine, RECORD)
    finally:
        speaking.stop()
    return float(await run(machine, "python3 - /tmp/voice.wav", PITCH.encode()))


async def until_it_hears(machine):
    """Wait for the program in the guest that makes the microphone."""
    for _ in range(1200):
        if machine.guest.sound.hears:
            return
        await deferLater(reactor, 0.05)
    raise AssertionError("nothing in the guest listens to the microphone")


def halves(heard):
    """The pitches of the first and the second half."""
    middle = len(heard.loud) // 2
    margin = len(heard.loud) // 10
    return pitch(heard.loud[margin : middle - margin]), pitch(heard.loud[middle + margin : -margin])
