"""Both agents against a real X server: our own, and SPICE's, which guests made by others have."""

import hashlib
import io

import pytest
import pytest_twisted
from PIL import Image

from sessions.clipboard.base import ClipboardError, TooLarge
from sessions.wire.tsg import ClipboardFormat as Format
from tests.sessions.clipboard.desk import Desk

TEXT = "Grüße — 日本語 🙂\n\tzwei\n".encode()
HTML = "<p onclick='x()'>fett — <b>太字</b></p>".encode()
LARGE = 10 * 1024 * 1024


def picture(side=40):
    image = Image.new("RGB", (side, side))
    image.putdata([(x * 5 % 256, y * 5 % 256, x * y % 256) for y in range(side) for x in range(side)])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def pixels(png):
    return Image.open(io.BytesIO(png)).convert("RGB").tobytes()


@pytest.fixture(params=["own", "spice"])
def desk(request, tmp_path):
    made = Desk(tmp_path, request.param)
    made.agent = request.param
    yield made
    made.stop()


@pytest.fixture
def own(tmp_path):
    made = Desk(tmp_path, "own", maximum=1 << 20)
    yield made
    made.stop()


@pytest_twisted.ensureDeferred
async def test_text_and_pictures_pass_both_ways(desk):
    await desk.connect()
    assert Format.TEXT in await desk.copy(TEXT)
    assert await desk.clipboard.fetch(Format.TEXT) == TEXT
    assert Format.PNG in await desk.copy(picture(), "image/png")
    assert pixels(await desk.clipboard.fetch(Format.PNG)) == pixels(picture())
    await desk.offer({Format.TEXT: TEXT.replace(b"\n", b"\r\n"), Format.PNG: picture()})
    assert await desk.paste() == TEXT  # with the ends of lines that the guest has
    assert pixels(await desk.paste("image/png")) == pixels(picture())
    await desk.offer({Format.TEXT: b"newer"})
    assert await desk.paste() == b"newer"


@pytest_twisted.ensureDeferred
async def test_large_text_passes_both_ways(desk):
    await desk.connect()
    text = "".join(f"{number:015x}\n" for number in range(LARGE // 16)).encode()
    digest = hashlib.sha256(text).hexdigest()
    await desk.copy(text)
    assert hashlib.sha256(await desk.clipboard.fetch(Format.TEXT)).hexdigest() == digest
    await desk.offer({Format.TEXT: text})
    assert hashlib.sha256(await desk.paste()).hexdigest() == digest


@pytest_twisted.ensureDeferred
async def test_html_passes_both_ways_by_our_own_agent(own):
    await own.connect()
    assert await own.copy(HTML, "text/html") == (Format.HTML,)
    assert await own.clipboard.fetch(Format.HTML) == HTML
    await own.offer({Format.HTML: HTML, Format.TEXT: b"fett"})
    assert await own.paste("text/html") == HTML
    assert b"text/html" in await own.paste("TARGETS")


@pytest_twisted.ensureDeferred
async def test_what_the_guest_is_given_is_not_offered_back(desk):
    await desk.connect()
    desk.heard.copies.clear()
    await desk.offer({Format.TEXT: b"from the viewer"})
    assert await desk.paste() == b"from the viewer"
    assert not any(desk.heard.copies)


@pytest_twisted.ensureDeferred
async def test_what_is_too_large_is_told(own):
    await own.connect()
    await own.copy(b"x" * (3 << 20))
    with pytest.raises(TooLarge, match="at most 1 MB") as told:
        await own.clipboard.fetch(Format.TEXT)
    assert told.value.size > 1 << 20
    await own.copy(b"small")
    assert await own.clipboard.fetch(Format.TEXT) == b"small"


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_had_is_not_waited_for(own):
    await own.connect()
    await own.copy(TEXT)
    with pytest.raises(ClipboardError):
        await own.clipboard.fetch(Format.PNG)
    own.heard.refuses = True
    await own.offer({Format.TEXT: TEXT})
    assert not await own.paste()


@pytest_twisted.ensureDeferred
async def test_who_comes_again_finds_what_is_held(own):
    await own.connect()
    await own.copy(TEXT)
    own.clipboard.listens(False)
    assert own.heard.formats == frozenset()
    own.heard.copies.clear()
    own.clipboard.listens(True)
    assert await own.heard.copy() == (Format.TEXT,)
    assert await own.clipboard.fetch(Format.TEXT) == TEXT
