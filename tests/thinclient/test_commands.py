"""The program itself, in front of the real gateway."""

import hashlib
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from tests.e2e.gateway import PASSWORD, STILL, RealGateway

pytestmark = pytest.mark.slow  # a program is started again and again

TIMEOUT = 120


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(STILL)
    yield made
    made.stop()


class Program:
    """tsclient, as ada, with the gateway's certificate pinned. Its answer: exit code, output, errors."""

    def __init__(self, real: RealGateway, folder: Path) -> None:
        self.url = real.url
        certificate = ssl.PEM_cert_to_DER_cert((real.folder / "data/certificate.pem").read_text())
        self.pin = hashlib.sha256(certificate).hexdigest()
        self.folder = folder
        self.password = folder / "password"
        self.password.write_text(PASSWORD + "\n")

    def run(self, command: str, *words: str, **environment: str) -> tuple[int, str, str]:
        line = [sys.executable, "-m", "thinclient.main", command, *words]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TSCLIENT_")}
        done = subprocess.run(
            line, env=clean | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def ada(self, command: str, *words: str, desktop: str = "still") -> tuple[int, str, str]:
        who = ("--name", "ada", "--password-file", str(self.password), "--pin", self.pin)
        return self.run(command, self.url + "/", desktop, *who, "--size", "640x400", *words)


@pytest.fixture
def tsclient(real: RealGateway, tmp_path: Path) -> Program:
    return Program(real, tmp_path)


NUMBER = r"(\d+\.\d{3})"


def test_a_probe_of_a_gateway_that_is_well(tsclient: Program) -> None:
    ample = ("--sign-in", "60,60", "--picture", "60,60", "--echo", "60,60")
    code, out, err = tsclient.ada("probe", *ample)
    assert re.fullmatch(
        rf"TSGATEWAY OK - signed in within {NUMBER} s, picture after {NUMBER} s, echo after {NUMBER} s"
        rf" \| sign_in={NUMBER}s;60;60;0 picture={NUMBER}s;60;60;0 echo={NUMBER}s;60;60;0\n",
        out,
    ), (out, err)
    assert (code, err) == (0, "")
    code, out, _ = tsclient.ada("probe", *ample, "--no-echo", "--picture", "0,60")
    assert code == 1
    assert re.match(r"TSGATEWAY WARNING - signed in within .* \| sign_in=\S* picture=\S*;0;60;0\n", out)
    code, out, _ = tsclient.ada("probe", *ample, "--picture", "0,0", "--log-off")
    assert (code, out[:20]) == (2, "TSGATEWAY CRITICAL -")


def test_a_probe_that_shows_what_is_wrong(tsclient: Program) -> None:
    code, out, _ = tsclient.ada("probe", desktop="secret")
    assert code == 2
    assert "There is no desktop “secret” for you. There is: still. | sign_in=" in out
    code, out, _ = tsclient.ada("probe", "--key", "Shift", "--patience", "1")
    assert code == 2
    assert "The key Shift has changed nothing on the screen in 1 s." in out
    code, out, _ = tsclient.ada("probe", "--pin", "00" * 32)
    assert (code, "not the one that was expected" in out) == (2, True)
    tsclient.password.write_text("wrong\n")
    code, out, _ = tsclient.ada("probe")
    assert (code, "|" in out) == (2, False)
    code, out, _ = tsclient.run("probe", "https://127.0.0.1:1", "--name", "a", TSCLIENT_PASSWORD="x")
    assert (code, out) == (2, "TSGATEWAY CRITICAL - https://127.0.0.1:1: nobody listens there.\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "Missing argument 'URL'"),
        (["http://here"], "is not an address like"),
        (["https://localhost"], "nobody can be asked here"),
        (["https://localhost", "--name", "ada", "--password-file", "/nowhere"], "/nowhere cannot be read"),
        (["https://localhost", "--echo", "2"], "is not two numbers"),
        (["https://localhost", "--echo", "2,1"], "may not be larger"),
        (["https://localhost", "--size", "12"], "is no size like"),
        (
            ["https://localhost", "--ca-file", "/nowhere", "--name", "ada", "--password-file", __file__],
            "/nowhere",
        ),
    ],
)
def test_a_probe_that_cannot_be_made(tsclient: Program, words: list[str], why: str) -> None:
    token = {"TSCLIENT_TOKEN": "tsg_x"} if words == ["http://here"] else {}
    code, out, _ = tsclient.run("probe", *words, **token)
    assert code == 3
    assert out.startswith("TSGATEWAY UNKNOWN - ")
    assert why in out


