"""Run one peer in one mode on one trace, and judge what its viewer got."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.base import Mode, Peer, PeerError, Run, UndecodableError, Update, Watch
from bench.product import cpu_seconds, resident_mb
from sessions.pixels.framebuffer import Pixels

SETTLE_SECONDS = 1.5  # without anything new: the viewer has what it will get
_MOST_SECONDS = 60.0
_LARGE = 200_000  # pixels: of a larger part a sample is enough to tell frames apart
_SEEN_DB = 18.0  # of what changed: another page of text has about 10, a coarse JPEG of the same 25


@dataclass
class Judged:
    """What a viewer saw of a trace.

    shown: for each frame the time it, or a later one, was shown; NaN: never. distinct, exact: pictures that
    were some frame, and those equal to it. mean_square: of each of these the error, 0 to 255².
    final: the last picture's.
    """

    shown: list[float]
    mean_square: list[float]
    final: float
    exact: int
    distinct: int


def error(one: Pixels, other: Pixels, box: tuple[slice, slice] | None = None) -> float:
    """Return the mean square error of two pictures' colours, or of this part of them."""
    if box is not None:
        one, other = one[box], other[box]
    different = one != other
    if not different.any():
        return 0.0
    a = np.ascontiguousarray(one[different]).view(np.uint8).astype(np.int16)
    b = np.ascontiguousarray(other[different]).view(np.uint8).astype(np.int16)
    return float(np.square(a - b, dtype=np.int32).sum(dtype=np.int64)) / (one.size * 3)


def decibels(mean_square: float) -> float | None:
    """Return the PSNR; None when the pictures are equal."""
    return None if mean_square == 0 else round(float(10 * np.log10(255**2 / mean_square)), 1)


def changed_box(one: Pixels, other: Pixels) -> tuple[slice, slice] | None:
    """Return the smallest part that holds all differences."""
    different = one != other
    rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


class Judge:
    """Finds out which frame a picture is.

    A lossy picture equals no frame. It counts as frame n when, where anything changed since the frame last
    seen, it is nearer to n than to any other frame painted so far, and near enough.
    """

    def __init__(self, frames: list[Pixels], began: list[float]) -> None:
        self._frames, self._began = frames, began
        self.judged = Judged([float("nan")] * len(frames), [], float("nan"), 0, 0)
        self._last = -1
        self._changes: dict[int, tuple[slice, slice] | None] = {}

    def look(self, picture: Pixels, at: float) -> None:
        """Take a picture that was shown at this time."""
        number = self._which(picture, at)
        if number is None:
            return
        for each in range(self._last + 1, number + 1):
            self.judged.shown[each] = at
        self._last = number
        self._changes.clear()
        self.judged.distinct += 1
        mean_square = error(picture, self._frames[number])
        self.judged.mean_square.append(mean_square)
        self.judged.exact += mean_square == 0

    def _which(self, picture: Pixels, at: float) -> int | None:
        before = self._frames[self._last] if self._last >= 0 else np.zeros_like(picture)
        near = [n for n in range(self._last + 1, len(self._frames)) if self._began[n] <= at]
        boxes = [box for number in near if (box := self._change(before, number)) is not None]
        if not boxes:
            return None
        box = _sampled(
            slice(min(rows.start for rows, _ in boxes), max(rows.stop for rows, _ in boxes)),
            slice(min(columns.start for _, columns in boxes), max(columns.stop for _, columns in boxes)),
        )
        errors = {number: error(picture, self._frames[number], box) for number in near}
        best = min(near, key=lambda number: errors[number])
        quality = decibels(errors[best])
        near_enough = quality is None or quality >= _SEEN_DB
        return best if near_enough and errors[best] < error(picture, before, box) else None

    def _change(self, before: Pixels, number: int) -> tuple[slice, slice] | None:
        """Return where a frame differs from the one seen last."""
        if number not in self._changes:
            self._changes[number] = changed_box(before, self._frames[number])
        return self._changes[number]


