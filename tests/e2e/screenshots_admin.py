"""Pictures of the pages for administrators, to look at: `python -m tests.e2e.screenshots_admin FOLDER`.

Every page and dialog, empty lists and what goes wrong; wide and as on a phone, light and dark. What hinders
people with disabilities is printed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.e2e.browser import Browser
from tests.e2e.office import Office, accessibility, go, sign_in

SIZES = {"wide": (1360, 860), "phone": (390, 844)}
SETTLE = 1.0
"""Seconds until pictures have come."""
DIALOGS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    # page: (name, where, what is clicked one after the other)
    "/admin/users": (
        ("user", "", (".table tbody .is-name",)),
        ("user-new", "", (".admin-actions .primary",)),
        ("user-edit", "", (".table tbody .is-name", "[data-key=edit]")),
        ("user-password", "", (".table tbody .is-name", "[data-key=password]")),
        ("user-delete", "", (".table tbody .is-name", "[data-key=delete]")),
        ("role-give", "", (".table tbody .is-name", "[data-key=give]")),
        ("groups", "", (".ways .button:nth-child(2)",)),
        ("group-new", "", (".ways .button:nth-child(2)", ".admin-actions .primary")),
    ),
    "/admin/desktops": (
        ("host", "", (".is-set .button",)),
        ("gateway", "", (".block .part-head .button",)),
    ),
    "/admin/audit": (
        ("record", "", (".table tbody .is-time",)),
        ("verified", "", (".admin-actions button",)),
    ),
    "/account": (
        ("password", "", ("[data-key=password]",)),
        ("factor", "", ("[data-key=totp]",)),
        ("token", "", ("[data-key=token]",)),
    ),
    "/admin/sessions": (
        ("session", "", (".table tbody .is-user",)),
        ("message", "", (".table tbody .is-user", "[data-act=message]")),
        ("reset", "", (".table tbody .is-user", "[data-act=reset]")),
        ("processes", "", (".table tbody .is-user", "[data-act=processes]")),
        ("screens", "", (".ways .button:nth-child(2)",)),
        ("chosen", "", ("tbody tr:nth-child(1) .is-box", "tbody tr:nth-child(2) .is-box")),
        ("none", "?text=nobody", ()),
    ),
}


def save(browser: Browser, folder: Path, name: str) -> None:
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        for each in accessibility(browser):
            print(name, scheme, each)
        browser.screenshot(folder / f"{name}-{scheme}.png")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    office = Office()
    browser = Browser()
    try:
        sign_in(browser, office, "ada")
        for size, (width, height) in SIZES.items():
            browser.viewport(width, height)
            for page, dialogs in DIALOGS.items():
                for name, where, clicks in (("", "", ()), *dialogs):
                    go(browser, office, page + where)
                    for selector in clicks:
                        browser.click(selector)
                    time.sleep(SETTLE)
                    save(browser, folder, "-".join(filter(None, (page.rpartition("/")[2], name, size))))
        office.gateway.kill()
        time.sleep(SETTLE)
        save(browser, folder, "away")
        office.gateway.start()
    finally:
        browser.stop()
        office.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
