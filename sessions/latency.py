"""Where time goes between a key and its picture. Pure; times in seconds of any monotonic clock.

    received ─input→ injected ─guest→ damage ─wait→ ─encode→ encoded ─send→ sent ─line, client→ acknowledged

`Making` follows how pictures are made, for viewers that share them; `Latency` follows one viewer's pictures
to its screen, and its input to the first picture that answers it. `Figures` keeps what comes of it: as
percentiles of the last half to whole minute, and in total.

What cannot be known is not guessed. Input that nothing on the screen answers within ANSWER_SECONDS is left
out, and so is what hardly ever shows: moves of the pointer, releases, modifiers alone. A picture that would
have come anyway (a video, a clock) may be taken for the answer; then the guest seems faster than it is.

The line counts both ways: the frame's to the viewer and the acknowledgement's back, which stands for the
key's way here. So the stages of an answered input add up to what the person feels, and all is measured by
one clock. What a viewer claims of its own times can move time between the line and the client only.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sessions.input.events import Button, InputEvent, Key, Locks, Move, Pointer, Text, Wheel
from sessions.wire.tsg import Encoding, Operation, Stage

ANSWER_SECONDS = 2.0
"""A picture that comes later than this after an input is not taken for its answer."""
HALF_WINDOW = 30.0
"""Percentiles are of the last one to two of these."""
MAX_FOLLOWED = 64
"""Pictures on their way that are followed; of more, those sent first are forgotten."""

LOWEST = 10e-6
"""Shorter times count as this."""
STEPS = 8
"""Classes of a histogram an octave: a percentile is within 4.5 % of the truth."""
HIGHEST = 64.0
CLASSES = 181
"""Enough for HIGHEST; longer times count as that."""
_OCTAVES = range(4, 23)
BOUNDS = tuple(LOWEST * 2**octave for octave in _OCTAVES)
"""Below these `Figures.totals` counts, seconds: from 0.16 ms to 42 s. A class begins at each: it is exact."""

_MODIFIERS = frozenset({0x1D, 0x2A, 0x36, 0x38, 0x3A, 0x45, 0x46, 0x9D, 0xB8, 0xDB, 0xDC})
_MODIFIER_SYMBOLS = frozenset({*range(0xFFE1, 0xFFEF), 0xFE03, 0xFF7E, 0xFF7F, 0xFF14})
_PERCENTILES = (0.50, 0.95, 0.99)
_ENCODINGS = range(len(Encoding))
_PARTS = tuple(stage for stage in Stage if stage is not Stage.TOTAL)


def class_of(seconds: float) -> int:
    """Return the histogram's class of a time."""
    return int(math.log2(min(seconds, HIGHEST) / LOWEST) * STEPS) if seconds > LOWEST else 0


def percentile(counts: Sequence[int], share: float) -> float:
    """Return the time below which `share` of those counted lie, in seconds; 0 when there are none."""
    rank = share * sum(counts)
    for number, count in enumerate(counts):
        rank -= count
        if count and rank <= 0:
            return LOWEST * 2.0 ** ((number + 0.5) / STEPS) if number else LOWEST
    return 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """What a stage took lately, in seconds, and how many were counted.

    share: of the time from an input to its picture; None where no input was answered.
    """

    p50: float
    p95: float
    p99: float
    count: int
    share: float | None


class _Half:
    """Half a window: counts by stage and class, and what answered inputs spent in each stage."""

    __slots__ = ("counts", "spent")

    def __init__(self) -> None:
        self.counts = array("I", [0]) * (CLASSES * len(Stage))
        self.spent = [0.0] * len(_PARTS)


