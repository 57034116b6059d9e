"""Small pictures: right to the pixel's mean, bounded, and there without opening anything."""

import time

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import ensureDeferred

from sessions.host.kept import Album
from sessions.pixels.geometry import Size
from sessions.pixels.testcard import frame
from sessions.quiet import REST_SECONDS
from sessions.thumbnail import (
    FRESH_SECONDS,
    KEPT_WIDTH,
    MAX_KEPT,
    MAX_WIDTH,
    MIN_WIDTH,
    NOTHING,
    Thumbnail,
    shrunk,
    small_file,
)  # fmt: skip
from sessions.wire import tsg
from tests.sessions.test_session import Client, World


def channels(pixels):
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)[:, :, :3]


def noise(height, width, seed=1):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 1 << 32, (height, width), np.uint32)


def exact(pixels, width):
    """The same by brute force: every small pixel the mean of the area it covers, in 64 bits."""
    rows, columns = pixels.shape
    height = max(round(rows * width / columns), 1)
    summed = np.zeros((rows + 1, columns + 1, 3))
    summed[1:, 1:] = channels(pixels).astype(float).cumsum(0).cumsum(1)

    def until(edges, table):
        whole = np.minimum(edges.astype(int), len(table) - 2)
        part = (edges - whole).reshape(-1, *[1] * (table.ndim - 1))
        return table[whole] * (1 - part) + table[whole + 1] * part

    down = until(np.arange(height + 1) * rows / height, summed)
    both = until(np.arange(width + 1) * columns / width, down.transpose(1, 0, 2)).transpose(1, 0, 2)
    areas = rows * columns / height / width
    return (both[1:, 1:] - both[:-1, 1:] - both[1:, :-1] + both[:-1, :-1]) / areas


@pytest.mark.parametrize(
    "size", [(1080, 1920), (720, 1280), (768, 1366), (8192, 650), (100, 8192), (600, 321)]
)
def test_each_pixel_is_the_mean_of_those_it_stands_for(size):
    pixels = frame(7, Size(size[1], size[0]))
    small = shrunk(pixels, 320)
    wanted = exact(pixels, 320)
    assert small.shape == wanted.shape[:2]
    assert small.shape[1] == 320
    # Rows and columns beyond whole blocks are left out, which shifts edges by less than a block.
    assert np.abs(channels(small).astype(float) - wanted).mean() < 2


def test_means_are_exact_where_blocks_are_whole():
    pixels = noise(360, 640)
    wanted = channels(pixels).reshape(90, 4, 160, 4, 3).mean((1, 3))
    assert np.abs(channels(shrunk(pixels, 160)) - wanted).max() <= 0.51
    white = np.full((8192, 4096), 0xFFFFFFFF, np.uint32)
    assert (shrunk(white, MIN_WIDTH) == 0xFFFFFF).all(), "nothing overflows"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 900), st.sampled_from([64, 200, 320, 640]))
def test_whatever_the_size_it_is_no_wider_and_of_one_colour_where_the_screen_is(height, width, most):
    small = shrunk(np.full((height, width), 0x336699, np.uint32), most)
    assert small.shape[1] == min(width, most)
    assert small.shape[0] >= 1
    assert (np.abs(channels(small).astype(int) - (0x99, 0x66, 0x33)) <= 1).all()


def test_a_file_is_small_whatever_it_shows():
    for pixels in (noise(1080, 1920), noise(4000, 320), np.zeros((720, 1280), np.uint32), noise(1, 1)):
        assert 0 < len(small_file(pixels)) <= MAX_KEPT
    assert simplejpeg.decode_jpeg(small_file(frame(1, Size(1920, 1080)))).shape == (180, KEPT_WIDTH, 3)


class Page:
    """An album in memory."""

    def __init__(self):
        self.last = NOTHING

    def read(self):
        return self.last

    def write(self, file):
        self.last = Thumbnail(file, 1.0)


def asked(world, width=320):
    got = []
    ensureDeferred(world.session.thumbnail(width)).addCallback(got.append)
    [thumbnail] = got
    return thumbnail


def colour(thumbnail):
    return simplejpeg.decode_jpeg(thumbnail.file)[5, 5].tolist() if thumbnail.file else None


def test_a_screen_that_is_looked_at_is_shown_as_it_is_and_afterwards_as_it_was():
    page = Page()
    world = World(album=page)
    assert asked(world) == NOTHING
    world.machine.started.callback(None)
    Client(world.session, 1).say(tsg.Ack(1, 0, 0))
    world.screen.paint(0xFF0000)
    before = time.time()
    now = asked(world)
    assert (colour(now)[0] > 250, colour(now)[2] < 5, now.at >= before) == (True, True, True)
    world.screen.paint(0x0000FF)
    assert asked(world) == now, "not made anew so soon"
    world.clock.advance(FRESH_SECONDS)
    assert colour(asked(world))[2] > 250
    world.screen.paint(0x00FF00)
    world.session.detach(1)
    world.clock.advance(REST_SECONDS)
    assert world.screen.closed
    kept = asked(world)
    assert kept.file == page.last.file
    assert colour(kept)[1] > 250
    assert (world.told[-1]["thumbnail"], len(world.machine.screens)) == (1, 1), "nothing was opened for it"
    again = World(kept=world.kept, album=page)
    assert asked(again) == page.last


@pytest.mark.parametrize("width", [-5, 0, 1, MIN_WIDTH, 1000, 10**9])
def test_widths_are_bounded(width):
    world = World()
    world.machine.started.callback(None)
    Client(world.session, 1)
    world.screen.framebuffer.resize(Size(2000, 1000))
    shape = simplejpeg.decode_jpeg(asked(world, width).file).shape
    assert shape[1] == min(max(width, MIN_WIDTH), MAX_WIDTH)


def test_an_album_believes_only_what_may_be_its_own(tmp_path):
    album = Album(tmp_path)
    assert album.read() == NOTHING
    album.write(small_file(noise(100, 200)))
    assert album.read().file == small_file(noise(100, 200))
    assert abs(album.read().at - time.time()) < 60
    for rubbish in (b"", b"GIF89a", b"\xff\xd8\xff" + b"x" * MAX_KEPT):
        (tmp_path / "thumbnail.jpg").write_bytes(rubbish)
        assert album.read() == NOTHING
    Album(tmp_path / "gone").write(b"x")
