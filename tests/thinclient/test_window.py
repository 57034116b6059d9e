"""The window itself, on a display of its own, in front of the real gateway."""

import asyncio
import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from sessions.wire.tsg import Capability
from tests.e2e.gateway import PASSWORD, STILL, RealGateway
from tests.e2e.machine import Machine, wait_for
from tests.images_fixture import tiny_image
from tests.thinclient.display import Display
from tests.thinclient.program import Program, as_ada
from tests.tsgateway.client.test_viewer import pin
from thinclient.window.theme import LIGHT
from tsgateway.client import Client, signed_in
from tsgateway.client.address import Address
from tsgateway.client.operations import LookTicket
from tsgateway.client.viewer import Conversation, Picture
from tsgateway.client.viewer.line import Line

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

SIZE = Size(1024, 768)
BAD = int(LIGHT.bad_soft[1:], 16)
DESKTOPS = f"""{STILL}
[guests.qemu]
accelerator = "tcg"
[desktops.tiny]
title = "Tiny"
kind = "qemu"
template = "tiny"
users = ["ada"]
"""


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS, users=["ada", "bob"], images=tiny_image().folder.parent)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gateway(real: RealGateway) -> Iterator[Client]:
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_sessions_stay(gateway: Client) -> Iterator[None]:
    yield
    for each in gateway.list_sessions()["sessions"]:
        gateway.reset_session(each["id"])


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    made = Display(*SIZE)
    yield made
    made.stop()


def card() -> np.ndarray:
    return testcard.frame(0, SIZE) & 0xFFFFFF


def shows_card(display: Display, text: str = "") -> bool:
    """Whether the display shows the card with a text on it, and no more, but for the pointer's corner."""
    layout = testcard.Layout(SIZE)
    expected = card()
    expected[layout.text.part] = testcard.paragraph(text, layout) & 0xFFFFFF
    return np.array_equal(display.screen()[:-20, :-20], expected[:-20, :-20])


def test_a_desktop_fills_the_display_takes_keys_and_outlives_the_gateway(
    real: RealGateway, display: Display, tmp_path: Path
) -> None:
    with Program(
        display, tmp_path / "own", f"{real.url}/", "still", "--full-screen", *as_ada(real)
    ) as program:
        wait_for(lambda: shows_card(display), "the card, every pixel")
        display.do("type", "--delay", "20", "Hello, you")
        wait_for(lambda: shows_card(display, "HELLO, YOU"), "what was typed")
        real.kill()
        wait_for(lambda: not shows_card(display, "HELLO, YOU"), "a word about the cut")
        real.start()
        wait_for(lambda: shows_card(display, "HELLO, YOU") or shows_card(display), "the card after the cut")
        display.press("F11")
        wait_for(lambda: not shows_card(display), "a window again")
        display.press("ctrl+alt+Return")
        wait_for(lambda: shows_card(display, "HELLO, YOU") or shows_card(display), "full screen again")
        display.press("F11")
        wait_for(lambda: not shows_card(display), "a window again")
        display.press("alt+F4")
        assert program.process.wait(30) == 0


