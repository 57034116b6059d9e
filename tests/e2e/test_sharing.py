"""People whom somebody invites: two browsers in one session, through the real gateway and session host."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.e2e.browser import Browser
from tests.e2e.gateway import RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.office import accessibility
from tests.e2e.pages import choose, until, use_toolbar
from tests.e2e.person import Person

pytestmark = pytest.mark.browser

CARD = """
[desktops.card]
title = "Card"
kind = "testcard"
fps = 0
users = ["ada"]
rules = { invitations = "anybody", steering = "one" }
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CARD)
    yield made
    made.stop()


@pytest.fixture
def ada(gateway: RealGateway) -> Iterator[Person]:
    made = Person(gateway)
    yield made
    made.stop()


class Guest(Person):
    """Somebody without an account, with a browser of their own."""

    def sign_in(self) -> None:
        """They do not."""

    def come(self, link: str, name: str) -> None:
        """Follow a link and say who one is."""
        self.browser.open(link)
        self.browser.type(name, "#invitation-name")
        self.browser.click(".invitation-panel [type=submit]")


@pytest.fixture
def bob(gateway: RealGateway) -> Iterator[Guest]:
    made = Guest(gateway)
    yield made
    made.stop()


def invite(ada: Person, *, may: str = "control", ask: bool = False) -> str:
    """Make a link for anybody, in the panel; it stays open."""
    browser = ada.browser
    use_toolbar(browser, "People")
    browser.wait(".invite-form")
    for name, value in (("may", may), ("who", "anybody")):
        browser.evaluate(f"document.querySelector('#invite-{name}').value = '{value}'")
    if not ask:
        browser.click(".invite-form [name=ask]")
    browser.click(".invite-form [type=submit]")
    browser.wait("#invite-link")
    return str(browser.evaluate("document.querySelector('#invite-link').value"))


def pressed(browser: Browser, selector: str) -> None:
    """Press a button of a dialog, which takes nothing in its first moments."""
    browser.wait(selector)
    time.sleep(1)
    browser.click(selector)


def types(person: Person, key: str, *, into: Person) -> None:
    """Press a key, and wait until the guest shows that it has come, to both."""
    before = into.shown()
    person.browser.key(key)
    wait_for(lambda: not np.array_equal(before, into.shown()), "the key to have come")
    wait_for(lambda: np.array_equal(person.shown(), into.shown()), "both to see the same")


def test_a_guest_comes_points_is_handed_control_and_is_sent_away(ada: Person, bob: Guest) -> None:
    ada.open("card")
    link = invite(ada)
    assert accessibility(ada.browser) == []
    bob.browser.open(link)
    bob.browser.wait("#invitation-name")
    assert "#" not in bob.browser.address, "nobody reads the secret in the address"
    assert bob.browser.text("h1") == "ada invites you"
    assert accessibility(bob.browser) == []
    bob.browser.type("Bob", "#invitation-name")
    bob.browser.key("Enter")
    bob.picture()
    ada.browser.wait(".company .person")
    assert ada.browser.text(".person-row:has(.is-hue-0, .person) b") == "ada (you)"

    # where the others point
    spot = ada.browser.evaluate(
        "(({left, top, width, height}) => [left + width / 3, top + height / 2])"
        "(document.querySelector('canvas.screen').getBoundingClientRect())"
    )
    bob.browser.move(*spot, steps=3)
    ada.browser.wait(".pointer")
    assert ada.browser.text(".pointer") == "Bob (guest)"
    near = (
        "(() => { const at = document.querySelector('.pointer').getBoundingClientRect();"
        f" return Math.abs(at.left - {spot[0]}) < 6 && Math.abs(at.top - {spot[1]}) < 6; }})()"
    )
    ada.browser.evaluate(until(near))

    # control is the person's until they hand it over
    before = ada.shown()
    bob.browser.key("x")
    use_toolbar(ada.browser, "People")  # closes it: the keyboard is the guest's again
    types(ada, "a", into=bob)
    assert bob.browser.text(".mark p") == "You see ada’s session"
    assert bob.browser.text(".mark .button") == "Ask for control"
    bob.browser.click(".mark .button")
    pressed(ada.browser, ".asking .primary")
    ada.browser.evaluate(until("document.querySelector('.mark p')?.textContent === 'Bob (guest) controls'"))
    types(bob, "b", into=ada)
    now = ada.shown()
    ada.browser.key("c")
    types(bob, "d", into=ada)
    assert not np.array_equal(before, now)
    ada.browser.click(".mark .button")
    bob.browser.evaluate(until("document.querySelector('.mark').textContent.includes('Ask for control')"))
    types(ada, "e", into=bob)

    # a page that is loaded anew is no second use, and a revoked one leads nowhere
    bob.browser.reload()
    bob.browser.click(".invitation-panel [type=submit]")
    bob.picture()
    use_toolbar(ada.browser, "People")
    ada.browser.evaluate(until("document.querySelector('.invite .lines .button')"))
    ada.browser.evaluate(
        "document.querySelector('.invite .lines .button').scrollIntoView({ block: 'center' })"
    )
    ada.browser.click(".invite .lines .button")
    assert "taken back" in bob.notice("shadowover")
    assert bob.browser.evaluate("[...document.querySelectorAll('.notice .button')].length") == 1
    ada.browser.wait(".company", gone=True)
    bob.browser.reload()
    bob.browser.evaluate(
        until("document.querySelector('h1')?.textContent === 'This invitation does not open anything'")
    )
    ada.browser.key("Escape")
    ada.end()


