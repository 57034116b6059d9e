"""What sound costs, and how far it is from the picture, with a desktop guest, the real gateway and Chromium.

    python -m bench.sound [--seconds 20] [--offset]

Processor time is what the kernel counts for QEMU and the session host. The offset is measured in the page: a
guest's program clicks and flashes at once; when the flash is on the canvas, and when the click leaves for the
sound device, is noted. A device adds its own time, which the browser tells (`outputLatency`).
docs/sound.md says how to read the figures.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import click

from sessions.guests.qemu.process import ProcessId
from sessions.sound.cutting import PIECE_BYTES
from sessions.sound.formats import Opus, Plain, SoundEncoder
from tests.e2e.agent import Agent
from tests.e2e.gateway import RealGateway
from tests.e2e.hearing import hears, hears_something, listen
from tests.e2e.machine import Machine
from tests.e2e.person import Person
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu import sounds
from tests.sessions.sound.tones import tone

DESKTOP = """
[guests.qemu]
accelerator = "tcg"
[desktops.desktop]
title = "Desktop"
kind = "qemu"
start = "boot"
template = "desktop"
groups = ["users"]
"""
CALM = 25
"""Seconds until the browser has found how long sound has to wait for the line."""
GUEST = Path(__file__).with_name("sound_guest.py")
AS_USER = f"{sounds.AS_USER} DISPLAY=:0 XAUTHORITY=/home/user/.Xauthority"

OBSERVE = """(async () => {
    const screen = document.querySelector("canvas.screen");
    const eye = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const samples = new Float32Array(window.ear.fftSize);
    const rate = window.ear.context.sampleRate;
    const flashes = [], clicks = [];
    let wasLight = true;
    const end = performance.now() + SECONDS * 1000;
    while (performance.now() < end) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        eye.drawImage(screen, screen.width / 2, screen.height / 2, 1, 1, 0, 0, 1, 1);
        const isLight = eye.getImageData(0, 0, 1, 1).data[1] > 128;
        if (isLight && !wasLight) flashes.push(now);
        wasLight = isLight;
        window.ear.getFloatTimeDomainData(samples);
        const loud = samples.findIndex((sample) => Math.abs(sample) > 0.1);
        const at = now - (1000 * (samples.length - loud)) / rate;
        if (loud >= 0 && !(at - clicks.at(-1) < 500)) clicks.push(at);
    }
    const { outputLatency, baseLatency } = window.ear.context;
    return { flashes, clicks, device: 1000 * (outputLatency || baseLatency) };
})()"""


def encoding(encoder: SoundEncoder) -> dict[str, float]:
    """Per cent of a core and bytes a second that a format takes."""
    data = tone(440, 20)
    begun, count = time.process_time(), 0
    for at in range(0, len(data), PIECE_BYTES):
        count += len(encoder.encode(data[at : at + PIECE_BYTES]))
    return {"percent": (time.process_time() - begun) / 20 * 100, "bytes": count / 20}


def processor(machine: Machine, host: int, seconds: float) -> dict[str, float]:
    """Per cent of a core that QEMU and the session host take."""
    session_host = ProcessId.of(host)
    if session_host is None:
        raise click.ClickException("the session host has ended")
    there = {"qemu": machine.process, "host": session_host}
    before = {name: process.cpu_seconds() for name, process in there.items()}
    begun = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    return {name: (process.cpu_seconds() - before[name]) / passed * 100 for name, process in there.items()}


def costs(person: Person, agent: Agent, machine: Machine, host: int, seconds: float) -> dict[str, Any]:
    """What silence and a tone cost."""
    time.sleep(20)  # until the desktop has calmed down
    silent = processor(machine, host, seconds)
    agent.run(f"python3 - /tmp/tone.wav 440:{seconds + 30} <<'END'\n{sounds.WRITE}\nEND")
    agent.run(f"setsid {sounds.AS_USER} pw-play /tmp/tone.wav >/dev/null 2>&1 &")
    hears(person.browser, 440)
    playing = processor(machine, host, seconds)
    agent.run("pkill -x pw-play")
    time.sleep(8)
    return {"opus": encoding(Opus()), "pcm": encoding(Plain()), "silent": silent, "playing": playing}


def offsets(person: Person, agent: Agent, seconds: float) -> dict[str, Any]:
    """Milliseconds from each flash to the click that belongs to it."""
    agent.run(f"cat > /tmp/guest.py <<'END'\n{GUEST.read_text()}\nEND")
    agent.run(f"setsid {AS_USER} python3 /tmp/guest.py {seconds + 90} >/tmp/guest.log 2>&1 &")
    hears_something(person.browser)  # the program takes a while to begin
    time.sleep(CALM)
    seen = person.browser.evaluate(OBSERVE.replace("SECONDS", str(seconds)))
    pairs = [
        min((heard - flash for heard in seen["clicks"]), key=abs, default=0.0) for flash in seen["flashes"]
    ]
    late = [pair for pair in pairs if abs(pair) < 900]
    return {
        "pairs": len(late),
        "median_ms": statistics.median(late) if late else None,
        "least_ms": min(late, default=None),
        "most_ms": max(late, default=None),
        "device_ms": seen["device"],
    }


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="That each part takes.")
@click.option("--offset", is_flag=True, help="Only how far sound is from the picture.")
def main(seconds: float, offset: bool) -> None:
    """Measure, and print a JSON table."""
    result: dict[str, Any] = {}
    gateway = RealGateway(DESKTOP, images=desktop_image().folder.parent)
    try:
        person = Person(gateway)
        try:
            person.open("desktop")
            listen(person.browser)
            with person.machine() as machine, Agent(machine.folder) as agent:
                if not offset:
                    result = costs(person, agent, machine, gateway.host_pid, seconds)
                result["offset"] = offsets(person, agent, seconds)
        finally:
            person.stop()
    finally:
        gateway.stop()
    click.echo(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
