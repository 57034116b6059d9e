"""How long a guest takes to follow the window: `python -m bench.resize [--guest desktop|tiny|testcard]`.

The time goes from the end of the window's resize, as the page hears of it, to the first picture of the new
size on the canvas. Meanwhile every animation frame is looked at: one that is dark all over is a flash.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.gateway import RealGateway
from tests.e2e.person import Person
from tests.images_fixture import desktop_image, tiny_image

CONFIGURATION = """
[guests.qemu]
accelerator = "{accelerator}"
[desktops.tiny]
title = "Tiny guest"
kind = "qemu"
start = "boot"
template = "tiny"
groups = ["users"]
[desktops.desktop]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
groups = ["users"]
[desktops.testcard]
title = "Test card"
kind = "testcard"
fps = 10
groups = ["users"]
"""
SIZES = [(1280, 800), (1000, 700), (1440, 900), (1100, 640), (1600, 900), (900, 600)]
PATIENCE = 20_000
"""Milliseconds until a size counts as not followed."""

# Resolves with what was seen from the last `resize` on.
WATCH = """(width, height, patience) => new Promise((done) => {
    const shown = document.querySelector("canvas.screen");
    const small = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
    const context = small.getContext("2d", { willReadFrequently: true });
    const begun = performance.now();
    let ended = begun;
    let dark = 0;
    let seen = 0;
    const heard = () => { ended = performance.now(); };
    addEventListener("resize", heard);
    const look = () => {
        const now = performance.now();
        context.fillStyle = "#000";
        context.fillRect(0, 0, 16, 16);
        context.drawImage(shown, 0, 0, 16, 16);
        const { data } = context.getImageData(0, 0, 16, 16);
        let most = 0;
        for (let at = 0; at < data.length; at += 4)
            most = Math.max(most, data[at], data[at + 1], data[at + 2]);
        seen += 1;
        if (most < 16) dark += 1;
        const isThere = shown.width === width && shown.height === height;
        if ((isThere && most >= 16) || now - begun > patience) {
            removeEventListener("resize", heard);
            done({ time: isThere ? now - ended : null, dark, seen });
        } else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""


def measure(person: Person, size: tuple[int, int]) -> dict[str, float | None]:
    """Resize the window; return {time in ms or None, dark: frames, seen: frames}."""
    browser = person.browser
    browser.evaluate(f"window.seen = ({WATCH})({size[0]}, {size[1]}, {PATIENCE}); true")
    browser.viewport(*size)
    return dict(browser.evaluate("window.seen"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.resize", description=__doc__)
    parser.add_argument("--guest", choices=["tiny", "desktop", "testcard"], default="desktop")
    parser.add_argument("--times", type=int, default=12)
    parser.add_argument("--accelerator", default="tcg")
    options = parser.parse_args(arguments)
    images: Path = (desktop_image() if options.guest == "desktop" else tiny_image()).folder.parent
    gateway = RealGateway(
        CONFIGURATION.format(accelerator=options.accelerator), images=images, warm=options.guest == "desktop"
    )
    try:
        person = Person(gateway)
        try:
            person.open(options.guest)
            found = [measure(person, SIZES[number % len(SIZES)]) for number in range(options.times)]
        finally:
            person.stop()
    finally:
        gateway.stop()
    times = sorted(each["time"] for each in found if each["time"] is not None)
    print(json.dumps(found))
    dark, seen = (sum(each[key] or 0 for each in found) for key in ("dark", "seen"))
    print(
        f"{options.guest}: {len(times)} of {len(found)} followed; "
        f"least {times[0]:.0f} ms, middle {statistics.median(times):.0f} ms, most {times[-1]:.0f} ms; "
        f"dark frames {dark:.0f} of {seen:.0f}"
    )


if __name__ == "__main__":
    main()
