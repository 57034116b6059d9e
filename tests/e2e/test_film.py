"""A film in a still desktop, from a VNC server through the real gateway into real browsers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sessions.pixels.geometry import Rect, Size
from tests.e2e.cinema import Cinema
from tests.e2e.gateway import RealGateway
from tests.e2e.pages import choose, until
from tests.e2e.person import Person
from tests.tsgateway.client.test_video import bgr, psnr

pytestmark = pytest.mark.browser

PLAYER = Rect(101, 83, 641, 361)
STATISTICS = "document.querySelector('.statistics-figures').innerText"
IS_VIDEO = f"/video H\\.264 [0-9]+×[0-9]+, [1-9]/.test({STATISTICS})"
CONFIGURATION = """
[desktops.cinema]
title = "Cinema"
kind = "rfb"
socket = "{folder}/cinema"
groups = ["users"]
"""


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    made = Cinema(tmp_path_factory.mktemp("film") / "cinema", Size(1000, 700), PLAYER)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gateway(cinema: Cinema) -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION.format(folder=cinema.path.parent))
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def ada(request: pytest.FixtureRequest, gateway: RealGateway) -> Iterator[Person]:
    person = Person(gateway, "ada", request.param)
    yield person
    person.stop()


@pytest.fixture
def watching(ada: Person, cinema: Cinema) -> Iterator[Person]:
    """Ada, who sees the film as a video, and the statistics."""
    ada.open("cinema")
    ada.sees(lambda: cinema.pixels)
    choose(ada.browser, "More", "[role=menuitem]")
    cinema.playing.set()
    ada.browser.evaluate(until(IS_VIDEO))
    yield ada
    cinema.playing.clear()


def test_a_film_plays_and_is_exact_when_it_stops(watching: Person, cinema: Cinema) -> None:
    around = np.ones(cinema.pixels.shape, bool)
    around[PLAYER.part] = False
    for _ in range(3):
        first = cinema.shown
        seen = watching.shown()
        assert np.array_equal(seen[around], cinema.pixels[around]), "what stands still stays exact"
        lately = [cinema.picture(number) for number in range(max(0, first - 15), cinema.shown)]
        film = bgr(seen[PLAYER.part])
        assert max(psnr(film, bgr(picture)) for picture in lately) > 33
    cinema.playing.clear()
    watching.sees(lambda: cinema.pixels)
    watching.browser.evaluate(until(f"!{STATISTICS}.includes('video')"))


def test_a_film_goes_on_after_the_line_was_cut(watching: Person, cinema: Cinema) -> None:
    watching.gateway.line.cut()
    watching.browser.wait("[data-notice=lost],[data-notice=silent]")
    watching.gateway.line.mend()
    watching.picture()
    watching.browser.evaluate(until(IS_VIDEO))
    cinema.playing.clear()
    watching.sees(lambda: cinema.pixels)
