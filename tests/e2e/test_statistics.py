"""What is slow is seen in the browser: the statistics panel and typed keys, before the real gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.pages import choose, until
from tests.e2e.person import Person
from tests.sessions.displays.xvnc import Xvnc

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONFIGURATION = """
[desktops.card]
title = "Still card"
kind = "testcard"
fps = 0
groups = ["users"]
[desktops.office]
title = "Office PC"
kind = "rfb"
socket = "{office}/vnc"
password_file = "{office}/password"
groups = ["users"]
"""
PASSWORD = "secret99"
SLOW_ECHO = """stty raw -echo; while c=$(dd bs=1 count=1 2>/dev/null); do sleep 0.3; printf '%s' "$c"; done"""
VERDICT = "document.querySelector('.split-verdict').textContent"
STATISTICS = ".menu-item:has([href$='#pulse'])"
ROWS = """[...document.querySelectorAll('.split tbody tr')]
    .map((row) => [...row.children].map((cell) => cell.innerText))"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xvnc]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "password").write_text(f"{PASSWORD}\n")
    xvnc = Xvnc(folder, (800, 600), PASSWORD)
    yield xvnc
    xvnc.stop()


@pytest.fixture(scope="module")
def gateway(office: Xvnc) -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION.format(office=Path(office.socket).parent))
    yield made
    made.stop()


@pytest.fixture
def person(gateway: RealGateway) -> Iterator[Person]:
    made = Person(gateway)
    yield made
    made.stop()


def measured(gateway: RealGateway, desktop: str) -> dict[str, dict[str, Any]]:
    """What the command line tells of a desktop's session, stage by stage."""
    sessions = json.loads(gateway.run("admin", "query", "session", "--json"))
    [session] = [info["id"] for info in sessions if info["desktop"] == desktop]
    told = json.loads(gateway.run("admin", "session", "stats", "--json", session))
    stages: dict[str, dict[str, Any]] = told["stages"]
    return stages


def type_keys(person: Person, text: str) -> None:
    for character in text:
        person.browser.key(character)
        time.sleep(0.05)


def test_typed_keys_show_where_their_time_goes(gateway: RealGateway, person: Person) -> None:
    browser = person.browser
    person.open("card")
    choose(browser, "More", STATISTICS)
    browser.wait(".split-verdict")
    assert browser.evaluate(
        until("document.querySelector('.split-verdict').textContent.startsWith('Type or click')")
    )
    type_keys(person, "where does it go")
    browser.evaluate(until("document.querySelectorAll('.split-part').length > 1"))
    rows = {name: [p50, p95, share] for name, p50, p95, share in browser.evaluate(ROWS)}
    assert {"Guest", "Encoding", "Network", "This device"} <= set(rows)
    assert all(p50.endswith(" ms") for p50, _, _ in rows.values())
    shares = [int(share.removesuffix(" %")) for *_, share in rows.values()]
    assert sum(shares) == pytest.approx(100, abs=len(shares))
    total = float(
        browser.evaluate("document.querySelector('.split-total b').textContent").removesuffix(" ms")
    )
    assert 0 < total < 5000
    assert browser.evaluate("document.querySelector('.split-verdict').textContent").endswith(".")
    stages = measured(gateway, "card")
    assert stages["total"]["count"] > 5
    assert stages["guest"]["p50"] < stages["total"]["p50"]  # the card answers at once
    assert stages["client"]["share"] > 0

    choose(browser, "More", STATISTICS)
    assert browser.evaluate("document.querySelector('.statistics').hidden")


def test_a_slow_network_is_named_and_the_panel_outlives_a_cut(gateway: RealGateway, person: Person) -> None:
    browser = person.browser
    person.open("card")
    choose(browser, "More", STATISTICS)
    gateway.line.cut()
    browser.evaluate(until("document.querySelector('.notice')"))
    gateway.line.mend()
    person.picture()
    gateway.line.rate = 1500
    try:
        type_keys(person, "it is the network")
        browser.evaluate(until(f"{VERDICT}.startsWith('The network') || {VERDICT}.startsWith('Waiting')"))
    finally:
        gateway.line.rate = None


def test_a_slow_program_is_told_from_a_slow_network(
    gateway: RealGateway, person: Person, office: Xvnc
) -> None:
    """The terminal's program thinks for 0.3 s about each key."""
    browser = person.browser
    person.open("office")
    office.run("xterm", "-geometry", "60x10+300+100", "-e", "sh", "-c", SLOW_ECHO)
    office.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")
    browser.move(450, 150)
    choose(browser, "More", STATISTICS)
    browser.move(450, 150)
    for character in "slow":
        browser.key(character)
        time.sleep(0.5)
    browser.evaluate(until(f"{VERDICT}.startsWith('The guest takes')"))
    stages = measured(gateway, "office")
    assert stages["guest"]["p95"] >= 0.28
    assert stages["guest"]["share"] > 0.5


def test_a_desktop_that_was_left_is_let_go_of(person: Person) -> None:
    """Somebody goes to and fro all day without the page being loaded anew: nothing of a visit may stay."""
    held = []
    for _ in range(5):
        person.browser.click("[data-key=open-card]")
        person.picture()
        person.browser.evaluate("void setTimeout(() => history.back(), 50)")
        person.browser.wait(".cards")
        held.append(person.browser.held)
    (nodes, listeners), (later_nodes, later_listeners) = held[1], held[-1]
    assert later_nodes <= nodes + 10, held
    assert later_listeners <= listeners, held
