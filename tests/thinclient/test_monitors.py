"""Full screen over two monitors: the real window, on a display whose screen is divided in two."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from tests.e2e.gateway import PASSWORD, STILL, RealGateway
from tests.e2e.machine import wait_for
from tests.thinclient.display import Display
from tests.thinclient.program import Program, as_ada
from tests.tsgateway.client.test_viewer import pin
from tsgateway.client import Client, signed_in

pytestmark = pytest.mark.slow

WHOLE, LEFT, RIGHT = Size(1200, 768), Size(700, 768), Size(500, 600)
POINTER = np.s_[240:360, 940:1060]
"""Where the test points, and the card draws that."""


class Desk:
    """A display with two monitors; the second one can be pulled out."""

    def __init__(self) -> None:
        self.display = Display(*WHOLE)
        self._monitor("left", LEFT, 0, "screen")
        self.plug()

    def plug(self) -> None:
        self._monitor("right", RIGHT, LEFT.width, "none")

    def unplug(self) -> None:
        self._randr("--delmonitor", "right")

    def _monitor(self, name: str, size: Size, x: int, output: str) -> None:
        self._randr("--setmonitor", name, f"{size.width}/300x{size.height}/200+{x}+0", output)

    def _randr(self, *words: str) -> None:
        subprocess.run(
            ["xrandr", *words], env=self.display.environment, check=True, timeout=60, capture_output=True
        )


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(STILL, users=["ada"])
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gateway(real: RealGateway) -> Iterator[Client]:
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as client:
        yield client


@pytest.fixture(params=["1;1", "1;2"], ids=["alike", "dense"])
def desk(gateway: Client, request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk()
    made.display.environment["QT_SCREEN_SCALE_FACTORS"] = request.param
    yield made
    made.display.stop()
    for each in gateway.list_sessions()["sessions"]:
        gateway.reset_session(each["id"])


def is_black(seen: np.ndarray) -> bool:
    """Whether the right half of the right monitor shows nothing."""
    return not seen[: RIGHT.height, LEFT.width + RIGHT.width // 2 :].any()


def card(size: Size, text: str = "") -> np.ndarray:
    made, layout = testcard.frame(0, size), testcard.Layout(size)
    made[layout.text.part] = testcard.paragraph(text, layout)
    return made & 0xFFFFFF


def spans_both(seen: np.ndarray, text: str = "") -> bool:
    """Whether both monitors show one card, each its part of it."""
    whole, seen = card(Size(LEFT.width + RIGHT.width, LEFT.height), text), seen.copy()
    whole[POINTER], seen[POINTER] = 0, 0
    left = np.array_equal(seen[:, : LEFT.width], whole[:, : LEFT.width])
    return left and np.array_equal(seen[: RIGHT.height, LEFT.width :], whole[: RIGHT.height, LEFT.width :])


def fills_left(seen: np.ndarray, text: str = "") -> bool:
    """Whether the left monitor has a card of its own."""
    return np.array_equal(seen[:, : LEFT.width], card(LEFT, text))


def test_one_desktop_over_two_monitors_which_come_and_go(
    real: RealGateway, desk: Desk, tmp_path: Path
) -> None:
    display = desk.display
    with Program(
        display, tmp_path / "own", f"{real.url}/", "still", "--monitors", "all", *as_ada(real)
    ) as program:
        wait_for(lambda: spans_both(display.screen()), "one card on both")
        display.wait_for_window("Still card")
        display.wait_for_grab()
        display.do("mousemove", "1000", "300", "click", "1")  # the keyboard stays where it is
        display.press("alt+F4", "super+d", "alt+Escape")  # the window manager's, who has to do without
        display.type("both")
        desk.unplug()
        wait_for(lambda: fills_left(display.screen(), "DBOTH\n"), "a card on one")
        desk.plug()
        wait_for(lambda: spans_both(display.screen(), "DBOTH\n"), "a card on both again")
        display.press("F11")
        wait_for(lambda: not spans_both(display.screen(), "DBOTH\n"), "a window again")
        display.press("alt+F4")
        assert program.process.wait(30) == 0


def test_what_was_shown_on_the_others_goes_with_the_desktop(
    real: RealGateway, gateway: Client, desk: Desk, tmp_path: Path
) -> None:
    display = desk.display
    with Program(display, tmp_path / "own", real.url, "--monitors", "1,2", *as_ada(real)) as program:
        display.wait_for_window("Your desktops")
        display.press("space")
        wait_for(lambda: spans_both(display.screen()), "one card on both")
        [session] = gateway.list_sessions()["sessions"]
        gateway.reset_session(session["id"])
        display.wait_for_window("Still card")
        wait_for(lambda: not spans_both(display.screen()), "a word about the end")
        display.press("shift+Tab", "space")  # Close
        display.wait_for_window("Your desktops")
        wait_for(lambda: is_black(display.screen()), "nothing on the other monitor")
        display.press("alt+F4")
        assert program.process.wait(30) == 0