class Figures:
    """What one viewer, one session or one host has measured; a part's figures count for `whole` as well."""

    def __init__(self, whole: Figures | None = None) -> None:
        self._all: tuple[Figures, ...] = (self,)
        if whole is not None:
            self.count_for(whole)
        self._since = -math.inf
        self._now, self._before = _Half(), _Half()
        self._counts = array("Q", [0]) * (CLASSES * len(Stage))
        self._sums = [0.0] * len(Stage)
        self.frames = 0
        """Frames sent, refinements among them."""
        self.refinements = 0
        """Frames that only made exact what was there."""
        self._bytes = [0] * len(Encoding)
        self._pixels = [0] * len(Encoding)

    def count_for(self, whole: Figures) -> None:
        """From now on these are a part of `whole`."""
        self._all = (self, *whole._all)

    def add(self, stage: Stage, seconds: float, now: float) -> None:
        """Count one time."""
        seconds = max(seconds, 0.0)
        place = stage * CLASSES + class_of(seconds)
        for each in self._all:
            if now - each._since >= HALF_WINDOW:
                each._turn(now)
            each._now.counts[place] += 1
            each._counts[place] += 1
            each._sums[stage] += seconds

    def answered(self, spent: Sequence[float], now: float) -> None:
        """Count one input that was answered: its seconds in each stage, but for the total."""
        for each in self._all:
            each._turn(now)
            each._now.spent = [old + max(new, 0.0) for old, new in zip(each._now.spent, spent, strict=True)]

    def frame(self, operations: Sequence[Operation], history: int, refines: bool) -> None:
        """Count one frame. history: bytes of its history chunk."""
        sizes, areas = [0] * len(Encoding), [0] * len(Encoding)
        for encoding, _, _, width, height, data in operations:
            sizes[encoding] += len(data)
            areas[encoding] += width * height
        sizes[Encoding.HISTORY] += history
        for each in self._all:
            each.frames += 1
            each.refinements += refines
            for encoding in _ENCODINGS:
                if areas[encoding]:
                    each._bytes[encoding] += sizes[encoding]
                    each._pixels[encoding] += areas[encoding]

    def lately(self, now: float) -> dict[Stage, Times]:
        """Return what each stage took in the last half to whole minute; stages not seen then are left out."""
        self._turn(now)
        spent = [new + old for new, old in zip(self._now.spent, self._before.spent, strict=True)]
        total = sum(spent)
        found = {}
        for stage in Stage:
            new, old = _of(stage, self._now.counts), _of(stage, self._before.counts)
            counts = [sum(pair) for pair in zip(new, old, strict=True)]
            if any(counts):
                share = None if stage is Stage.TOTAL or not total else spent[stage] / total
                p50, p95, p99 = (percentile(counts, each) for each in _PERCENTILES)
                found[stage] = Times(p50, p95, p99, sum(counts), share)
        return found

    def report(self, now: float) -> dict[str, Any]:
        """Return all as JSON: {stages: {name: times}, frames, refinements, encodings}.

        times: {p50, p95, p99, count, share}; seconds, and share is null where no input was answered.
        encodings: {name: {bytes, pixels}}.
        """
        return {
            "stages": {
                stage.name.lower(): {
                    "p50": round(times.p50, 6),
                    "p95": round(times.p95, 6),
                    "p99": round(times.p99, 6),
                    "count": times.count,
                    "share": None if times.share is None else round(times.share, 4),
                }
                for stage, times in self.lately(now).items()
            },
            **self._sent(),
        }

    def totals(self) -> dict[str, Any]:
        """Return what was counted since the beginning, as JSON.

        {stages: {name: {below: [count below each of BOUNDS], count, sum}}, frames, refinements, encodings}.
        """
        stages = {}
        for stage in Stage:
            counts = _of(stage, self._counts)
            if any(counts):
                below = [sum(counts[: STEPS * octave]) for octave in _OCTAVES]
                stages[stage.name.lower()] = {"below": below, "count": sum(counts), "sum": self._sums[stage]}
        return {"stages": stages, **self._sent()}

    def _sent(self) -> dict[str, Any]:
        encodings = {
            encoding.name.lower(): {"bytes": self._bytes[encoding], "pixels": self._pixels[encoding]}
            for encoding in Encoding
            if self._pixels[encoding]
        }
        return {"frames": self.frames, "refinements": self.refinements, "encodings": encodings}

    def _turn(self, now: float) -> None:
        if now - self._since >= HALF_WINDOW:
            fresh = now - self._since < 2 * HALF_WINDOW
            self._before, self._now = self._now if fresh else _Half(), _Half()
            self._since = now


def _of(stage: Stage, counts: array[int]) -> Sequence[int]:
    return counts[stage * CLASSES : (stage + 1) * CLASSES]


@dataclass(frozen=True, slots=True)
class Made:
    """How a picture came to be: when the screen changed first (None: it had not), when all change so far was
    taken up, the seconds spent on encoding it, and when it was encoded.
    """

    damaged: float | None
    begun: float
    encode: float
    encoded: float


