"""Take the pictures of docs/images anew: `python -m tests.e2e.screenshots`, after a change of looks."""

from __future__ import annotations

import time

from PIL import Image

from tests.e2e.agent import Agent
from tests.e2e.gateway import ROOT, RealGateway
from tests.e2e.person import Person
from tests.images_fixture import desktop_image

FOLDER = ROOT / "docs/images"
CONFIGURATION = """
[desktops.desktop]
title = "Linux desktop"
description = "A desktop of your own in a virtual machine"
kind = "qemu"
start = "boot"
template = "desktop"
groups = ["users"]
[desktops.office]
title = "Office PC"
description = "The machine under the desk, through its VNC server"
kind = "rfb"
host = "127.0.0.1"
groups = ["users"]
[desktops.testcard]
title = "Test card"
description = "A moving picture without a machine behind it, to try the line"
kind = "testcard"
groups = ["users"]
"""
SETTLE = 25
"""Seconds until a started program has drawn itself, under emulation."""


LARGEST = 400_000


def save(person: Person, name: str) -> None:
    """Save the page as a PNG file, with a palette where it would be too large for a page to read."""
    path = FOLDER / f"{name}.png"
    person.browser.screenshot(path)
    picture = Image.open(path).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        picture.quantize(256).save(path, optimize=True)
    print(path.relative_to(ROOT), path.stat().st_size)


def click(person: Person, x: float, y: float) -> None:
    person.browser.move(x, y)
    person.browser.press()
    person.browser.release()
    time.sleep(SETTLE)


def work(person: Person) -> None:
    """Open a few windows, so that it looks like somebody's desk."""
    click(person, 72, 778)  # the file manager, in the panel
    click(person, 140, 778)  # the terminal, last, for it has more to show
    person.browser.type("uname -sr; free -m; ls -l /")
    person.browser.key("Enter")
    time.sleep(SETTLE)
    person.browser.move(640, 700)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    gateway = RealGateway(CONFIGURATION, images=desktop_image().folder.parent)
    person = Person(gateway)
    try:
        browser = person.browser
        browser.viewport(1280, 800)
        person.open("desktop")
        with Agent(gateway.sessions()[0]) as agent:
            agent.run("true")
        work(person)
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            browser.scheme(scheme)
            person.list()
            browser.wait(".card .shot img:not([hidden])")  # the screen that has just been left
            time.sleep(1)
            save(person, f"desktops{suffix}")
            person.open("desktop")
            browser.move(640, 1)  # the toolbar comes
            time.sleep(1)
            save(person, f"session{suffix}")
        person.list()
        browser.click(".account")
        browser.click(".menu:popover-open .menu-item:last-of-type")
        browser.wait("#password")
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            browser.scheme(scheme)
            browser.reload()
            browser.wait("#password")
            time.sleep(1)
            save(person, f"signin{suffix}")
    finally:
        person.stop()
        gateway.stop()


if __name__ == "__main__":
    main()
