"""Viewers of videos leave nothing behind: no thread, no file, no memory, however they go."""

import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sessions.pixels.geometry import Rect, Size
from sessions.wire.tsg import Capability
from tests.sessions.test_pacing import VIDEOS, Threads
from tests.sessions.test_videos import Cinema

SCREEN = Size(320, 240)
PLAYER = Rect(70, 35, 180, 150)
WARM_UP = 10
OPENINGS = {Capability.H264: 150, Capability.VP8: 20, Capability.VP9: 20, Capability.AV1: 20}
MOST_GROWTH = 20_000_000
"""Bytes; an encoder that is kept has 2.5 million of them."""


class Pool(Threads):
    """Really encodes on other threads, as a session host does."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__()
        self._pool = pool

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        return super().__call__(self._pool.submit(work).result)


class Evening(Cinema):
    """A session with a film and a viewer who takes one codec."""

    def __init__(self, pool: ThreadPoolExecutor, codec: Capability) -> None:
        self._pool = pool
        super().__init__(tuple(each for each in VIDEOS if each is not codec), SCREEN, PLAYER)

    def other_threads(self) -> Threads:
        return Pool(self._pool)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def resources() -> tuple[int, int, int]:
    """Return how many threads and open files this process has, and its resident bytes."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the allocator keeps of what was freed varies by 50 MB
    threads, files = (len(os.listdir(f"/proc/self/{kind}")) for kind in ("task", "fd"))
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return threads, files, resident


def open_and_leave(pool: ThreadPoolExecutor, codec: Capability, amid: bool) -> None:
    """Have a session with a film. amid: the viewer leaves while a picture is being encoded."""
    evening = Evening(pool, codec)
    evening.play(8)
    assert evening.picture.videos
    if amid:
        evening.show()
        evening.clock.advance(1 / 30)
        assert evening.threads.waiting
    evening.stand(evening.seat)
    evening.encode()


@pytest.mark.parametrize("codec", OPENINGS)
def test_viewers_of_videos_leave_nothing_behind(pool: ThreadPoolExecutor, codec: Capability) -> None:
    for number in range(WARM_UP):
        open_and_leave(pool, codec, amid=bool(number % 2))
    threads, files, resident = resources()
    for number in range(OPENINGS[codec]):
        open_and_leave(pool, codec, amid=bool(number % 2))
    after = resources()
    assert after[0] <= threads
    assert after[1] <= files
    assert after[2] - resident < MOST_GROWTH