class Making:
    """Follows how pictures are made, for all viewers that are sent the same."""

    def __init__(self) -> None:
        self._damaged: float | None = None  # the first damage that no picture has taken up yet
        self._picture: Made | None = None  # begun, and not whole yet
        self._encoding: float | None = None

    def damaged(self, now: float) -> None:
        """The screen has changed, and its picture is whole."""
        if self._damaged is None:
            self._damaged = now

    def begun(self, now: float) -> None:
        """All damage so far is being taken up in a picture."""
        self.encoding(now)
        before = self._picture  # was never whole
        damaged = self._damaged if before is None or before.damaged is None else before.damaged
        self._picture = Made(damaged, now, 0.0 if before is None else before.encode, now)
        self._damaged = None

    def unchanged(self) -> None:
        """The picture that was begun shows nothing new after all."""
        self._picture = self._encoding = None

    def encoding(self, now: float) -> None:
        """A part of the picture is about to be encoded."""
        if self._encoding is None:
            self._encoding = now

    def encoded(self, now: float, whole: bool) -> Made | None:
        """A frame is encoded; return how its picture was made if it is whole with it (LAST), else None.

        None also for what makes exact what is there, and for what is left of a picture already returned.
        """
        took = 0.0 if self._encoding is None else max(now - self._encoding, 0.0)
        self._encoding = None
        if self._picture is None:
            return None
        made = replace(self._picture, encode=self._picture.encode + took, encoded=now)
        self._picture = None if whole else made
        return made if whole else None


@dataclass(slots=True)
class _Input:
    received: float
    injected: float
    damaged: float | None = None


@dataclass(slots=True)
class _Sent:
    at: float
    received: float | None = None
    spent: Sequence[float] = ()  # of the input that it answers: input, guest, wait, encode, send


class Latency:
    """Follows one viewer's input and pictures, from one beginning of frame numbers to the next."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._buttons = Button(0)
        self._input: _Input | None = None  # the first that no picture has answered yet
        self._ahead: dict[int, _Sent] = {}

    def injected(self, event: InputEvent, waited: float, now: float) -> None:
        """The guest was handed an input of this viewer, which had come `waited` seconds before."""
        if not self._asks(event):
            return
        self._figures.add(Stage.INPUT, waited, now)
        before = self._input
        if before is None or (before.damaged is None and now - before.injected > ANSWER_SECONDS):
            self._input = _Input(now - max(waited, 0.0), now)

    def damaged(self, now: float) -> None:
        """The screen has changed, and its picture is whole."""
        if self._input is not None and self._input.damaged is None:
            if now - self._input.injected <= ANSWER_SECONDS:
                self._input.damaged = now
            else:
                self._input = None

    def unchanged(self) -> None:
        """All damage so far shows nothing new after all: the answer is still to come."""
        if self._input is not None:
            self._input.damaged = None

    def sent(self, number: int, now: float, made: Made | None) -> None:
        """Frame `number` was handed on; made: how its picture was, None where that is not followed."""
        if made is None:
            return
        if len(self._ahead) >= MAX_FOLLOWED:
            del self._ahead[next(iter(self._ahead))]
        sent = self._ahead[number] = _Sent(now)
        self._figures.add(Stage.ENCODE, made.encode, now)
        self._figures.add(Stage.SEND, now - made.encoded, now)
        if made.damaged is not None:
            self._figures.add(Stage.WAIT, made.encoded - made.damaged - made.encode, now)
        asked = self._input
        if asked is not None and asked.damaged is not None and asked.damaged <= made.begun:
            self._input = None
            self._figures.add(Stage.GUEST, asked.damaged - asked.injected, now)
            wait = made.encoded - asked.damaged - made.encode
            sent.received = asked.received
            sent.spent = (
                asked.injected - asked.received,
                asked.damaged - asked.injected,
                wait,
                made.encode,
                now - made.encoded,
            )

    def acknowledged(self, number: int, now: float, held: float) -> None:
        """The viewer has the frames up to `number`, and says that it had the newest for `held` seconds."""
        arrived = [each for each in self._ahead if each <= number]
        for each in arrived:
            sent = self._ahead.pop(each)
            took = max(now - sent.at, 0.0)
            client = min(max(held, 0.0), took)
            if each == arrived[-1]:
                self._figures.add(Stage.LINE, took - client, now)
                self._figures.add(Stage.CLIENT, client, now)
            if sent.received is not None:
                self._figures.add(Stage.TOTAL, now - sent.received, now)
                self._figures.answered((*sent.spent, took - client, client), now)

    def _asks(self, event: InputEvent) -> bool:
        """Tell whether the guest will most likely show that it got this."""
        match event:
            case Key():
                is_modifier = event.scancode in _MODIFIERS or event.keysym in _MODIFIER_SYMBOLS
                return event.down and not is_modifier
            case Pointer() | Move():
                before, self._buttons = self._buttons, event.buttons
                return event.buttons != before
            case Text() | Wheel():
                return True
            case Locks():
                return False
