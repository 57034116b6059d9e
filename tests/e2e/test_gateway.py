"""From the browser through the real gateway and session host to a test card, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from tests.e2e.browser import Browser
from tests.e2e.gateway import MOVING, STILL, RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pages import choose, until, use_toolbar

pytestmark = pytest.mark.browser

DESKTOPS = f"""{STILL}{MOVING}
[desktops.secret]
title = "Somebody else's"
kind = "testcard"
users = ["bob"]
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS)
    yield made
    made.stop()


@pytest.fixture
def signed_in(browser: Browser, gateway: RealGateway) -> Browser:
    browser.open(gateway.url)
    browser.evaluate(until("document.querySelector('#name, .card')"))
    if not browser.evaluate("document.querySelector('.card') !== null"):
        browser.type("ada", "#name")
        browser.type("correct horse", "#password")
        browser.key("Enter")
    browser.wait(".card")
    return browser


def open_desktop(browser: Browser, name: str) -> None:
    browser.click(f"[data-key=open-{name}]")
    browser.evaluate(until("document.querySelector('.session.has-picture')"))
    browser.wait(".notice", gone=True)


def settle(browser: Browser, expected: np.ndarray, rows: slice) -> None:
    """Wait until these rows of the screen are what the card has there."""

    def is_there() -> bool:
        width, height, data = browser.canvas()
        if (height, width) != expected.shape:
            return False
        pixels = np.frombuffer(data, np.uint8).reshape(height, width, 4).astype(np.uint32)
        shown = pixels[:, :, 0] << 16 | pixels[:, :, 1] << 8 | pixels[:, :, 2]
        return np.array_equal(shown[rows], expected[rows] & 0xFFFFFF)

    wait_for(is_there, f"the card of {expected.shape}")


def test_picture_input_size_and_end(signed_in: Browser) -> None:
    browser = signed_in
    assert "Somebody" not in browser.text(".cards")
    open_desktop(browser, "still")
    card = testcard.frame(0, Size(1000, 700))
    settle(browser, card, slice(None))

    browser.type("hello")
    panel = testcard.Layout(Size(1000, 700)).text
    settle(browser, card, slice(0, panel.y))
    wait_for(lambda: something_is_written(browser, panel.x, panel.y), "what is typed appears")

    browser.viewport(900, 600)
    settle(browser, testcard.frame(0, Size(900, 600)), slice(0, testcard.Layout(Size(900, 600)).text.y))

    choose(browser, "More", ".danger")
    browser.click("dialog .danger")
    browser.wait("[data-key=open-still]")
    browser.evaluate(until("document.querySelector('[data-key=open-still]').innerText === 'Connect'"))


def something_is_written(browser: Browser, x: int, y: int) -> bool:
    """Whether there are letters in the text panel, right of where the first one stands."""
    width, height, data = browser.canvas()
    pixels = np.frombuffer(data, np.uint8).reshape(height, width, 4)
    return bool((pixels[y:, x + 40 : x + 400, :3].min(axis=2) > 0xA0).any())


def test_moving_picture_goes_on_and_session_outlives_the_page(signed_in: Browser) -> None:
    browser = signed_in
    open_desktop(browser, "moving")
    first = browser.canvas()
    wait_for(lambda: browser.canvas() != first, "the picture moves")
    browser.reload()
    browser.evaluate(until("document.querySelector('.session.has-picture')"))
    use_toolbar(browser, "Disconnect")
    browser.click("[data-key=more-moving]")
    browser.click(".menu:popover-open .danger")
    browser.click("dialog .danger")
    browser.evaluate(until("document.querySelector('[data-key=open-moving]').innerText === 'Connect'"))


def test_nothing_is_complained_of(signed_in: Browser) -> None:
    """Real content policy, real certificate: the console stays clean of refusals."""
    assert [line for line in signed_in.log if "Content-Security-Policy" in line or "violates" in line] == []
