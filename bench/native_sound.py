"""How far sound is from the picture in the native client: `python -m bench.native_sound [--seconds 30]`.

As `bench.sound --offset` for the browser: a program in a desktop guest clicks and flashes at once. When the
flash is on the X server's screen is seen in its memory; when the click is played is heard at the monitor of a
sound server's null sink, which is what a device would be given. docs/sound.md has figures.
"""

from __future__ import annotations

import json
import mmap
import os
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.native import Client
from bench.sound import AS_USER, CALM, DESKTOP, GUEST
from tests.e2e.agent import Agent
from tests.e2e.gateway import RealGateway
from tests.e2e.machine import Machine, wait_for
from tests.images_fixture import desktop_image
from tests.thinclient.display import Display
from tests.thinclient.sound_server import SoundServer

WIDTH, HEIGHT = 1280, 800
RATE = 48000
LOUD = 3000
APART = 0.5
"""Seconds; clicks and flashes are further apart, and last shorter."""


class Events:
    """When something began, on the monotonic clock."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def note(self, now: float) -> None:
        if not self.at or now - self.at[-1] > APART:
            self.at.append(now)


def watch(display: Display, flashes: Events, over: threading.Event) -> None:
    """Note when the screen becomes light, away from its middle, where the pointer is."""
    with display.file.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as screen:
        head = np.frombuffer(screen, ">u4", 25).copy()
        at = int(head[0] + 12 * head[19] + head[12] * (head[5] // 4) + 4 * (head[4] // 4))
        was_light = True
        while not over.wait(0.001):
            is_light = screen[at + 1] > 128
            if is_light and not was_light:
                flashes.note(time.monotonic())
            was_light = is_light


def hear(server: SoundServer, clicks: Events, over: threading.Event) -> None:
    """Note when something loud is played."""
    words = ["parec", "-d", "out.monitor", "--raw", "--format=s16le", f"--rate={RATE}", "--channels=1"]
    ear = subprocess.Popen(
        [*words, "--latency-msec=5"], env=os.environ | server.environment, stdout=subprocess.PIPE
    )
    if ear.stdout is None:
        raise RuntimeError("nothing can be heard")
    while not over.is_set() and (data := os.read(ear.stdout.fileno(), 1 << 14)):
        now = time.monotonic()
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
        loud = np.flatnonzero(np.abs(samples.astype(int)) > LOUD)
        if len(loud):
            clicks.note(now - (len(samples) - int(loud[0])) / RATE)
    ear.terminate()
    ear.wait()


def pairs(flashes: list[float], clicks: list[float]) -> list[float]:
    """Return milliseconds from each flash to the click that belongs to it."""
    late = [min((heard - flash for heard in clicks), key=abs, default=1.0) for flash in flashes]
    return [1000 * each for each in late if abs(each) < 0.9]


@click.command()
@click.option("--seconds", default=30.0, show_default=True, help="That it takes.")
@click.option("--calm", default=float(CALM), show_default=True, help="Seconds before.")
def main(seconds: float, calm: float) -> None:
    """Measure, and print JSON."""
    flashes, clicks, over = Events(), Events(), threading.Event()
    with ExitStack() as stack:
        gateway = RealGateway(DESKTOP, images=desktop_image().folder.parent)
        stack.callback(gateway.stop)
        server = SoundServer()
        stack.callback(server.close)
        display = Display(WIDTH, HEIGHT)
        stack.callback(display.stop)
        display.environment |= server.environment
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        client = Client(gateway, display, folder, "desktop")
        stack.callback(client.end)
        [session] = wait_for(gateway.sessions, "a session")
        while not client.pictures():
            time.sleep(0.5)
        machine = stack.enter_context(Machine(session))
        agent = stack.enter_context(Agent(machine.folder))
        agent.run(f"cat > /tmp/guest.py <<'END'\n{GUEST.read_text()}\nEND")
        agent.run(f"setsid {AS_USER} python3 /tmp/guest.py {seconds + calm + 60} >/tmp/guest.log 2>&1 &")
        threads = [
            threading.Thread(target=watch, args=(display, flashes, over)),
            threading.Thread(target=hear, args=(server, clicks, over)),
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: flashes.at and clicks.at, "a flash and a click")
        time.sleep(calm)
        flashes.at.clear()
        clicks.at.clear()
        time.sleep(seconds)
        over.set()
        for thread in threads:
            thread.join()
    late = pairs(flashes.at, clicks.at)
    result: dict[str, Any] = {
        "flashes": len(flashes.at),
        "clicks": len(clicks.at),
        "late_ms": [round(each) for each in late],
        "median_ms": round(statistics.median(late)) if late else None,
        "least_ms": round(min(late, default=0)),
        "most_ms": round(max(late, default=0)),
        "load": Path("/proc/loadavg").read_text().split()[0],
    }
    click.echo(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
