"""What every video encoder must do (sessions/encoders/base.py).

A variant's test module makes a class of it:

    class TestMine(VideoContract):
        name = "mine"           # of its entry point
        decoder = "theirs"      # FFmpeg's name of what decodes it
"""

from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation

from bench.film import Film
from sessions import plugins
from sessions.encoders.base import VideoError
from sessions.pixels.geometry import Size

AS_BROWSERS_DO = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
"""swscale's defaults are a level too dark and repeat the colour of every second pixel."""
SIZES = [(16, 16), (17, 16), (16, 33), (64, 16), (641, 479), (960, 540), (1920, 1080)]
PATCHES = {
    "red": 0xFF0000,
    "green": 0x00FF00,
    "blue": 0x0000FF,
    "white": 0xFFFFFF,
    "black": 0x000000,
    "grey": 0x808080,
}


class Viewer:
    """Decodes chunks: one each, at once."""

    def __init__(self, decoder):
        self._context = av.CodecContext.create(decoder, "r")
        self._context.thread_count = 1

    def show(self, chunk):
        """Return the picture as (height, width, 3) of red, green, blue: BT.709, limited range."""
        frames = self._context.decode(av.Packet(chunk.data))
        assert len(frames) == 1
        assert frames[0].format.name == "yuv420p"
        return frames[0].to_ndarray(
            format="rgb24",
            src_colorspace="ITU709",
            src_color_range="MPEG",
            dst_color_range="JPEG",
            interpolation=AS_BROWSERS_DO,
        )


def colours(pixels):
    """Return 32-bit pixels as red, green, blue."""
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)[..., 2::-1]


def psnr(seen, pixels):
    height, width = pixels.shape
    error = seen[:height, :width].astype(float) - colours(pixels)
    return 10 * np.log10(255**2 / max(np.mean(error**2), 1e-9))


class VideoContract:
    """Inherit this, name the variant, and pytest runs all of it."""

    name: str
    decoder: str

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
        viewer = Viewer(self.decoder)
        for chunk in chunks:
            viewer.show(chunk)
        assert [chunk.key for chunk in chunks] == [True] + [False] * 41

    @pytest.mark.parametrize("coarse", [False, True])
    def test_a_film_is_shown_well(self, make, coarse):
        film = Film(640, 360)
        encoder, viewer = make(640, 360, coarse), Viewer(self.decoder)
        quality = [psnr(viewer.show(encoder.encode(film.picture(n))), film.picture(n)) for n in range(12)]
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
        encoder, viewer = make(128, 96, coarse), Viewer(self.decoder)
        for _ in range(3):
            seen = viewer.show(encoder.encode(pixels))
        assert np.abs(seen.astype(int) - colours(pixels)).max() <= 3

    @pytest.mark.parametrize(("width", "height"), SIZES)
    def test_sizes(self, make, width, height):
        film = Film(width, height)
        encoder, viewer = make(width, height), Viewer(self.decoder)
        for n in range(3):
            seen = viewer.show(encoder.encode(film.picture(n)))
            assert seen.shape == (height + height % 2, width + width % 2, 3)
            assert psnr(seen, film.picture(n)) > 25  # in few pixels there is nothing smooth

    def test_the_unused_byte_is_nothing(self, make):
        pixels = Film(128, 96).picture(0)
        plain, noisy = make(128, 96), make(128, 96)
        assert plain.encode(pixels) == noisy.encode(pixels | np.uint32(0xA5000000))

    def test_noise(self, make):
        noise = np.random.default_rng(1)
        encoder, viewer = make(320, 200), Viewer(self.decoder)
        for _ in range(5):
            pixels = noise.integers(0, 1 << 24, (200, 320), dtype=np.uint32)
            assert viewer.show(encoder.encode(pixels)).shape == (200, 320, 3)

    def test_a_picture_that_stands_still_costs_next_to_nothing(self, make):
        pixels = Film(640, 360).picture(0)
        encoder = make(640, 360)
        sizes = [len(encoder.encode(pixels).data) for _ in range(20)]
        assert sizes[-1] < sizes[0] / 10

    def test_from_other_threads(self, make):
        film = Film(320, 192)
        encoder, viewer = make(320, 192), Viewer(self.decoder)
        for n in range(4):
            with ThreadPoolExecutor(1) as thread:
                chunk = thread.submit(encoder.encode, film.picture(n)).result()
            assert psnr(viewer.show(chunk), film.picture(n)) >= 36

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
