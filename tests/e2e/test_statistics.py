"""What is slow is seen in the browser: the statistics panel and typed keys, before the real gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.pages import choose, until
from tests.e2e.person import Person

pytestmark = pytest.mark.browser

CONFIGURATION = """
[desktops.card]
title = "Still card"
kind = "testcard"
fps = 0
groups = ["users"]
"""
STATISTICS = ".menu-item:has([href$='#pulse'])"
ROWS = """[...document.querySelectorAll('.split tbody tr')]
    .map((row) => [...row.children].map((cell) => cell.innerText))"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION)
    yield made
    made.stop()


@pytest.fixture
def person(gateway: RealGateway) -> Iterator[Person]:
    made = Person(gateway)
    yield made
    made.stop()


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
    stages = json.loads(gateway.run("session", "stats", "--json"))["stages"]
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
        said = "document.querySelector('.split-verdict').textContent"
        browser.evaluate(until(f"{said}.startsWith('The network') || {said}.startsWith('Waiting')"))
    finally:
        gateway.line.rate = None
