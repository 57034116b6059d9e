"""Record an X screen losslessly as a trace: `python -m bench.record OUT.bgrx.zst`.

With --scenario a desktop is started for it, with a browser and a terminal that work by themselves; with
--display it is one's own. A picture equal to the one before is left out.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np

from bench.desktop import Desktop, DesktopError
from bench.scenarios import SCENARIOS, acting
from bench.traces import HEIGHT, WIDTH, Writer
from bench.xscreen import XScreen, XScreenError
from sessions.pixels.framebuffer import Pixels

_WAITING = 8  # frames that may wait for compression; then the recorder waits too


def fitted(picture: Pixels) -> Pixels:
    """Return the picture cut, or filled up with black, to a trace's size."""
    if picture.shape == (HEIGHT, WIDTH):
        return picture
    frame = np.zeros((HEIGHT, WIDTH), "<u4")
    rows, columns = min(HEIGHT, picture.shape[0]), min(WIDTH, picture.shape[1])
    frame[:rows, :columns] = picture[:rows, :columns]
    return frame


def changes(
    capture: Callable[[], Pixels],
    fps: float,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Pixels]:
    """Yield what is captured `fps` times a second, for so many seconds, when it differs from the last."""
    began, last, tick = clock(), None, 0
    while max(tick / fps, clock() - began) < seconds:
        sleep(max(0.0, began + tick / fps - clock()))
        # Who is late has lost frames, and does not make up for them in a burst.
        tick = max(tick, int((clock() - began) * fps)) + 1
        picture = fitted(capture())
        if last is None or not np.array_equal(picture, last):
            last = picture
            yield picture


class Compressing:
    """Appends frames to a trace in a thread of its own, at most a few behind."""

    def __init__(self, trace: Writer) -> None:
        self._trace = trace
        self._waiting: queue.Queue[Pixels | None] = queue.Queue(_WAITING)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while (frame := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._trace.append(frame)
                except OSError as error:
                    self._error = error

    def append(self, frame: Pixels) -> None:
        """Add a frame. Raises OSError when the file cannot be written."""
        if self._error is not None:
            raise self._error
        self._waiting.put(frame)

    def finish(self) -> None:
        """Wait until all is written. Raises OSError if it could not be."""
        self._waiting.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error


def record(screen: XScreen, out: Path, fps: float, seconds: float, frames: int) -> int:
    """Record until time or frames are up, or Ctrl-C; return how many frames were kept."""
    began = time.monotonic()
    with Writer(out, level=1) as trace:
        compressing = Compressing(trace)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                for number, frame in enumerate(changes(screen.capture, fps, seconds), 1):
                    compressing.append(frame)
                    _progress(time.monotonic() - began, seconds, number, frames)
                    if number == frames:
                        break
        finally:
            compressing.finish()
            _progress(0, 0, 0, 0)
        return trace.frames


def _progress(passed: float, seconds: float, number: int, frames: int) -> None:
    """Show how far it is, on a terminal; a line of nothing clears it."""
    if not sys.stderr.isatty():
        return
    if not number:
        click.echo("\r\033[K", err=True, nl=False)
        return
    share = max(passed / seconds, number / frames if frames else 0.0)
    bar = "━" * round(30 * min(share, 1)) + "╌" * round(30 * (1 - min(share, 1)))
    click.echo(f"\r\033[K{bar} {passed:5.1f} s  {number} frames  (Ctrl-C ends and keeps)", err=True, nl=False)


@contextlib.contextmanager
def _screen(display: str | None, scenario: str) -> Iterator[XScreen]:
    """Yield the screen to record: that of `display`, or of a desktop on which the scenario goes on."""
    if display is not None:
        with XScreen(display) as screen:
            yield screen
        return
    click.echo(f"starting a desktop for {scenario} …", err=True)
    with Desktop() as desktop, acting(SCENARIOS[scenario], desktop), XScreen(desktop.display) as screen:
        yield screen


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--scenario", type=click.Choice(sorted(SCENARIOS)), default="office", show_default=True)
@click.option("--display", help="Record this X display instead, such as :0.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=6.0, show_default=True)
@click.option("--frames", type=click.IntRange(0), default=0, help="End after so many frames.")
@click.option("--fps", type=click.FloatRange(0.5, 120), default=15.0, show_default=True)
def main(out: Path, scenario: str, display: str | None, seconds: float, frames: int, fps: float) -> None:
    """Record a trace into OUT, which should end in .bgrx.zst; Ctrl-C keeps what was recorded."""
    try:
        with _screen(display, scenario) as screen:
            if screen.size != (WIDTH, HEIGHT):
                click.echo(f"the screen is {screen.size}; a trace has {WIDTH}×{HEIGHT} of it", err=True)
            began = time.monotonic()
            kept = record(screen, out, fps, seconds, frames)
            passed = time.monotonic() - began
    except (XScreenError, DesktopError, OSError) as error:
        raise click.ClickException(f"{out.name} could not be recorded: {error}") from error
    if not kept:
        raise click.ClickException("nothing was recorded")
    size = out.stat().st_size / 1e6
    click.echo(
        f"{out}: {kept} frames of {passed:.1f} s, {size:.1f} MB. Replay: python -m bench --trace {out}"
    )


if __name__ == "__main__":
    main()
