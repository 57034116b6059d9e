"""What the recorded desktop shows, made here: documents, pages with photographs, a video. Always the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Photo = npt.NDArray[np.uint8]  # (height, width, 3): R, G, B

_SENTENCES = (
    "The board met on Tuesday and approved the budget for the coming year.",
    "Three of the four regions grew; the north held what it had.",
    "A short survey among two hundred customers shows what they miss most.",
    "Please read the attached figures before the call, and note what you doubt.",
    "Delivery times fell from nine days to six, mostly by earlier ordering.",
    "The new rooms will be ready in spring, with space for forty people.",
    "Nobody asked for more reports; several asked for fewer, and better ones.",
    "We propose to move the old archive within the first quarter.",
)
_STYLE = """
body { margin: 0; font: 17px/1.6 sans-serif; color: #1c2230; background: #f6f7fa }
header { background: #24406b; color: #fff; padding: 18px 48px; font-size: 22px }
nav { background: #e7ebf3; padding: 8px 48px; font-size: 14px }
nav span { margin-right: 22px; color: #24406b }
main { max-width: 860px; margin: 24px auto; background: #fff; padding: 32px 56px; border: 1px solid #dde1ea }
h1 { font-size: 30px } h2 { color: #24406b; margin-top: 36px } a { color: #1a5fb4 }
table { border-collapse: collapse; width: 100% } td, th { border: 1px solid #ccd2de; padding: 6px 12px }
figure { margin: 28px 0 } img, video { width: 100%; display: block; border-radius: 6px }
figcaption { font-size: 14px; color: #667 } [contenteditable]:focus { outline: none }
"""


def _page(title: str, body: str) -> str:
    bar = "".join(
        f"<span>{word}</span>" for word in ("Home", "Reports", "People", "Calendar", "Files", "Help")
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
        f"<header>{title}</header><nav>{bar}</nav><main>{body}</main>"
    )


def _paragraphs(rng: np.random.Generator, count: int) -> str:
    return "".join(f"<p>{' '.join(rng.choice(_SENTENCES, 6))}</p>" for _ in range(count))


def document(folder: Path) -> Path:
    """Write a page of text and tables, of which the first paragraph takes what is typed."""
    rng = np.random.default_rng(11)
    parts = ["<h1>Yearly report</h1><p id=here contenteditable autofocus>&nbsp;</p>"]
    for section in range(1, 9):
        rows = "".join(
            f"<tr><th>{name}" + "".join(f"<td>{number:,}" for number in rng.integers(900, 90_000, 4))
            for name in ("North", "East", "South", "West")
        )
        table = f"<table><tr><th>Region<th>Q1<th>Q2<th>Q3<th>Q4{rows}</table>"
        parts.append(f"<h2>{section}. What happened</h2>{_paragraphs(rng, 2)}{table}")
    path = folder / "document.html"
    path.write_text(_page("Yearly report", "".join(parts)))
    return path


def album(folder: Path) -> Path:
    """Write pages of text with photographs that lead to each other, and return the first."""
    for number in range(3):
        rng = np.random.default_rng(20 + number)
        parts = [f"<h1>Walk {number + 1}</h1>"]
        for picture in range(6):
            name = f"photo-{number}-{picture}.jpg"
            Image.fromarray(photograph(100 + 10 * number + picture, 1280, 720)).save(
                folder / name, quality=88
            )
            parts.append(f"{_paragraphs(rng, 1)}<figure><img src={name}><figcaption>Seen on the way</figure>")
        following = f"<p><a href=album-{(number + 1) % 3}.html>The next walk</a></p>"
        (folder / f"album-{number}.html").write_text(
            _page(f"Walk {number + 1}", following + "".join(parts) + following)
        )
    return folder / "album-0.html"


def video_page(folder: Path) -> Path:
    """Write a page that plays a video of 960×540, without end, amid text.

    It plays at a quarter of its 30 frames/s: a recorder of 15 frames/s meets every frame on any machine.
    """
    film(folder / "film.webm")
    rng = np.random.default_rng(31)
    size = 'style="width:960px;height:540px;border-radius:0"'
    slowly = 'onplay="this.playbackRate=.25"'
    player = f"<video src=film.webm autoplay muted loop {slowly} {size}></video>"
    path = folder / "video.html"
    body = f"<h1>Across the hills</h1>{player}{_paragraphs(rng, 3)}"
    path.write_text(_page("Films", body).replace("max-width: 860px", "width: 960px"))
    return path


def photograph(seed: int, width: int, height: int) -> Photo:
    """Return a picture with the statistics of a landscape: sky, ridges, texture at all scales, grain."""
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 1, height)[:, None]
    sky = _mix(rng.uniform(0.35, 0.6, 3) * (0.7, 0.9, 1.3), (0.95, 0.88, 0.78), y * 1.4)
    clouds = _texture(rng, width, height, 1.7)[..., None]
    picture = sky + clouds.clip(0.1, 2) * 0.18
    for ridge in range(4):
        line = 0.42 + 0.13 * ridge + 0.05 * _texture(rng, width, 1, 1.4)[0]
        colour = rng.uniform(0.2, 0.42, 3) * (0.95, 1.08, 0.85) * (1 - 0.16 * ridge)
        ground = colour * (1 + 0.26 * _texture(rng, width, height, 1.15)[..., None])
        edge = np.clip((y - line[None, :]) * height / 2, 0, 1)[..., None]
        picture = picture * (1 - edge) + ground * edge
    picture += rng.normal(0, 0.008, picture.shape)
    return (picture.clip(0, 1) * 255).astype(np.uint8)


def _mix(
    top: npt.ArrayLike, bottom: npt.ArrayLike, share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    part = share.clip(0, 1)[..., None]
    mixed: npt.NDArray[np.float64] = np.asarray(top) * (1 - part) + np.asarray(bottom) * part
    return mixed


def _texture(rng: np.random.Generator, width: int, height: int, steepness: float) -> npt.NDArray[np.float64]:
    """Return noise whose amplitude falls with frequency as in photographs; mean 0, deviation 1."""
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(down, across)
    frequency[0, 0] = np.inf
    spectrum = rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)
    noise = np.fft.irfft2(spectrum * frequency**-steepness, (height, width))
    return noise / noise.std()


def film(path: Path, seconds: int = 4) -> None:
    """Write a video: a camera that pans over a landscape, sways, and sees light change; film grain.

    Raises subprocess.CalledProcessError if ffmpeg fails.
    """
    width, height, rate = 960, 540, 30
    world = Image.fromarray(photograph(77, 2400, 1000))
    rng = np.random.default_rng(78)
    grain = rng.normal(0, 3, (8, height, width, 1)).astype(np.float32)
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{width}x{height}",
    ]
    command += ["-r", str(rate), "-i", "-", "-c:v", "libvpx", "-b:v", "6M", "-deadline", "realtime"]
    command += ["-cpu-used", "8", "-threads", "2", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        for number in range(seconds * rate):
            turn = 2 * np.pi * number / (seconds * rate)  # comes back to where it began
            zoom = 1.15 + 0.1 * np.sin(2 * turn)
            left, top = 560 - 300 * np.cos(turn), 170 + 60 * np.sin(2 * turn)
            box = (left, top, left + width * zoom, top + height * zoom)
            view = np.asarray(world.resize((width, height), Image.Resampling.BILINEAR, box), np.float32)
            lit = view * (1 + 0.08 * np.sin(2 * turn)) + grain[number % len(grain)]
            if encoder.stdin is not None:
                encoder.stdin.write(lit.clip(0, 255).astype(np.uint8).tobytes())
    if encoder.returncode:
        raise subprocess.CalledProcessError(encoder.returncode, "ffmpeg")