def _sampled(rows: slice, columns: slice) -> tuple[slice, slice]:
    """Return the box, or of a large one every third pixel of every third row: enough to tell frames apart."""
    step = 3 if (rows.stop - rows.start) * (columns.stop - columns.start) > _LARGE else 1
    return slice(rows.start, rows.stop, step), slice(columns.start, columns.stop, step)


def judge(
    frames: list[Pixels], began: list[float], updates: list[Update], decoder: Any, start: float
) -> Judged:
    """Decode all updates and judge the pictures since `start`. Raises UndecodableError."""
    looking = Judge(frames, began)
    for update in updates:
        if decoder.apply(update.data) and update.at >= start:
            looking.look(decoder.pixels, update.at)
    looking.judged.final = error(decoder.pixels, frames[-1])
    return looking.judged


def measure(peer: Peer, mode: Mode, trace: Path, frames: list[Pixels], fps: float) -> dict[str, Any]:
    """Return what it took this peer to send a trace. Raises PeerError."""
    with peer.run(mode, trace, fps) as run:
        began, counted, watch = _play(run, len(frames), fps)
        decoder = run.viewer.decoder()
    result = {"peer": peer.name, "mode": mode.name, "lossless": mode.lossless, "trace": trace_name(trace)}
    result |= {"frames": len(frames)} | counted
    result["bytes_per_frame"] = round(counted["bytes"] / len(frames))
    result["cpu_ms_per_frame"] = round(counted["cpu_ms"] / len(frames), 2)
    try:
        judged = judge(frames, began, watch.updates, decoder, began[0])
    except UndecodableError as problem:
        return result | {"undecodable": str(problem)}
    return result | _quality(judged, began)


def trace_name(trace: Path) -> str:
    """Return a trace's name: its file's, without the endings."""
    return trace.name.removesuffix(".zst").removesuffix(".bgrx")


def _play(run: Run, frames: int, fps: float) -> tuple[list[float], dict[str, Any], Watch]:
    """Return when each frame began to go in, the figures, and what the viewer got."""
    watch = Watch(run.viewer)
    watch.until_quiet(0.5, 20, least=1)
    servers, aside = run.servers(), run.aside()
    before = _used(servers), _used(aside)
    received, updates = run.viewer.received, len(watch.updates)
    run.feed.go()
    began = _listen(run.feed, frames)
    watch.until_quiet(SETTLE_SECONDS, _MOST_SECONDS)
    after = _used(servers), _used(aside)
    counted = {
        "bytes": run.viewer.received - received,
        "updates": len(watch.updates) - updates,
        "cpu_ms": round((after[0] - before[0]) * 1000, 1),
        "aside_cpu_ms": round((after[1] - before[1]) * 1000, 1),
        "memory_mb": round(sum(map(resident_mb, servers.values())), 1),
        "fps": fps,
    }
    return began, counted, watch


def _listen(feed: Any, frames: int) -> list[float]:
    """Wait until all frames have gone in, and return when each began to."""
    began: list[float] = []
    done = threading.Event()

    def listen() -> None:
        while "done" not in (happening := feed.next()):
            if "frame" in happening:
                began.append(happening["began"])
        done.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    if not done.wait(_MOST_SECONDS + frames) or len(began) != frames:
        raise PeerError("it took in the trace too slowly")
    return began


def _used(pids: dict[str, int]) -> float:
    return sum(map(cpu_seconds, pids.values()))


def _quality(judged: Judged, began: list[float]) -> dict[str, Any]:
    latency = [(shown - since) * 1000 for shown, since in zip(judged.shown, began, strict=True)]
    seen = [each for each in latency if not np.isnan(each)]

    def percentile(share: int) -> float | None:
        return round(float(np.percentile(seen, share)), 1) if seen else None

    return {
        "shown": judged.distinct,
        "exact": judged.exact,
        "never_shown": len(latency) - len(seen),
        "latency_p50_ms": percentile(50),
        "latency_p95_ms": percentile(95),
        "latency_p99_ms": percentile(99),
        "psnr_db": decibels(float(np.mean(judged.mean_square))) if judged.mean_square else None,
        "final_psnr_db": decibels(judged.final),
        "final_exact": judged.final == 0,
    }
