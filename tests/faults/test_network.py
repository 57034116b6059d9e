"""The network is gone for 30 seconds, and nobody is told: a real browser behind a real network."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.e2e.browser import Browser, missing
from tests.e2e.gateway import PASSWORD
from tests.e2e.pages import until
from tests.faults.kept import Kept, kept
from tests.faults.network import HERE, Network, network

DESKTOPS = """
[desktops.card]
title = "Test card"
kind = "testcard"
groups = ["users"]
fps = 0
"""
CUT = 30


@pytest.fixture
def joined() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def gateway(joined: Network) -> Iterator[Kept]:
    with kept(DESKTOPS, listen=HERE) as made:
        yield made


@pytest.fixture
def browser(joined: Network, gateway: Kept) -> Iterator[Browser]:
    if reason := missing("chromium"):
        pytest.fail(f"cannot test in Chromium: {reason}")
    browser = Browser("chromium", inside=joined.inside)
    browser.viewport(1000, 700)
    browser.open(f"https://{HERE}:{gateway.port}")
    browser.type("ada", "#name")
    browser.type(PASSWORD, "#password")
    browser.key("Enter")
    browser.click("[data-key=open-card]")
    browser.evaluate(until("document.querySelector('.session.has-picture')", 60))
    yield browser
    browser.stop()


@pytest.mark.browser
@pytest.mark.slow
def test_a_cut_is_noticed_and_mended(joined: Network, gateway: Kept, browser: Browser) -> None:
    before = browser.canvas()
    begun = time.monotonic()
    joined.cut()
    browser.wait("[data-notice=silent],[data-notice=lost],[data-notice=gone]")
    noticed = time.monotonic() - begun
    assert browser.canvas() == before, "the picture stays"
    time.sleep(max(begun + CUT - time.monotonic(), 0))
    healed = time.monotonic()
    joined.heal()
    browser.evaluate(until("!document.querySelector('.notice')", 60))
    print(f"noticed after {noticed:.1f} s, back after {time.monotonic() - healed:.1f} s")
    for _ in range(120):  # coarse at first, where the machine is busy, and exact a moment later
        if browser.canvas() == before:
            break
        time.sleep(0.5)
    width, height, data = browser.canvas()
    assert (width, height) == before[:2]
    assert np.array_equal(np.frombuffer(data, np.uint8), np.frombuffer(before[2], np.uint8))
    assert len(gateway.sessions("ada")) == 1
