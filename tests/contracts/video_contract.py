"""What every video encoder must do (sessions/encoders/base.py).

A variant's test module makes a class of it:

    class TestMine(VideoContract):
        name = "mine"           # of its entry point, and in bench.video.DECODERS
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench.film import Film
from bench.video import Viewer, colours, psnr
from sessions import plugins
from sessions.encoders.base import VideoError
from sessions.pixels.geometry import Size

SIZES = [(16, 16), (17, 16), (16, 33), (64, 16), (641, 479), (960, 540), (1920, 1080)]
PATCHES = {
    "red": 0xFF0000,
    "green": 0x00FF00,
    "blue": 0x0000FF,
    "white": 0xFFFFFF,
    "black": 0x000000,
    "grey": 0x808080,
}


class VideoContract:
    """Inherit this, name the variant, and pytest runs all of it."""

    name: str

    @pytest.fixture
    def make(self):
        made = []

        def make(width, height, coarse=False):
            made.append(plugins.load("video", self.name)(Size(width, height), coarse))
            return made[-1]

        yield make
        for encoder in made:
            encoder.close()

    def test_each_picture_is_one_chunk_and_only_the_first_a_key(self, make):
        film = Film(320, 192)
        encoder = make(320, 192)
        chunks = [encoder.encode(film.picture(n)) for n in range(40)]
        chunks += [encoder.encode(Film(320, 192, seed=n).picture(0)) for n in (2, 3)]  # cuts
        viewer = Viewer(self.name)
        for chunk in chunks:
            viewer.show(chunk.data)
        assert [chunk.key for chunk in chunks] == [True] + [False] * 41

    @pytest.mark.parametrize("coarse", [False, True])
    def test_a_film_is_shown_well(self, make, coarse):
        film = Film(640, 360)
        encoder, viewer = make(640, 360, coarse), Viewer(self.name)
        quality = [
            psnr(viewer.show(encoder.encode(film.picture(n)).data), film.picture(n)) for n in range(12)
        ]
        assert min(quality) >= (31 if coarse else 38)

    def test_coarse_takes_fewer_bytes(self, make):
        film = Film(640, 360)
        fine, coarse = make(640, 360), make(640, 360, coarse=True)
        pictures = [film.picture(n) for n in range(20)]
        small = sum(len(coarse.encode(picture).data) for picture in pictures)
        assert small < 0.6 * sum(len(fine.encode(picture).data) for picture in pictures)

    @pytest.mark.parametrize("coarse", [False, True])
    @pytest.mark.parametrize("colour", PATCHES)
    def test_colours_are_right(self, make, colour, coarse):
        pixels = np.full((96, 128), PATCHES[colour], "<u4")
        encoder, viewer = make(128, 96, coarse), Viewer(self.name)
        for _ in range(3):
            seen = viewer.show(encoder.encode(pixels).data)
        assert np.abs(seen.astype(int) - colours(pixels)).max() <= (4 if coarse else 3)

    @pytest.mark.parametrize(("width", "height"), SIZES)
    def test_sizes(self, make, width, height):
        film = Film(320, 192)  # to make a large one takes seconds
        encoder, viewer = make(width, height), Viewer(self.name)
        for n in range(3):
            picture = np.tile(film.picture(n), (height // 192 + 1, width // 320 + 1))[:height, :width].copy()
            seen = viewer.show(encoder.encode(picture).data)
            assert seen.shape == (height + height % 2, width + width % 2, 3)
            assert psnr(seen, picture) > 25  # in few pixels there is nothing smooth

    def test_the_unused_byte_is_nothing(self, make):
        pixels = Film(128, 96).picture(0)
        plain, noisy = make(128, 96), make(128, 96)
        assert plain.encode(pixels) == noisy.encode(pixels | np.uint32(0xA5000000))

    def test_noise(self, make):
        noise = np.random.default_rng(1)
        encoder, viewer = make(320, 200), Viewer(self.name)
        for _ in range(5):
            pixels = noise.integers(0, 1 << 24, (200, 320), dtype=np.uint32)
            assert viewer.show(encoder.encode(pixels).data).shape == (200, 320, 3)

    def test_a_picture_that_stands_still_costs_next_to_nothing(self, make):
        pixels = Film(640, 360).picture(0)
        encoder = make(640, 360)
        sizes = [len(encoder.encode(pixels).data) for _ in range(20)]
        assert sizes[-1] < sizes[0] / 10

    def test_from_other_threads(self, make):
        film = Film(320, 192)
        encoder, viewer = make(320, 192), Viewer(self.name)
        for n in range(4):
            with ThreadPoolExecutor(1) as thread:
                chunk = thread.submit(encoder.encode, film.picture(n)).result()
            assert psnr(viewer.show(chunk.data), film.picture(n)) >= 36

    def test_closed_twice_and_then_of_no_use(self, make):
        encoder = make(64, 64)
        encoder.close()
        encoder.close()
        with pytest.raises(VideoError):
            encoder.encode(np.zeros((64, 64), "<u4"))

    def test_closed_in_mid_video_and_begun_anew(self, make):
        film = Film(320, 192)
        for _ in range(5):
            encoder = make(320, 192)
            assert [encoder.encode(film.picture(n)).key for n in range(3)] == [True, False, False]
            encoder.close()

    def test_another_size_is_refused(self, make):
        encoder = make(64, 64)
        with pytest.raises(VideoError, match="pixels"):
            encoder.encode(np.zeros((64, 65), "<u4"))

    @pytest.mark.parametrize("size", [(15, 64), (64, 15), (0, 0)])
    def test_sizes_too_small_are_refused(self, size):
        with pytest.raises(VideoError, match="at least 16"):
            plugins.load("video", self.name)(Size(*size), False)
