"""Take the picture of docs/latency.md anew: `python -m tests.e2e.screenshots_statistics`.

A terminal whose program thinks for 0.3 s about every key. What the command line says of it is printed.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.e2e.gateway import RealGateway
from tests.e2e.pages import choose
from tests.e2e.person import Person
from tests.e2e.screenshots import save
from tests.e2e.test_statistics import CONFIGURATION, PASSWORD, STATISTICS
from tests.sessions.displays.xvnc import Xvnc

ECHO = """stty raw -echo; printf '\\033[1m$\\033[0m '
while c=$(dd bs=1 count=1 2>/dev/null); do sleep 0.3; printf '%s' "$c"; done"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tsg-") as folder:
        (Path(folder) / "password").write_text(f"{PASSWORD}\n")
        office = Xvnc(Path(folder), (1280, 800), PASSWORD)
        gateway = RealGateway(CONFIGURATION.format(office=folder))
        person = Person(gateway)
        try:
            take(person, office)
            print(gateway.run("admin", "session", "stats"))
        finally:
            person.stop()
            gateway.stop()
            office.stop()


def take(person: Person, office: Xvnc) -> None:
    browser = person.browser
    browser.viewport(1280, 800)
    office.run("xsetroot", "-solid", "#2c3e66")
    office.run("xterm", "-geometry", "72x22+440+90", "-fa", "Mono", "-fs", "12", "-e", "sh", "-c", ECHO)
    office.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")
    person.open("office")
    browser.move(800, 300)
    time.sleep(35)  # until what the start took is no longer counted
    choose(browser, "More", STATISTICS)
    browser.move(800, 300)
    for key in "why is this so slow":
        browser.key("Space" if key == " " else key)
        time.sleep(0.5)
    time.sleep(3)  # the toolbar goes
    for scheme, suffix in (("light", ""), ("dark", "-dark")):
        browser.scheme(scheme)
        time.sleep(1)
        save(person, f"statistics{suffix}")


if __name__ == "__main__":
    main()
