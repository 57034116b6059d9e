"""Pictures of the portal's pages, to look at: `python -m tests.e2e.screenshots_portal FOLDER [LANGUAGE …]`.

Sign-in, desktops, the account and what goes wrong; wide and as on a phone; light, dark and with high
contrast; in each language. What hinders people with disabilities is printed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.e2e.browser import Browser
from tests.e2e.office import Office, accessibility, go, sign_in

SIZES = {"wide": (1360, 860), "phone": (380, 800)}
SETTLE = 1.5
"""Seconds until pictures have come."""
LOOKS = (("light", "auto"), ("dark", "auto"), ("light", "contrast"), ("dark", "contrast"))
"""What the system prefers, and what the person chose."""
PAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("desktops", "/", ()),
    ("menu", "/", (".card .card-actions .icon-button",)),
    ("appearance", "/", (".top-right .icon-button",)),
    ("running", "/", ("[data-only=running]",)),
    ("nofit", "/", ("[data-only=favourites]",)),
    ("logoff", "/", (".is-running .card-actions .icon-button", ".menu:popover-open .menu-item")),
    ("gone", "/desktop/nowhere", ()),
    ("nowhere", "/nowhere", ()),
    ("account", "/account", ()),
    ("password", "/account", ("[data-key=password]",)),
    ("factor", "/account", ("[data-key=totp]",)),
    ("sessions", "/admin/sessions", ()),
    ("users", "/admin/users", ()),
    ("hosts", "/admin/desktops", ()),
    ("audit", "/admin/audit", ()),
)


def save(browser: Browser, folder: Path, name: str) -> None:
    for scheme, theme in LOOKS:
        browser.scheme(scheme)
        browser.evaluate(
            f"import(document.querySelector('script[src$=\"app.js\"]').src.replace('app.js', 'theme.js'))"
            f".then(({{ choose }}) => choose('{theme}'))"
        )
        look = scheme if theme == "auto" else f"{scheme}-contrast"
        for each in accessibility(browser):
            print(name, look, each)
        browser.screenshot(folder / f"{name}-{look}.png")
    browser.evaluate("localStorage.removeItem('tsgateway.theme')")


def main(folder: Path, languages: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    office = Office(PORTAL)
    browser = Browser()
    try:
        office.begin("ada", "card")
        office.begin("ada", "design")
        for language in languages:
            browser.open(office.gateway.url)
            browser.evaluate(f"localStorage.setItem('tsgateway.language', '{language}')")
            for size, (width, height) in SIZES.items():
                browser.viewport(width, height)
                browser.open(office.gateway.url)
                browser.wait("#name")
                save(browser, folder, f"signin-{size}-{language}")
                sign_in(browser, office, "ada")
                for name, path, clicks in PAGES:
                    go(browser, office, path)
                    for selector in clicks:
                        browser.click(selector)
                    time.sleep(SETTLE)
                    save(browser, folder, f"{name}-{size}-{language}")
                browser.evaluate(
                    "fetch('/api/v1/logout', {method: 'POST', body: '{}', headers: "
                    "{'Content-Type': 'application/json'}}).then(() => true)"
                )
        office.gateway.kill()
        browser.reload()
        browser.wait(".blank")
        save(browser, folder, "away")
        office.gateway.start()
    finally:
        browser.stop()
        office.stop()


PORTAL = """
[desktops.mail]
title = "Accounting"
description = "The books, and everything that belongs to them"
kind = "testcard"
groups = ["users"]
[desktops.far]
title = "Office PC"
description = "The machine under the desk, through its VNC server"
kind = "rfb"
host = "127.0.0.1"
groups = ["users"]
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["en", "ja"])
