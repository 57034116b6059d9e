"""Signing in by the system's browser: a real provider, a real Chromium, the real program."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from tests.e2e.browser import Browser
from tests.e2e.corp import gateway_of_corp
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pages import until
from tests.thinclient.display import Display
from tests.tsgateway.client.test_viewer import pin
from thinclient.browser import BrowserSignIn, Cancelled
from tsgateway.client import Client, ClientError, NoRight, NotSignedIn, TookTooLong

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CONFIGURATION = """
[desktops.still]
title = "Still card"
kind = "testcard"
fps = 0
groups = ["users"]
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGateway]:
    with gateway_of_corp(CONFIGURATION, "Corp & Sons", tmp_path_factory.mktemp("corp")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    made = Browser("chromium")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    made = Display(1024, 768)
    yield made
    made.stop()


class System:
    """The system's browser, as $BROWSER names it: keeps the address for the real one that tests drive."""

    def __init__(self, folder: Path) -> None:
        self.opened = folder / "opened"
        program = folder / "browser"
        program.write_text(
            f'#!/bin/sh\nprintf %s "$1" > "{self.opened}.new"\nmv "{self.opened}.new" "{self.opened}"\n'
        )
        program.chmod(0o755)
        self.environment = {"BROWSER": str(program), "TSCLIENT_FOLDER": str(folder / "own")}

    def url(self) -> str:
        wait_for(self.opened.exists, "an address for the browser")
        return self.opened.read_text()


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def tsclient(display: Display, system: System, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "thinclient.start", *words], env=display.environment | system.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def say_who(chromium: Browser) -> None:
    """Say at the provider who one is."""
    chromium.wait("[name=sub]")
    chromium.evaluate("""(() => {
        const form = document.querySelector("form");
        const values = { name: "sub", value: "subject-1", type: "hidden" };
        const sub = Object.assign(document.createElement("input"), values);
        form.querySelectorAll("[name=sub]").forEach((one) => one.removeAttribute("name"));
        form.append(sub);
        HTMLFormElement.prototype.submit.call(form);
    })()""")


def say_password(chromium: Browser) -> None:
    """Sign in at the gateway itself."""
    chromium.type("ada", "#name")
    chromium.type(PASSWORD, "#password")
    chromium.key("Enter")


def signed_out(real: RealGateway, chromium: Browser) -> None:
    chromium.open(real.url)
    chromium.evaluate(
        "fetch('/api/v1/logout', {method: 'POST', body: '{}', headers: "
        "{'Content-Type': 'application/json'}}).then(() => true)"
    )


def agree(chromium: Browser, who: str) -> None:
    """Read the question, and let the program be signed in."""
    chromium.wait(".invitation-panel .primary")
    assert f"wants to be signed in as {who}" in chromium.text(".invitation-panel")
    chromium.click(".invitation-panel .primary")
    wait_for(
        lambda: chromium.address.startswith("http://127.0.0.1:"),
        "the way back",
        lambda: chromium.text("body"),
    )
    chromium.wait("body.tsclient")
    assert chromium.text("h1") == "Back to tsclient"


def test_the_window_signs_in_by_a_provider(
    real: RealGateway, chromium: Browser, display: Display, system: System
) -> None:
    signed_out(real, chromium)
    program = tsclient(display, system, real.url, "--pin", pin(real))
    display.wait_for_window("Sign in")
    display.press("Tab", "Tab", "Tab", "Tab", "space")  # past password and the two buttons below it
    display.wait_for_window("Go on in the browser")
    chromium.open(system.url())
    say_who(chromium)
    agree(chromium, "ada.l")
    display.wait_for_window("Your desktops")
    display.press("alt+F4")
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (0, "", "")


def test_no_for_an_answer_and_cancel(
    real: RealGateway, chromium: Browser, display: Display, system: System
) -> None:
    signed_out(real, chromium)
    program = tsclient(display, system, real.url, "--pin", pin(real), "--browser")
    display.wait_for_window("Go on in the browser")
    chromium.open(system.url())
    say_password(chromium)
    chromium.wait(".invitation-panel .primary")
    chromium.key("Enter")  # "No" has the keyboard
    display.wait_for_window("Sign in")
    display.press("Tab", "Tab", "Tab", "Tab", "Tab", "space")
    display.wait_for_window("Go on in the browser")
    display.press("space")
    display.wait_for_window("Sign in")
    display.press("alt+F4")
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (0, "", "")


def test_a_command_signs_in_by_whoever_the_browser_is(
    real: RealGateway, chromium: Browser, display: Display, system: System, tmp_path: Path
) -> None:
    signed_out(real, chromium)
    picture = tmp_path / "still.png"
    words = ("--browser", "--pin", pin(real), "--size", "640x400", "--settle", "0")
    program = tsclient(display, system, "screenshot", real.url, "still", "-o", str(picture), *words)
    chromium.open(system.url())
    say_password(chromium)
    agree(chromium, "ada")
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (0, "")
    assert err == f"Sign in with the browser on this machine: {system.url()}\n"
    assert Image.open(picture).size == (640, 400)


def test_pages_do_not_sign_programs_in_by_themselves(real: RealGateway, chromium: Browser) -> None:
    """Whoever leads somebody to the page, and whatever is in its address: nothing happens without a click."""
    for address in (
        "redirect_uri=https://evil.example/&", "redirect_uri=http://127.0.0.1:1@evil.example/&",
        "redirect_uri=javascript:alert(1)&", "",
    ):  # fmt: skip
        rest = f"state={'s' * 43}&code_challenge={'c' * 43}&code_challenge_method=S256&client=x"
        chromium.open(f"{real.url}/client?{address}{rest}")
        chromium.evaluate(until("document.body?.innerText.includes('does not sign anything in')"))


# ---- what the program itself refuses


class Gateway(Client):
    """A gateway that is asked for nothing but this."""

    taken: dict[str, str]

    def take_over(self, **said: str) -> dict[str, object]:  # type: ignore[override]
        self.taken = said
        return {"user": {"name": "ada"}, "next": None, "recovery_codes": []}


@pytest.fixture
def way() -> Iterator[BrowserSignIn]:
    with BrowserSignIn(Gateway.remote("https://localhost:1"), "corp") as made:
        yield made


def knock(url: str, **query: str) -> int:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    try:
        with urllib.request.urlopen(f"{url}?{asked}", timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def asked_by(way: BrowserSignIn) -> dict[str, str]:
    return {name: each[0] for name, each in parse_qs(urlsplit(way.url).query).items()}


def test_only_what_was_begun_here_is_taken(way: BrowserSignIn) -> None:
    asked = asked_by(way)
    home = asked["redirect_uri"]
    assert (asked["by"], asked["code_challenge_method"]) == ("corp", "S256")
    assert knock(home, code="stolen", state="s" * 43) == 400
    assert knock(home, code="stolen") == 400
    assert knock(f"{home}other", code="stolen", state=asked["state"]) == 400
    assert knock(home, **{f"x{number}": "1" for number in range(20)}) == 400
    with pytest.raises(TookTooLong, match="begin again"):
        way.wait(0.1)
    assert knock(home, code="good", state=asked["state"]) == 200
    assert knock(home, code="late", state=asked["state"]) == 200  # the first one counts
    assert way.wait()["user"] == {"name": "ada"}
    taken = way._gateway.taken
    assert (taken["code"], taken["redirect"]) == ("good", home)


def test_it_listens_on_this_machine_alone_and_for_as_long_as_it_waits() -> None:
    with BrowserSignIn(Gateway.remote("https://localhost:1")) as way:
        assert way._server.server_address[0] == "127.0.0.1"
        home = asked_by(way)["redirect_uri"]
        assert knock(home) == 400
    with pytest.raises(OSError, match="refused"):
        knock(home)


def test_declined_and_cancelled(way: BrowserSignIn) -> None:
    threading.Timer(0.1, way.cancel).start()
    with pytest.raises(Cancelled):
        way.wait()
    asked = asked_by(way)
    assert knock(asked["redirect_uri"], error="access_denied", state=asked["state"]) == 200
    with pytest.raises(NotSignedIn, match="declined"):
        way.wait()


def test_what_the_gateway_refuses(real: RealGateway) -> None:
    """A code with another verifier, twice, or of nobody."""
    with (
        Client.remote(real.url, fingerprint=pin(real)) as ada,
        Client.remote(real.url, fingerprint=pin(real)) as program,
    ):
        ada.sign_in(name="ada", password=PASSWORD)
        with BrowserSignIn(program) as way:
            asked = asked_by(way)
            said = {"redirect": asked["redirect_uri"], "state": asked["state"], "client": asked["client"]}

            def code() -> str:
                location = ada.hand_over(challenge=asked["code_challenge"], **said)["location"]
                return parse_qs(urlsplit(location).query)["code"][0]

            def takes(code: str, verifier: str = way._verifier) -> None:
                program.take_over(code=code, verifier=verifier, redirect=asked["redirect_uri"])

            first, other = code(), code()
            takes(first)
            assert program.who_am_i()["user"]["name"] == "ada"
            for attempt in (lambda: takes(first), lambda: takes(other, "w" * 43), lambda: takes(other)):
                with pytest.raises(NoRight, match="not begun by this program"):
                    attempt()
            with pytest.raises(ClientError, match="own machine only"):
                ada.hand_over(
                    challenge=asked["code_challenge"], **(said | {"redirect": "https://evil.example/"})
                )
