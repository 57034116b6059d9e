"""Take the pictures of docs/shadowing.md anew: `python -m tests.e2e.screenshots_helpers`."""

from __future__ import annotations

import time

from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.person import Person
from tests.e2e.screenshots import save
from tests.e2e.test_helpers import CARD, ask, look_on, session_of

MESSAGE = {
    "title": "Maintenance at noon",
    "text": "The file server is restarted at 12:00.\nSave your work, and close what is open on drive X.",
    "seconds": 600,
}


def main() -> None:
    gateway = RealGateway(CARD.format(name="card", level=1).replace("Card card", "Linux desktop"))
    gateway.run("user", "add", "ruth", "--admin", "--password-stdin", standard_input=f"{PASSWORD}\n")
    ada, ruth = Person(gateway), Person(gateway, "ruth")
    try:
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            for person in (ada, ruth):
                person.browser.viewport(1280, 800)
                person.browser.scheme(scheme)
            ada.open("card")
            session = session_of(ruth, "card")
            ask(ruth, "POST", f"sessions/{session}/message", MESSAGE)
            ada.browser.wait(".asking")
            time.sleep(1)
            save(ada, f"message{suffix}")
            ada.browser.click(".asking .primary")
            look_on(ruth, session, "control")
            ada.browser.wait(".asking")
            time.sleep(1)
            save(ada, f"shadow-asked{suffix}")
            ada.browser.click(".asking .primary")
            ruth.picture()
            time.sleep(4)
            save(ada, f"shadow-mark{suffix}")
            ada.browser.click(".mark .button")
    finally:
        ada.stop()
        ruth.stop()
        gateway.stop()


if __name__ == "__main__":
    main()
