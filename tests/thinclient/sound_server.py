"""A sound server of its own for a program: what it plays is heard; its microphone says what it is told to."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from pathlib import Path

import numpy as np

from tests.e2e.machine import wait_for
from tests.sessions.sound import tones
from tests.sessions.sound.tones import RATE, tone

OUTPUT, OTHER, MICROPHONE = "Loudspeaker of the test", "Another loudspeaker", "Microphone of the test"
QUIET = 300
"""The loudest sample of what cannot be heard."""
_WINDOW = RATE // 2


class SoundServer:
    """PulseAudio in a folder of its own, with two sinks that play into nothing and a source."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tssound-")
        self.environment = {"PULSE_SERVER": f"unix:{self._folder.name}/native"}
        self._server: subprocess.Popen[bytes] | None = None
        self._ear: subprocess.Popen[bytes] | None = None
        self._voice: subprocess.Popen[bytes] | None = None
        self._heard = np.zeros(_WINDOW, np.int16)
        self.start()

    def start(self) -> None:
        """Begin, or begin again."""
        modules = (
            f"module-native-protocol-unix socket={self._folder.name}/native auth-anonymous=1",
            _null("out", OUTPUT), _null("other", OTHER), _null("voice", "Voice"),
            f'module-remap-source source_name=microphone master=voice.monitor '
            f'source_properties="device.description=\'{MICROPHONE}\'"',
        )  # fmt: skip
        loaded = [word for module in modules for word in ("-L", module)]
        own = {"HOME": self._folder.name, "XDG_RUNTIME_DIR": self._folder.name}
        self._server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", *loaded],
            env=os.environ | own, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: "microphone" in self._control("list", "short", "sources"), "a sound server")
        self._control("set-default-sink", "out")
        self._control("set-default-source", "microphone")

    def listen(self, sink: str = "out") -> None:
        """Hear what is played there from now on."""
        self._end(self._ear)
        words = [
            "parec",
            "-d",
            f"{sink}.monitor",
            "--raw",
            "--format=s16le",
            f"--rate={RATE}",
            "--channels=1",
        ]
        self._ear = subprocess.Popen(
            [*words, "--latency-msec=50"], env=os.environ | self.environment, stdout=subprocess.PIPE
        )
        threading.Thread(target=self._hear, args=(self._ear,), daemon=True).start()

    def hears(self, hertz: float) -> None:
        """Wait until this tone is played: some per cent beside it while it catches up with the guest."""
        wait_for(lambda: abs(self.pitch() / hertz - 1) < 0.03, f"a tone of {hertz} Hz", self.pitch)

    def hears_nothing(self) -> None:
        """Wait until nothing is played."""
        wait_for(lambda: self.pitch() == 0, "silence", self.pitch)

    def say(self, hertz: float) -> None:
        """Have the microphone hear a tone from now on; 0: nothing."""
        self._end(self._voice)
        self._voice = None
        if hertz:
            path = Path(self._folder.name) / f"{hertz}.raw"
            path.write_bytes(tone(hertz, 60))
            self._voice = subprocess.Popen(
                ["pacat", "-d", "voice", "--raw", "--format=s16le", f"--rate={RATE}", str(path)],
                env=os.environ | self.environment,
            )

    def recorders(self) -> int:
        """How many programs listen to the microphone."""
        sources = self._control("list", "short", "source-outputs").splitlines()
        return sum(1 for line in sources if line.split("\t")[1] == self._number("microphone"))

    def players(self) -> int:
        """How many programs have a loudspeaker open."""
        return len(self._control("list", "short", "sink-inputs").splitlines())

    def remove(self, sink: str) -> None:
        """Unplug a loudspeaker."""
        [module] = [
            line.split("\t")[0]
            for line in self._control("list", "short", "modules").splitlines()
            if f"sink_name={sink} " in line
        ]
        self._control("unload-module", module)

    def stop(self) -> None:
        """End everything but what can begin again."""
        for each in (self._ear, self._voice, self._server):
            self._end(each)
        self._ear = self._voice = self._server = None

    def close(self) -> None:
        """End it."""
        self.stop()
        self._folder.cleanup()

    def _number(self, source: str) -> str:
        lines = self._control("list", "short", "sources").splitlines()
        return next(line.split("\t")[0] for line in lines if line.split("\t")[1] == source)

    def _control(self, *words: str) -> str:
        done = subprocess.run(
            ["pactl", *words], env=os.environ | self.environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        return done.stdout

    def _hear(self, ear: subprocess.Popen[bytes]) -> None:
        assert ear.stdout is not None
        while data := os.read(ear.stdout.fileno(), 9600):
            new = np.frombuffer(data[: len(data) // 2 * 2], np.int16)
            self._heard = np.concatenate([self._heard, new])[-_WINDOW:]

    def pitch(self) -> float:
        """The loudest frequency of the last half second, hertz; 0 for silence."""
        heard = self._heard
        return tones.pitch(heard) if np.abs(heard).max() > QUIET else 0.0

    @staticmethod
    def _end(process: subprocess.Popen[bytes] | None) -> None:
        if process is not None:
            process.terminate()
            process.wait()


def _null(name: str, description: str) -> str:
    called = f"sink_properties=\"device.description='{description}'\""
    return f"module-null-sink sink_name={name} rate={RATE} {called}"
