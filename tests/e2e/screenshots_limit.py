"""Take the pictures of docs/sessions.md anew: `python -m tests.e2e.screenshots_limit`."""

from __future__ import annotations

import time

from tests.e2e.gateway import RealGateway
from tests.e2e.person import Person
from tests.e2e.screenshots import save

CONFIGURATION = """
[desktops.card]
title = "Test card"
kind = "testcard"
fps = 0
groups = ["users"]
rules = { idle_minutes = 3, warn_seconds = 80 }
"""


def main() -> None:
    gateway = RealGateway(CONFIGURATION)
    person = Person(gateway)
    try:
        browser = person.browser
        browser.viewport(1280, 800)
        person.open("card")
        browser.type("Out for lunch.")
        browser.evaluate("""new Promise((go) => {
            const look = () => (document.querySelector('.announcement') ? go(true) : setTimeout(look, 200));
            look();
        })""")
        time.sleep(20)
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            browser.scheme(scheme)
            time.sleep(1)
            save(person, f"limit{suffix}")
    finally:
        person.stop()
        gateway.stop()


if __name__ == "__main__":
    main()
