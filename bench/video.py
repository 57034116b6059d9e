"""What a video costs: `python -m bench.video`, for each codec, beside JPEG.

The film is made, not recorded (bench/film.py). A row is one encoder on one film, all in the same run:

- bytes of the key picture, and the mean of the later ones;
- milliseconds a later picture, medians of processor time in all threads: converting colours, encoding, and
  decoding by FFmpeg in one thread;
- PSNR, dB, mean and least over the pictures: of R, G and B as a browser shows them (chroma interpolated)
  against the pixels of the guest.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av
import click
import numpy as np
import numpy.typing as npt
import simplejpeg
from av.video.reformatter import Interpolation

from bench.film import Film
from sessions import plugins
from sessions.encoders.base import Options
from sessions.encoders.still import Jpeg
from sessions.encoders.video import PREFERENCE
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size

Colours = npt.NDArray[np.uint8]
"""(height, width, 3) of red, green, blue."""

DECODERS = {"h264": "h264", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d"}
"""FFmpeg's names."""
AS_BROWSERS_DO = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
"""swscale's defaults are a level too dark and repeat the colour of every second pixel."""


class Viewer:
    """Decodes a video's chunks: one each, at once."""

    def __init__(self, codec: str) -> None:
        self._context: Any = av.CodecContext.create(DECODERS[codec], "r")
        self._context.thread_count = 1

    def decode(self, chunk: bytes) -> av.VideoFrame:
        """Return the picture. Raises ValueError unless there is exactly one."""
        (frame,) = self._context.decode(av.Packet(chunk))
        return frame

    def show(self, chunk: bytes) -> Colours:
        """Return the picture's colours: BT.601, limited range."""
        return colours_of(self.decode(chunk))


def colours_of(frame: av.VideoFrame) -> Colours:
    """Return a decoded picture's colours."""
    return frame.to_ndarray(
        format="rgb24",
        src_colorspace="ITU601",
        src_color_range="MPEG",
        dst_color_range="JPEG",
        interpolation=AS_BROWSERS_DO,
    )


def colours(pixels: Pixels) -> Colours:
    """Return 32-bit pixels as colours."""
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)[..., 2::-1]


def psnr(seen: Colours, pixels: Pixels) -> float:
    """Return how near `seen` comes to `pixels`, dB; what it has beyond their size is left out."""
    height, width = pixels.shape
    error = seen[:height, :width].astype(np.float32) - colours(pixels)
    return float(10 * np.log10(255**2 / max(float(np.mean(error**2)), 1e-9)))


@dataclass
class Row:
    """What one encoder did, picture by picture."""

    sizes: list[int] = field(default_factory=list)
    convert: list[float] = field(default_factory=list)
    encode: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        key, *later = self.sizes
        times = [1000 * statistics.median(part[1:]) for part in (self.convert, self.encode, self.decode)]
        return (
            f"{key:9,} {statistics.mean(later):9,.0f} {times[0]:8.2f} {times[1]:7.2f} {times[2]:7.2f}"
            f" {statistics.mean(self.quality):7.1f} {min(self.quality):6.1f}"
        )


def timed(times: list[float], work: Callable[[], Any]) -> Any:
    """Do `work` and note the processor time it took, seconds."""
    began = time.process_time()
    result = work()
    times.append(time.process_time() - began)
    return result


def video(film: list[Pixels], codec: str, coarse: bool) -> Row:
    """Measure a video encoder. Raises VideoError when this machine has none."""
    height, width = film[0].shape
    encoder = plugins.load("video", codec)(Size(width, height), coarse)
    viewer, row = Viewer(codec), Row()
    for pixels in film:
        timed(row.convert, lambda pixels=pixels: encoder.convert(pixels))
        chunk = timed(row.encode, lambda pixels=pixels: encoder.encode(pixels))
        row.encode[-1] -= row.convert[-1]  # it has converted once more
        frame = timed(row.decode, lambda chunk=chunk: viewer.decode(chunk.data))
        row.sizes.append(len(chunk.data))
        row.quality.append(psnr(colours_of(frame), pixels))
    encoder.close()
    return row


def still(film: list[Pixels], quality: int) -> Row:
    """Measure JPEG, one file a picture."""
    encoder, row = Jpeg(Options(jpeg_quality=quality)), Row()
    whole = Rect(0, 0, film[0].shape[1], film[0].shape[0])
    for pixels in film:
        row.convert.append(0.0)
        encoded = timed(row.encode, lambda pixels=pixels: encoder.encode(pixels, [whole]))
        data = encoded.operations[0].data
        seen = timed(row.decode, lambda data=data: simplejpeg.decode_jpeg(data))
        row.sizes.append(len(data))
        row.quality.append(psnr(seen, pixels))
    return row


@click.command(help=__doc__)
@click.option("--size", default="960x540", show_default=True)
@click.option("--frames", default=60, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Which scene.")
@click.option("--grain", default=0.0, show_default=True, help="Noise new in each picture, levels.")
def main(size: str, frames: int, seed: int, grain: float) -> None:
    width, height = map(int, size.split("x"))
    movie = Film(width, height, seed, grain)
    film = [movie.picture(number) for number in range(frames)]
    print(f"{size}, {frames} pictures, scene {seed}, grain {grain:g}")
    print(
        " " * 12,
        f"{'key, B':>9} {'later, B':>9} {'convert':>8} {'encode':>7} {'decode':>7} {'PSNR':>7} {'min':>6}",
    )
    for quality in (80, 50):
        print(f"{f'jpeg {quality}':12} {still(film, quality)}", flush=True)
    for codec in PREFERENCE:
        for coarse in (False, True):
            print(f"{codec + ' coarse' * coarse:12} {video(film, codec, coarse)}", flush=True)


if __name__ == "__main__":
    main()
