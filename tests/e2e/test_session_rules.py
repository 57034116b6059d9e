"""The rules of sessions as people meet them: in a browser, through the real gateway and session host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pages import until, use_toolbar
from tests.e2e.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESKTOPS = """
[desktops.brief]
title = "Brief card"
kind = "testcard"
fps = 0
users = ["ada"]
rules = { idle_minutes = 0.1, warn_seconds = 3 }
[desktops.alone]
title = "Card for one"
kind = "testcard"
fps = 0
users = ["ada"]
rules.second = "refuse"
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS)
    yield made
    made.stop()


@pytest.fixture
def people(gateway: RealGateway) -> Iterator[list[Person]]:
    """Ada, twice: at her desk and somewhere else."""
    made: list[Person] = []
    try:
        made += [Person(gateway), Person(gateway)]
        yield made
    finally:
        for person in made:
            person.stop()


def test_who_is_away_is_warned_stays_and_is_disconnected_and_comes_back(people: list[Person]) -> None:
    ada, _ = people
    browser = ada.browser
    ada.open("brief")
    before = ada.shown()
    assert "You will be disconnected." in browser.text(".announcement")
    browser.click(".announcement .primary")
    browser.wait(".announcement", gone=True)
    assert "You will be disconnected." in browser.text(".announcement")
    browser.key("a")  # any input will do
    browser.wait(".announcement", gone=True)
    said = ada.notice("disconnected")
    assert "because it was not used for 6 seconds" in said
    browser.click(".notice .primary")
    ada.picture()
    assert (ada.shown()[:40] == before[:40]).all()
    ada.end()


def test_a_session_for_one_is_refused_while_it_is_in_use(people: list[Person]) -> None:
    desk, elsewhere = people
    desk.open("alone")
    elsewhere.browser.click("[data-key=open-alone]")
    assert "in use in another place: by ada" in elsewhere.notice("inuse")
    use_toolbar(desk.browser, "Disconnect")
    desk.browser.wait(".cards")
    wait_for(lambda: "Disconnected" in desk.browser.text(".cards"), "the session to be free")
    elsewhere.browser.click(".notice .primary")
    elsewhere.picture()
    # From the list one can free it, too, without being where it is in use.
    desk.list()
    desk.browser.evaluate(until("document.querySelector('.cards').innerText.includes('1 viewer')"))
    desk.browser.click("[data-key=more-alone]")
    desk.browser.click(".menu:popover-open .menu-item")
    assert "You have disconnected this session." in elsewhere.notice("disconnected")
    desk.open("alone")