def test_the_person_is_asked_and_says_no(ada: Person, bob: Guest) -> None:
    ada.open("card")
    bob.come(invite(ada, may="watch", ask=True), "Bob")
    assert "ada is asked to allow it" in bob.notice("asking")
    assert ada.browser.text(".asking h2") == "Bob (guest) wants to see your screen"
    time.sleep(1)
    ada.browser.key("Escape")
    assert "ada does not allow it" in bob.notice("shadowover")
    ada.browser.key("Escape")
    ada.end()


@pytest.mark.long
def test_a_guest_comes_with_firefox(ada: Person, gateway: RealGateway) -> None:
    ada.open("card")
    bob = Guest(gateway, kind="firefox")
    try:
        bob.come(invite(ada), "Bob")
        bob.picture()
        bob.browser.move(300, 300, steps=3)
        assert ada.browser.text(".pointer") == "Bob (guest)"
        use_toolbar(ada.browser, "People")
        bob.browser.click(".mark .button")
        pressed(ada.browser, ".asking .primary")
        types(bob, "b", into=ada)
        assert accessibility(bob.browser) == []
    finally:
        bob.stop()
    ada.end()


WATCH = """(() => {
    const screen = document.querySelector("canvas.screen");
    const copy = new OffscreenCanvas(32, 32).getContext("2d", { willReadFrequently: true });
    window.seen = { looks: 0, black: 0, bright: 0 };
    const look = () => {
        if (!screen.isConnected) return;
        copy.drawImage(screen, 0, 0, 32, 32);
        const { data } = copy.getImageData(0, 0, 32, 32);
        window.seen.looks += 1;
        if (data.every((value, at) => at % 4 === 3 || value === 0)) window.seen.black += 1;
        const isOver = document.querySelector(".notice") === null;
        if (!isOver && !document.querySelector(".session.is-dimmed")) window.seen.bright += 1;
        requestAnimationFrame(look);
    };
    look();
    return true;
})()"""


def test_the_screen_is_never_black_after_a_cut_and_says_why_it_is_dim(ada: Person) -> None:
    ada.open("card")
    before = ada.shown()
    browser = ada.browser
    browser.evaluate(WATCH)
    for _ in range(2):
        browser.offline(True)
        assert "This device is offline" in ada.notice("offline")
        assert browser.evaluate("document.querySelector('.session.is-dimmed') !== null")
        browser.offline(False)
        ada.picture()
    wait_for(lambda: np.array_equal(before, ada.shown()), "the picture to be as it was")
    seen = browser.evaluate("window.seen")
    assert seen["looks"] > 10
    assert (seen["black"], seen["bright"]) == (0, 0)
    browser.reload()
    ada.picture()
    types(ada, "a", into=ada)
    ada.end()


OUTLINED = """(() => {
    const canvas = document.querySelector("canvas.regions");
    window.outlined = 0;
    window.looking = setInterval(() => {
        if (!canvas.width) return;
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        if (data.some((value, at) => at % 4 === 3 && value)) window.outlined += 1;
    }, 20);
    return true;
})()"""


def test_the_overlay_tells_how_good_the_line_is_and_outlines_what_changes(ada: Person) -> None:
    ada.open("card")
    browser = ada.browser
    choose(browser, "More", "button:first-of-type")
    browser.wait(".quality b")
    assert browser.text(".quality b") in ("Excellent", "Good", "Fair", "Poor")
    browser.click(".outlining input")
    browser.evaluate(OUTLINED)
    browser.click(".stage")
    browser.key("a")
    browser.evaluate(until("window.outlined > 0"))
    browser.evaluate(until("document.querySelector('.split-verdict').textContent.length > 0"))
    assert accessibility(browser) == []
    browser.evaluate("clearInterval(window.looking)")
    ada.end()
