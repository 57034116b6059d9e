"""The library in front of the real gateway, its session host, and a test card."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from sessions.wire import tsg
from sessions.wire.tsg import CloseCode
from tests.e2e.gateway import MOVING, PASSWORD, STILL, RealGateway
from tests.e2e.machine import wait_for
from tsgateway.client import (
    Client,
    NotSignedIn,
    NotThere,
    ServerAway,
    TookTooLong,
    ViewerClosed,
    WrongCertificate,
    signed_in,
)
from tsgateway.client.viewer import AsyncViewer, Drawn, Over, Picture, Retrying, Viewer, Welcome

DESKTOPS = STILL + MOVING
SIZE = (640, 400)


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS)
    yield made
    made.stop()


def pin(real: RealGateway) -> str:
    certificate = ssl.PEM_cert_to_DER_cert((real.folder / "data/certificate.pem").read_text())
    return hashlib.sha256(certificate).hexdigest()


@pytest.fixture
def gateway(real: RealGateway) -> Iterator[Client]:
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as client:
        yield client
        for each in client.list_sessions()["sessions"]:
            client.reset_session(each["id"])


def card(width: int, height: int) -> np.ndarray:
    return testcard.frame(0, Size(width, height))


def colours(pixels: np.ndarray) -> np.ndarray:
    return pixels.view("<u4")[:, :, 0] & 0xFFFFFF


def test_five_lines(gateway: Client, tmp_path: Path) -> None:
    with Viewer(gateway, "still", size=SIZE) as viewer:
        viewer.wait_for_picture()
        viewer.wait_until(lambda pixels: np.array_equal(colours(pixels), card(*SIZE) & 0xFFFFFF))
        before = viewer.pixels()
        viewer.type("hello\n")
        viewer.wait_until(lambda pixels: not np.array_equal(pixels, before))
        viewer.save(tmp_path / "card.png")
        assert viewer.size == SIZE
    saved = np.asarray(Image.open(tmp_path / "card.png").convert("RGB")).astype(np.uint32)
    top = testcard.Layout(Size(*SIZE)).text.y
    rgb = saved[:, :, 0] << 16 | saved[:, :, 1] << 8 | saved[:, :, 2]
    assert np.array_equal(rgb[:top], card(*SIZE)[:top] & 0xFFFFFF)
    assert (rgb[top:] != card(*SIZE)[top:] & 0xFFFFFF).any()
    with pytest.raises(RuntimeError, match="not open"):
        viewer.type("x")


@pytest.mark.parametrize("example", [0, 1], ids=["blocking", "asyncio"])
def test_the_examples_of_the_documentation(
    real: RealGateway, gateway: Client, example: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[3] / "docs/client.md").read_text()
    source = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[example]
    assert "https://desk.example.org" in source
    source = source.replace("https://desk.example.org", real.url).replace('"work"', '"still"')
    source = source.replace('"ruth", password', f'"ada", "{PASSWORD}", fingerprint="{pin(real)}"')
    monkeypatch.chdir(tmp_path)
    exec(source, {})
    assert Image.open("desk.png").size == (1280, 720)


async def test_keys_pointer_and_size(gateway: Client) -> None:
    async with AsyncViewer(gateway, "Still card", size=SIZE) as viewer:
        await viewer.wait_for_picture()
        assert viewer.hello is not None
        assert viewer.hello.desktop == "Still card"
        written = viewer.pixels()
        await viewer.press("a", "BackSpace", "Shift+b", "BackSpace")
        await viewer.type("é日")
        await viewer.press("BackSpace", "BackSpace")
        await viewer.wait_until(lambda pixels: np.array_equal(pixels, written))
        await viewer.click(300, 100)
        await viewer.wait_until(lambda pixels: pixels[100, 300, :3].tolist() == [255] * 3)
        await viewer.wheel(1)
        await viewer.resize(320, 200)
        await viewer.wait_until(lambda pixels: pixels.shape == (200, 320, 4))
        with pytest.raises(ValueError, match="no key is called"):
            await viewer.press("Any")
        with pytest.raises(TookTooLong, match=r"Within 0.1 s there was not the picture"):
            await viewer.wait_until(lambda pixels: False, within=0.1)


async def test_it_comes_back_after_a_cut_and_after_the_gateway_was_killed(real: RealGateway) -> None:
    events: list = []
    gateway = signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real))
    async with AsyncViewer(gateway, "moving", size=SIZE, reconnect=True, on_event=events.append) as viewer:
        await viewer.wait_for_picture()
        session = viewer.session
        for harm, mend in ((real.line.cut, real.line.mend), (real.kill, real.start)):
            await asyncio.to_thread(harm)
            await asyncio.to_thread(wait_for, lambda: any(isinstance(e, Retrying) for e in events), "the end")
            over, retrying = [each for each in events if isinstance(each, Over | Retrying)][:2]
            assert isinstance(over, Over)
            assert isinstance(retrying, Retrying)
            assert 0 < retrying.seconds < 10
            assert viewer.pixels().any(), "the picture stays"
            await asyncio.to_thread(mend)
            events.clear()
            before = viewer.pictures
            await viewer.wait_for_change(before)
            assert isinstance(next(each for each in events if not isinstance(each, Retrying)), Welcome)
        assert viewer.session == session
        await asyncio.to_thread(gateway.reset_session, session)
        with pytest.raises(ViewerClosed) as closed:
            await viewer.wait_until(lambda pixels: False)
        assert closed.value.close_code == CloseCode.SESSION_ENDED
        assert str(closed.value)
    gateway.close()


async def test_what_a_program_with_a_window_needs(gateway: Client) -> None:
    async with AsyncViewer(gateway, "still", size=SIZE) as first:
        await first.wait_for_picture()
        shown = colours(first.pixels())
    picture, events = Picture(), []
    async with AsyncViewer(
        gateway, session=first.session, picture=picture, on_event=events.append, client="window 1",
        abilities=[tsg.Capability.DIALOGS], presents=True,
    ) as second:  # fmt: skip
        await second.wait_for_picture()
        assert second.session == first.session
        assert np.array_equal(colours(picture.pixels), shown)
        assert second.received > 100
        for _ in range(20):  # more than a server sends without a word that they are shown
            before = second.pictures
            second.presented()
            await second.press("a")
            await second.wait_for_change(before)
        assert sum(isinstance(each, Drawn) for each in events) == second.pictures
    assert (await second.ended()).close_code == CloseCode.NORMAL


async def test_without_the_option_a_cut_is_the_end(real: RealGateway, gateway: Client) -> None:
    async with AsyncViewer(gateway, "moving") as viewer:
        await viewer.wait_for_picture()
        real.line.cut()
        with pytest.raises(ViewerClosed, match="The connection was cut") as closed:
            await viewer.wait_until(lambda pixels: False)
        assert closed.value.close_code is None
        real.line.mend()
        with pytest.raises(ViewerClosed):
            await viewer.send([tsg.Stay()])


def test_who_is_not_let_in_is_told_why(real: RealGateway, gateway: Client) -> None:
    with (
        pytest.raises(NotThere, match=r"no desktop “secret” for you. There is: still, moving"),
        Viewer(gateway, "secret"),
    ):
        pass
    with pytest.raises(NotSignedIn):
        signed_in(real.url, "ada", "wrong", fingerprint=pin(real))
    with pytest.raises(NotSignedIn):
        signed_in(real.url, token="tsg_" + "x" * 43, fingerprint=pin(real))
    with pytest.raises(WrongCertificate) as changed:
        signed_in(real.url, "ada", PASSWORD, fingerprint="0" * 64)
    assert changed.value.reason == "changed"
    with pytest.raises(ValueError, match="over TLS"):
        Viewer(Client.local(real.folder / "data/api.sock"), "still")
    with pytest.raises(ServerAway, match="nobody listens there"):
        signed_in("https://127.0.0.1:1", "ada", PASSWORD)
