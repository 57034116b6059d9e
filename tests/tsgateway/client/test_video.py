"""Videos are shown as the protocol says, whatever their codec."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sessions.wire import tsg
from tests.reference.picture import Picture
from tests.reference.video import VideoSource
from tsgateway.client.viewer.decode import DecodeError
from tsgateway.client.viewer.decode.video import Videos

COLOURS = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 60, 20)]


def waves(height: int, width: int, phase: float = 0) -> np.ndarray:
    """A picture as natural as it needs to be: (height, width, 3) B, G, R."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [np.sin(x / 17 + phase), np.cos(y / 13 + x / 40 - phase), np.sin((x + y) / 23 + phase / 2)]
    return (128 + 100 * np.dstack(channels)).astype(np.uint8)


def psnr(seen: np.ndarray, meant: np.ndarray) -> float:
    error = np.mean((seen.astype(float) - meant.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def bgr(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)[:, :, :3]


@pytest.mark.parametrize("codec", tsg.Codec)
def test_pictures_that_move_on_an_odd_screen(codec: tsg.Codec) -> None:
    picture = Picture()
    picture.take(tsg.ScreenSize(181, 133).encode())
    source = VideoSource(7, codec)
    for number in range(4):
        meant = waves(121, 161, number / 3)
        operation = source.operation(3 + number, 5, meant)
        picture.take(tsg.Frame(number, tsg.FrameFlag.LAST, (operation,), b"").encode())
        assert psnr(bgr(picture.pixels[5:126, 3 + number : 164 + number]), meant) > 36
    assert not picture.pixels[:, :3].any()
    assert not picture.pixels[:5].any()
    assert not picture.pixels[126:].any()
    assert (picture.videos, picture.video_pixels) == (4, 4 * 121 * 161)
    assert picture.video_bytes < 4 * 121 * 161


@pytest.mark.parametrize("codec", tsg.Codec)
@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_pure_colours(codec: tsg.Codec, colour: tuple[int, int, int]) -> None:
    meant = np.full((32, 48, 3), colour, np.uint8)
    seen = bgr(Videos().decode(VideoSource(0, codec).operation(0, 0, meant)))
    assert np.abs(seen.astype(int) - meant).max() <= 3


def test_a_stream_begins_with_a_key_and_is_of_the_size_that_is_said() -> None:
    source, videos = VideoSource(0, tsg.Codec.H264), Videos()
    key, delta = (source.operation(0, 0, waves(64, 64, phase)) for phase in range(2))
    with pytest.raises(DecodeError, match="has not begun"):
        videos.decode(delta)
    videos.decode(key)
    with pytest.raises(DecodeError, match="64×64"):
        videos.decode(delta._replace(width=80))
    with pytest.raises(DecodeError, match="64×64"):
        videos.decode(key._replace(height=62))


def test_the_pictures_by_which_the_browser_client_finds_out_what_works() -> None:
    module = (Path(__file__).parents[3] / "webclient/decode/probe.js").as_uri()
    script = f"const {{SAMPLES, SIDE, RED}} = await import({json.dumps(module)});"
    script += "console.log(JSON.stringify([SAMPLES, SIDE, RED]));"
    node = ["node", "--input-type=module", "-e", script]
    samples, side, red = json.loads(subprocess.run(node, check=True, capture_output=True).stdout)
    assert {int(codec) for codec in samples} == set(tsg.Codec)
    for codec, chunk in samples.items():
        picture = tsg.VideoPicture(0, int(codec), tsg.VideoFlag.KEY, base64.b64decode(chunk))
        operation = tsg.Operation(tsg.Encoding.VIDEO, 0, 0, side, side, picture.pack())
        assert np.abs(bgr(Videos().decode(operation)).astype(int) - red[::-1]).max() <= 1
