"""A person at a browser, in front of the real gateway."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.e2e.browser import Browser
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import PATIENCE, Machine, wait_for
from tests.e2e.pages import choose, until


class Person:
    """Signed in with a browser of its own, whose window has 1000 × 700 pixels. voice: see `Browser`."""

    def __init__(
        self, gateway: RealGateway, user: str = "ada", kind: str = "chromium", voice: Path | None = None
    ) -> None:
        self.gateway = gateway
        self.user = user
        self.browser = Browser(kind, voice=voice)
        self.browser.viewport(1000, 700)
        self.sign_in()

    def sign_in(self) -> None:
        self.browser.open(self.gateway.url)
        self.browser.type(self.user, "#name")
        self.browser.type(PASSWORD, "#password")
        self.browser.key("Enter")
        self.browser.wait(".cards")

    def list(self) -> None:
        """Go to the list of desktops."""
        self.browser.open(self.gateway.url)
        self.browser.wait(".cards")

    def open(self, desktop: str) -> None:
        """Connect to a desktop, or resume its session, and wait for its picture."""
        self.list()
        self.browser.click(f"[data-key=open-{desktop}]")
        self.picture()

    def picture(self) -> None:
        """Wait until there is a picture and nothing is said over it."""
        self.browser.evaluate(until("document.querySelector('.session.has-picture')"))
        self.browser.evaluate(until("!document.querySelector('.notice')"))

    def notice(self, *keys: str) -> str:
        """The notice's text, once one of these is shown."""
        return self.browser.text(",".join(f"[data-notice={key}]" for key in keys))

    def machine(self) -> Machine:
        """The guest of this person's only session."""
        (folder,) = wait_for(lambda: self.gateway.sessions(self.user), "a session")
        return Machine(folder)

    def end(self) -> None:
        """End the session in view, as people do."""
        choose(self.browser, "More", ".danger")
        self.browser.click("dialog .danger")
        self.browser.wait(".cards")

    def shown(self) -> np.ndarray:
        """What the canvas holds: height × width of 0xRRGGBB."""
        width, height, data = self.browser.canvas()
        pixels = np.frombuffer(data, np.uint8).reshape(height, width, 4).astype(np.uint32)
        return pixels[:, :, 0] << 16 | pixels[:, :, 1] << 8 | pixels[:, :, 2]

    def sees(self, truth) -> np.ndarray:  # type: ignore[no-untyped-def]
        """Wait until the canvas shows exactly what `truth()` says, every pixel; return that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            expected, shown = truth(), self.shown()
            if np.array_equal(expected, shown):
                return shown
            time.sleep(0.1)
        sizes = f"guest {expected.shape[::-1]}, canvas {shown.shape[::-1]}"
        different = np.argwhere(expected != shown) if expected.shape == shown.shape else ()
        raise AssertionError(f"the pictures differ: {sizes}; {len(different)} pixels")

    def stop(self) -> None:
        self.browser.stop()
