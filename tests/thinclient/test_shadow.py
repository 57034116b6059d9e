"""Looking on at somebody else's session: by the window, by its list, at the command line and from Python."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from sessions.wire import tsg
from sessions.wire.tsg import Capability, CloseCode
from tests.e2e.gateway import PASSWORD, STILL, RealGateway
from tests.e2e.machine import wait_for
from tests.thinclient.display import Display
from tests.thinclient.program import Program
from tests.tsgateway.client.test_viewer import pin
from thinclient.connection import Connection
from thinclient.shadowing import shadow
from thinclient.window.theme import LIGHT
from tsgateway.client import Client, NoRight, NotThere, ViewerClosed, signed_in
from tsgateway.client.viewer import Happening, Look, Viewer

pytestmark = pytest.mark.slow

VEIL = int(LIGHT.accent[1:], 16)
SIZE, SEEN = Size(1024, 768), Size(640, 400)
DESKTOPS = f"""{STILL}
[desktops.other]
title = "Other card"
kind = "testcard"
fps = 0
users = ["ada"]
[sessions]
shadow = 1
"""


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS, users=["ada", "bob"])
    try:
        wait_for((made.folder / "data/api.sock").exists, "the gateway")
        with Client.local(made.folder / "data/api.sock") as administrator:
            administrator.give_role(role="helpdesk", user="bob")
        yield made
    finally:
        made.stop()


@pytest.fixture
def ada(real: RealGateway) -> Iterator[Client]:
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as client:
        yield client
        for each in client.list_sessions()["sessions"]:
            client.reset_session(each["id"])


@pytest.fixture
def bob(real: RealGateway) -> Iterator[Client]:
    with signed_in(real.url, "bob", PASSWORD, fingerprint=pin(real)) as client:
        yield client


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    made = Display(*SIZE)
    yield made
    made.stop()


class Person:
    """Ada at her desktop; she answers what she is asked."""

    def __init__(self, gateway: Client, *, allows: bool = True) -> None:
        self.told: list[tsg.Shadow] = []
        self._allows = allows
        self.viewer = Viewer(gateway, "still", size=SEEN, on_event=self._hear)
        self.viewer.viewer._abilities += [Capability.DIALOGS, Capability.SHADOWS]

    def __enter__(self) -> "Person":
        self.viewer.open()
        self.viewer.wait_for_picture()
        return self

    def __exit__(self, *_: object) -> None:
        self.viewer.close()

    def _hear(self, event: Happening) -> None:
        if isinstance(event, tsg.Shadow):
            self.told.append(event)
        if isinstance(event, tsg.Dialog):
            talk = self.viewer.viewer._connections.talk
            assert talk is not None
            talk.say(tsg.Answer(event.id, int(self._allows)))


def words(real: RealGateway, name: str = "bob") -> tuple[str, ...]:
    return ("--name", name, "--pin", pin(real))


def tsclient(real: RealGateway, *said: str, name: str = "bob") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "thinclient.main", *said, *words(real, name)],
        env={"TSCLIENT_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def card(text: str) -> np.ndarray:
    made, layout = testcard.frame(0, SEEN), testcard.Layout(SEEN)
    made[layout.text.part] = testcard.paragraph(text, layout)
    return made & 0xFFFFFF


def test_a_program_looks_on_helps_and_is_sent_elsewhere(ada: Client, bob: Client) -> None:
    with Person(ada) as person:
        session = person.viewer.session
        with Viewer(bob, session=session, look=Look.VIEW) as looks:
            looks.wait_for_picture()
            assert looks.size == SEEN
            looks.type("no")  # which nobody hears
        with Viewer(bob, session=session, look=Look.CONTROL) as helps:
            helps.wait_for_picture()
            helps.type("yes")
            expected = card("YES")
            person.viewer.wait_until(
                lambda pixels: np.array_equal(pixels.view("<u4")[:, :, 0] & 0xFFFFFF, expected)
            )
        wait_for(lambda: len(person.told) == 4, "two who came and went", lambda: str(person.told))
        states = [tsg.ShadowState(each.state).name for each in person.told]
        assert states == ["VIEW", "OVER", "CONTROL", "OVER"]


def test_who_is_refused_is_told(ada: Client, bob: Client) -> None:
    with Person(ada, allows=False) as person:
        with (
            pytest.raises(ViewerClosed, match="ada does not allow it") as raised,
            Viewer(bob, session=person.viewer.session, look=Look.VIEW) as looks,
        ):
            looks.wait_for_picture()
        assert raised.value.close_code == CloseCode.SHADOW_OVER
        with pytest.raises((NoRight, NotThere)):
            ada.shadow_session("1" * 32)


def test_a_viewer_goes_where_an_administrator_sends_it(real: RealGateway, ada: Client) -> None:
    viewer = Viewer(ada, "still", size=SEEN)
    viewer.viewer._abilities.append(Capability.SWITCH)
    with viewer, Client.local(real.folder / "data/api.sock") as administrator:
        viewer.wait_for_picture()
        with Viewer(ada, "other", size=SEEN) as other:
            other.wait_for_picture()
            there = other.session
        [seen] = administrator.list_viewers(viewer.session)["viewers"]
        administrator.move_session(there, viewer=seen["number"])
        wait_for(lambda: viewer.session == there and viewer.viewer.hello, "the other session")
        viewer.type("there")
        expected = card("THERE")
        viewer.wait_until(lambda pixels: np.array_equal(pixels.view("<u4")[:, :, 0] & 0xFFFFFF, expected))


def test_the_list_at_the_command_line(real: RealGateway, ada: Client) -> None:
    assert tsclient(real, "list", real.url, name="ada").stdout.splitlines() == [
        "DESKTOP  TITLE       SESSION  STATE  WHOSE",
        "still    Still card  -        -      -",
        "other    Other card  -        -      -",
    ]
    with Person(ada):
        number = ada.list_sessions()["sessions"][0]["number"]
        told = tsclient(real, "list", real.url)
        assert told.stdout.splitlines() == [
            "DESKTOP  TITLE       SESSION  STATE   WHOSE",
            f"still    Still card  {number}        active  ada    look on, control",
        ]
        assert (told.returncode, told.stderr) == (0, "")
    unknown = tsclient(real, "shadow", "http://x", "3")
    assert unknown.returncode == 2
    assert "https://" in unknown.stderr


def test_the_window_looks_on_and_says_so(
    real: RealGateway, ada: Client, display: Display, tmp_path: Path
) -> None:
    with Person(ada) as person:
        number = str(ada.list_sessions()["sessions"][0]["number"])
        said = ("shadow", real.url, number, "--control", "--full-screen", *words(real))
        with Program(display, tmp_path / "own", *said) as program:
            wait_for(lambda: person.told, "ada is told")
            display.type("help")
            expected = card("HELP\n")
            person.viewer.wait_until(
                lambda pixels: np.array_equal(pixels.view("<u4")[:, :, 0] & 0xFFFFFF, expected)
            )
            assert person.viewer.size == SEEN  # whoever looks on changes no size
            person.viewer._do(person.viewer.viewer.send([tsg.StopShadow(person.told[0].id)]))
            wait_for(lambda: VEIL in display.screen(), "a word about the end")
            display.press("shift+Tab", "space")  # Close
            program.codes = (1,)
            program.process.wait(30)
            assert "ada has ended it." in program.errors.read_text()


def test_the_list_of_the_window(real: RealGateway, ada: Client, display: Display, tmp_path: Path) -> None:
    with Person(ada) as person, Program(display, tmp_path / "own", real.url, *words(real)) as program:
        display.wait_for_window("Your desktops")
        display.press("space")
        wait_for(lambda: person.told, "ada is told")
        display.wait_for_window("Still card")
        display.press("alt+F4")
        display.wait_for_window("Your desktops")
        assert [each.state for each in person.told] in ([2], [2, 0])
        display.press("alt+F4")
        assert program.process.wait(30) == 0


def test_looking_on_goes_the_way_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of every command hold for this one, too."""
    told: list[Connection] = []
    monkeypatch.setattr("thinclient.window.app.run", lambda connection, *_: told.append(connection))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    words = ["https://desk", "7", "--carrier", "websocket", "--browser"]
    done = CliRunner().invoke(shadow, words, catch_exceptions=False)
    assert (done.exit_code, done.output) == (0, "")
    assert (told[0].carrier, told[0].browser) == ("websocket", True)