def test_a_certificate_is_trusted_once_and_another_one_refused(
    real: RealGateway, display: Display, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    with Program(display, own, real.url, password=""):
        display.wait_for_window("Is this your gateway?")
        assert not own.exists()
        display.press("Tab", "space")
        display.wait_for_window("Sign in")
    port = real.url.rpartition(":")[2]
    known = own / "known_gateways"
    assert known.read_text() == f"localhost:{port} {pin(real)}\n"
    known.write_text(f"localhost:{port} {'0' * 64}\n")
    with Program(display, own, real.url, password="") as program:
        display.wait_for_window("Not the certificate that was trusted")
        display.press("Return")
        display.wait_for_window("Which gateway?")
        display.press("alt+F4")
        assert program.process.wait(30) == 0
    forget = [sys.executable, "-m", "thinclient.main", "forget", real.url]
    said = subprocess.run(
        forget,
        env=display.environment | {"TSCLIENT_FOLDER": str(own)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"The certificate of localhost:{port} is forgotten.\n"
    assert known.read_text() == ""


def test_signing_in_by_hand_and_opening_a_desktop(
    real: RealGateway, display: Display, tmp_path: Path
) -> None:
    with Program(
        display, tmp_path / "own", real.url, "--pin", pin(real), "--full-screen", password=""
    ) as program:
        display.wait_for_window("Sign in")
        display.type("ada")
        display.type("wrong")
        wait_for(lambda: BAD in display.screen(), "a refusal")
        display.type(PASSWORD)
        display.wait_for_window("Your desktops")
        display.press("space")
        wait_for(lambda: shows_card(display), "the card")
        display.press("F11")
        display.wait_for_window("Still card")
        display.press("alt+F4")
        display.wait_for_window("Your desktops")
        display.press("alt+F4")
        assert program.process.wait(30) == 0


def test_a_kiosk_opens_its_desktop_again(
    real: RealGateway, gateway: Client, display: Display, tmp_path: Path
) -> None:
    file = tmp_path / "kiosk.tsc"
    file.write_text(
        f'address = "{real.url}/"\ndesktop = "still"\nname = "ada"\nkiosk = true\n'
        f'fingerprint = "{pin(real)}"\n'
    )
    with Program(display, tmp_path / "own", str(file)):
        wait_for(lambda: shows_card(display), "the card")
        display.press("F11", "alt+F4")
        [session] = gateway.list_sessions()["sessions"]
        gateway.reset_session(session["id"])
        wait_for(lambda: not shows_card(display), "a word about the end")
        wait_for(lambda: shows_card(display), "a new one")
        [other] = gateway.list_sessions()["sessions"]
        assert other["id"] != session["id"]


async def look_on(look: LookTicket, real: RealGateway) -> tuple[int, ...]:
    """Look on at a session until there is a picture; return its size."""
    picture, at = Picture(), Address.parse(real.url, fingerprint=pin(real))
    line = await Line.open(at)
    ticket = base64.urlsafe_b64decode(look["ticket"] + "==")
    talk = Conversation(ticket, picture, time.monotonic, capabilities=(Capability.JPEG, Capability.SHADOWS))
    while not picture.pixels.size and talk.over is None:
        line.send(talk.outgoing())
        message = await line.receive()
        talk.receive(message) if message else talk.cut()
    await line.close()
    assert talk.over is None, talk.over
    return picture.pixels.shape


def test_what_administrators_say_and_ask(
    real: RealGateway, gateway: Client, display: Display, tmp_path: Path
) -> None:
    with (
        Program(display, tmp_path / "own", f"{real.url}/", "still", "--full-screen", *as_ada(real)),
        ThreadPoolExecutor(1) as other,
        Client.local(real.folder / "data/api.sock") as administrator,
    ):
        wait_for(lambda: shows_card(display), "the card")
        [session] = gateway.list_sessions()["sessions"]
        told = other.submit(
            administrator.send_message, session["id"], text="Back at noon.", title="Maintenance", wait=True,
            seconds=100,
        )  # fmt: skip
        display.wait_for_window("Maintenance")
        display.press("space", "Return", "Escape")  # typed by somebody who has not seen it yet
        assert not told.done()
        assert "Maintenance" in display.active()
        display.press("Tab", "space")
        assert told.result(60)["answer"] == "ok"
        wait_for(lambda: shows_card(display), "the card and nothing over it")
        administrator.give_role(role="helpdesk", user="bob")
        bob = signed_in(real.url, "bob", PASSWORD, fingerprint=pin(real))
        look = bob.shadow_session(session["id"], consent=True)
        looks = other.submit(asyncio.run, look_on(look, real))
        display.wait_for_window("bob (helpdesk) wants to see your screen")
        display.press("Tab", "Tab", "space")  # Refuse comes first
        assert looks.result(60) == (*reversed(SIZE), 4)
        bob.close()


def test_a_real_guest_is_seen_as_it_is_and_takes_what_is_typed(
    real: RealGateway, display: Display, tmp_path: Path
) -> None:
    words = ("tiny", "--full-screen", "--scale", "actual", *as_ada(real))
    with Program(display, tmp_path / "own", f"{real.url}/", *words):
        wait_for(real.sessions, "a session")
        [folder] = real.sessions()
        with Machine(folder) as machine:

            def same() -> bool:
                truth, seen = machine.screen(), display.screen()
                top, left = ((seen.shape[at] - truth.shape[at]) // 2 for at in (0, 1))
                if min(top, left) < 0:
                    return False
                part = seen[top : top + truth.shape[0], left : left + truth.shape[1]]
                return bool(truth.any()) and np.array_equal(part[:-20, :-20], truth[:-20, :-20])

            wait_for(same, "the guest's picture")
            display.wait_for_grab()
            before = machine.screen()
            display.type("echo typed")
            wait_for(lambda: not np.array_equal(machine.screen(), before), "an echo")
            wait_for(same, "what was typed, as the guest shows it")
