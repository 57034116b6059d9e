"""Real browsers and a stand-in gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.browser import Browser, missing
from tests.e2e.devserver import DevServer, Viewer


@pytest.fixture(scope="module", params=["chromium", pytest.param("firefox", marks=pytest.mark.long)])
def one_browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    if reason := missing(request.param):
        pytest.fail(f"cannot test in {request.param}: {reason}")
    browser = Browser(request.param)
    yield browser
    browser.stop()


@pytest.fixture
def browser(one_browser: Browser) -> Browser:
    """A browser with a window of 1000 × 700 pixels."""
    one_browser.open("about:blank")
    one_browser.viewport(1000, 700)
    return one_browser


@pytest.fixture
def server() -> Iterator[DevServer]:
    made = DevServer()
    yield made
    made.stop()


@pytest.fixture
def attached(browser: Browser, server: DevServer) -> Viewer:
    """The viewer of a session that the browser has opened; nothing has been sent to it yet."""
    server.signed_in = True
    browser.open(server.url)
    browser.click(".card .primary")
    return server.viewer()


@pytest.fixture
def viewer(attached: Viewer) -> Viewer:
    """A viewer that shows a picture of noise."""
    attached.greet()
    attached.painter.random(1)
    attached.show()
    attached.shown(1)
    return attached
