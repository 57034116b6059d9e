"""Pictures of what opens over a session: `python -m tests.e2e.screenshots_session FOLDER [LANGUAGE …]`.

To look at: the panels and menus of a real desktop's session, wide and as on a phone, light, dark and with
high contrast, in each language. What hinders people with disabilities is printed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.e2e.browser import Browser
from tests.e2e.gateway import RealGateway
from tests.e2e.office import accessibility
from tests.e2e.person import Person
from tests.images_fixture import desktop_image

CONFIGURATION = """
[desktops.desktop]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
groups = ["users"]
"""
SIZES = {"wide": (1280, 800), "phone": (380, 800)}
LOOKS = (("light", "auto"), ("dark", "auto"), ("dark", "contrast"))
ACTS_AT_ONCE = ("full", "full-off", "pin", "unplug")
"""Icons of buttons that open nothing."""
SETTLE = 1.0
"""Seconds until what was opened stands."""


ICONS = """[...document.querySelectorAll(".toolbar-bar button:not(.menu button) use")]
    .map((use) => use.getAttribute("href").split("#")[1])"""
OPEN = """(() => {
    const button = document.querySelector(".toolbar-bar button:not(.menu button):has(use[href$='#ICON'])");
    if (!button?.checkVisibility()) return false;
    button.click();
    return true;
})()"""


def main() -> None:
    """Take all of them."""
    folder, languages = Path(sys.argv[1]), sys.argv[2:] or ["en", "ja"]
    folder.mkdir(parents=True, exist_ok=True)
    gateway = RealGateway(CONFIGURATION, images=desktop_image().folder.parent, warm=True)
    person = Person(gateway)
    browser = person.browser
    try:
        person.open("desktop")
        for language in languages:
            for scheme, theme in LOOKS:
                browser.evaluate(
                    f"localStorage.setItem('tsgateway.theme', '{theme}'),"
                    f"localStorage.setItem('tsgateway.language', '{language}'), true"
                )
                browser.scheme(scheme)
                for size, (width, height) in SIZES.items():
                    browser.viewport(width, height)
                    browser.reload()
                    browser.wait(".has-picture")
                    look_at_each(browser, folder, f"{size}-{language}-{scheme}-{theme}", width)
    finally:
        person.stop()
        gateway.stop()


def look_at_each(browser: Browser, folder: Path, name: str, width: int) -> None:
    """Press each button of the toolbar, one after the other."""
    time.sleep(3)
    browser.move(width / 2, 1)
    time.sleep(SETTLE)
    browser.screenshot(folder / f"0-toolbar-{name}.png")
    for icon in browser.evaluate(ICONS):
        if icon in ACTS_AT_ONCE:
            continue
        browser.move(width / 2, 1)
        time.sleep(0.3)
        if not browser.evaluate(OPEN.replace("ICON", icon)):  # a narrow bar has it in a menu
            continue
        time.sleep(SETTLE)
        browser.screenshot(folder / f"{icon}-{name}.png")
        print(f"{icon}-{name}.png", accessibility(browser) or "")
        browser.key("Escape")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