def test_a_screenshot(tsclient: Program) -> None:
    path = tsclient.folder / "shot.png"
    code, out, err = tsclient.ada("screenshot", "-o", str(path), "--settle", "0.2")
    assert (code, out, err) == (0, "", "")
    shot = np.asarray(Image.open(path)).astype(np.uint32)
    rgb = shot[:, :, 0] << 16 | shot[:, :, 1] << 8 | shot[:, :, 2]
    size = Size(640, 400)
    top = testcard.Layout(size).text.y
    assert np.array_equal(rgb[:top], testcard.frame(0, size)[:top] & 0xFFFFFF)
    code, _, err = tsclient.ada("screenshot", "-o", "/dev/full", "--settle", "0")
    assert (code, "No space left on device" in err) == (1, True)
    code, _, err = tsclient.ada("screenshot", "-o", str(path), "--pin", "00" * 32)
    assert (code, "fingerprint" in err) == (4, True)
    tsclient.password.write_text("wrong\n")
    code, _, err = tsclient.ada("screenshot", "-o", str(path))
    assert (code, err[:7]) == (5, "Error: ")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nowhere"], "no saved connection; there are: none at all."),
        (["/nowhere.tsc"], "/nowhere.tsc cannot be read: No such file or directory."),
        (["http://desk"], "no address like https://desk.example.org"),
        (["https://desk/page"], "is not an address like"),
        (["https://desk", "--size", "big"], "“big” is no size like 1280x800"),
        (["https://desk", "--password-file", "/nowhere"], "/nowhere cannot be read"),
        (["--kiosk"], "A kiosk needs to be told where to"),
        (["bad.tsc"], "bad.tsc, line 2: nothing is called “adress”"),
    ],
)
def test_a_window_that_cannot_be_opened(tsclient: Program, words: list[str], why: str) -> None:
    bad = tsclient.folder / "bad.tsc"
    bad.write_text('name = "ada"\nadress = "https://desk"\n')
    words = [str(bad) if word == "bad.tsc" else word for word in words]
    code, out, err = tsclient.run(words[0], *words[1:], TSCLIENT_FOLDER=str(tsclient.folder / "own"))
    assert (code, out) == (2, "")
    assert why in err


def test_a_connection_is_saved_from_the_command_line_without_secrets(tsclient: Program) -> None:
    own = tsclient.folder / "own"
    line = ("https://desk", "work", "--name", "ada", "--full-screen", "--save", "My desk")
    code, out, err = tsclient.run(*line, TSCLIENT_FOLDER=str(own), TSCLIENT_PASSWORD=PASSWORD)
    saved = own / "connections/My desk.tsc"
    assert (code, out, err) == (0, f"Saved as {saved}\n", "")
    assert (
        saved.read_text() == 'address = "https://desk"\ndesktop = "work"\nname = "ada"\nfull_screen = true\n'
    )
    code, out, _ = tsclient.run("My desk", "--size", "1x1", "--save", "small", TSCLIENT_FOLDER=str(own))
    assert code == 0
    assert 'size = "1x1"' in (own / "connections/small.tsc").read_text()


def test_a_window_needs_qt_and_a_display(tsclient: Program) -> None:
    clean = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    clean.pop("QT_QPA_PLATFORM", None)
    for before, why in (
        ("sys.modules['PySide6'] = None", "Error: The window needs PySide6, which is not installed"),
        ("", "Error: There is no display here"),
    ):
        source = f"import sys; {before}\nfrom thinclient.main import run; run()"
        done = subprocess.run(
            [sys.executable, "-c", source, "https://localhost:1"], env=clean, capture_output=True, text=True,
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr[: len(why)]) == (1, why)
