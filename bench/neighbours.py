"""What one session's pictures cost another's typing: `python -m bench.neighbours [--seconds 60]`.

One session host serves two desktops over TLS. At the first somebody types (bench/scale_desktops); the second
(bench/neighbours_desktop) stands still with nobody there, plays a film to a viewer that takes videos, plays
it to one that does not, scrolls a page, or changes from one whole screen of text to another. These take
turns in blocks of a few seconds, so that what else the machine does strikes all alike. The product is bound
to `--cores` cores, the bench to the others. docs/scale.md says how to read the figures.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.product import Connection, Product
from bench.scale import Desktops, Usage, bound, percentiles
from bench.scale_desktops import Layout
from bench.scale_users import Measured, Office, User
from sessions.wire import tsg

LAYOUT = Layout(1280, 800)
PAUSE = (0.05, 0.08)
"""Between two keys, seconds: as four people type who type fast, for there to be enough of them."""
SETTLE = 1.5
"""After a change, seconds; by then a film is a video."""
VIDEOS = (tsg.Capability.H264, tsg.Capability.VP8, tsg.Capability.VP9, tsg.Capability.AV1)


@dataclass(frozen=True)
class Kind:
    """What the neighbour does: what its desktop shows (bench/neighbours_desktop), and whether to videos."""

    shows: str
    videos: bool = True


KINDS = {
    "alone": Kind("still"),
    "film, video": Kind("film"),
    "film, JPEG": Kind("film", videos=False),
    "page": Kind("page"),
    "screens": Kind("screens"),
}


class Screen:
    """The neighbour's desktop, in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.neighbours_desktop"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise RuntimeError("the neighbour's desktop cannot be served")
        self.port = int(json.loads(line)["port"])
        self.pid = self._process.pid

    def show(self, what: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(what + "\n")
            self._process.stdin.flush()

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate()


class Watcher:
    """A viewer that acknowledges everything at once and decodes nothing, on a thread of its own."""

    def __init__(self, connection: Connection) -> None:
        self.seen: Counter[int] = Counter()
        """Operations so far."""
        self._connection = connection
        self._leaves = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while not self._leaves:
                for message in self._connection.messages(0.1):
                    if message[0] == tsg.Frame.TYPE:
                        frame = tsg.decode(message, tsg.FROM_SERVER)
                        if isinstance(frame, tsg.Frame):
                            self.seen.update(each.encoding for each in frame.operations)
                            self._connection.send(tsg.Ack(frame.number, 0, 0))

    def leave(self) -> None:
        self._leaves = True
        self._thread.join()
        self._connection.close()


@dataclass
class Block:
    """What was measured in a few seconds. seen: what the neighbour was sent."""

    measured: Measured
    used: dict[str, float]
    seen: Counter[int] = field(default_factory=Counter)

    @property
    def keys(self) -> list[float]:
        """From each key to its frame, seconds."""
        return [took for _, took in self.measured.keys]


class Bench:
    """A product, somebody who types, and a neighbour."""

    def __init__(self, product: Product, desktops: Desktops, screen: Screen) -> None:
        self._product = product
        self._screen = screen
        self._desktops = desktops
        self.office = Office()

    def begin(self) -> None:
        """Let somebody type."""
        user = User(0, self._product.connect(LAYOUT.width, LAYOUT.height, desktop="office"), LAYOUT)
        user.habits = _keys()
        self.office.add(user)
        deadline = time.monotonic() + 60
        while not user.shown:
            if time.monotonic() > deadline:
                raise TimeoutError("there is no picture to type at")
            self.office.run(0.1)
        self.office.work()

    def block(self, kind: Kind, seconds: float) -> Block:
        """Measure for so many seconds beside such a neighbour."""
        with self.neighbour(kind) as watcher:
            self._screen.show(kind.shows)
            self.office.run(SETTLE)
            before = Counter() if watcher is None else Counter(watcher.seen)
            measured = self.office.begin()
            usage = Usage(self._product.processes() | {"bench": os.getpid(), "desktop": self._screen.pid})
            self.office.run(seconds)
            block = Block(measured, usage.seconds())
            if watcher is not None:
                block.seen = Counter(watcher.seen) - before
            self._screen.show("still")
            self.office.run(0.2)
        return block

    @contextmanager
    def neighbour(self, kind: Kind) -> Iterator[Watcher | None]:
        """Have a viewer of the other desktop, unless it stands still."""
        if kind.shows == "still":
            yield None
            return
        watcher = Watcher(self._product.connect(without=() if kind.videos else VIDEOS))
        try:
            yield watcher
        finally:
            watcher.leave()


def _keys() -> Iterator[tuple[float, str]]:
    rng = random.Random(1)
    while True:
        yield rng.uniform(*PAUSE), "key"


def result(kind: str, blocks: list[Block], alone: dict[str, float]) -> dict[str, Any]:
    """Return the figures of all blocks of a kind. alone: percentiles without a neighbour."""
    keys = [key for block in blocks for key in block.keys]
    passed = sum(block.used["passed"] for block in blocks)
    times = percentiles(keys)
    p95 = [percentiles(block.keys).get("p95", np.inf) for block in blocks]
    seen = sum((block.seen for block in blocks), Counter())
    return {
        "neighbour": kind,
        "keys": len(keys),
        "key_to_frame_ms": times,
        "slower_ms": {name: round(times[name] - alone[name], 2) for name in times} if alone else {},
        "longest_ms": round(max(keys, default=0.0) * 1000, 2),
        "block_p95_ms": round(float(np.median(p95)), 2),
        "blocks_p95_ms": p95,
        "cores": {
            name: round(sum(block.used[name] for block in blocks) / passed, 3)
            for name in blocks[0].used
            if name != "passed"
        },
        "neighbour_operations_per_second": {
            tsg.Encoding(encoding).name.lower(): round(count / passed, 1)
            for encoding, count in sorted(seen.items())
        },
    }


COLUMNS = ("keys", "p50", "p95", "p99", "most", "block", "+p50", "+p95", "+p99", "host", "gateway", "others")
LEGEND = """
p50, p95, p99, most: from a key to its frame, ms; block: the median of the blocks' p95, for which a block that
another program has spoiled counts little; +: what they are above those alone; host, gateway, others: cores
used. Last, what the neighbour's viewer was sent, operations a second.
"""


def row(result: dict[str, Any]) -> str:
    times, slower, cores = result["key_to_frame_ms"], result["slower_ms"], result["cores"]
    values = (
        f"{result['keys']}",
        *(f"{times.get(name, 0):.1f}" for name in ("p50", "p95", "p99")),
        f"{result['longest_ms']:.1f}",
        f"{result['block_p95_ms']:.1f}",
        *(f"{slower.get(name, 0):+.1f}" for name in ("p50", "p95", "p99")),
        *(f"{cores[name]:.2f}" for name in ("session host", "gateway", "others")),
    )
    seen = result["neighbour_operations_per_second"].items()
    told = ", ".join(f"{name} {count:.0f}" for name, count in seen)
    return f"{result['neighbour']:12}" + "".join(f"{value:>8}" for value in values) + f"  {told}"


@contextmanager
def set_up(cores: int) -> Iterator[tuple[Product, Desktops, Screen]]:
    """Start everything, on the cores where it belongs."""
    available = sorted(os.sched_getaffinity(0))
    ours, others = (available[:cores], available[cores:]) if len(available) > cores else ([], [])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tsg-neighbours-")))
        stack.enter_context(bound(others))
        screen = Screen()
        stack.callback(screen.end)
        desktops = Desktops(folder, 1, LAYOUT)
        stack.callback(desktops.end)
        office = (
            f'[hosts]\ncount = 1\n[desktops.office]\ntitle = "Office"\nkind = "rfb"\n'
            f'socket = "{folder}/0.sock"\ngroups = ["users"]'
        )
        with bound(ours):
            desktop = f'kind = "rfb"\nhost = "127.0.0.1"\nport = {screen.port}'
            product = stack.enter_context(Product(desktop, office))
        yield product, desktops, screen


def run(seconds: float, block: float, cores: int) -> list[dict[str, Any]]:
    """Measure each kind for so many seconds, in blocks that alternate."""
    with set_up(cores) as (product, desktops, screen):
        bench = Bench(product, desktops, screen)
        bench.begin()
        blocks: dict[str, list[Block]] = {name: [] for name in KINDS}
        for _ in range(max(round(seconds / block), 1)):
            for name, kind in KINDS.items():
                blocks[name].append(bench.block(kind, block))
        bench.office.close()
    alone = percentiles([key for each in blocks["alone"] for key in each.keys])
    return [result(name, each, alone) for name, each in blocks.items()]


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long each kind is measured.")
@click.option("--block", default=3.0, show_default=True, help="How long at a time.")
@click.option("--cores", default=1, show_default=True, help="How many the gateway and its host may use.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write the figures to this file.")
def main(seconds: float, block: float, cores: int, report: Path | None) -> None:
    """Find out what one session's pictures cost another's typing."""
    if len(os.sched_getaffinity(0)) <= cores:
        click.echo("There are no other cores for the bench: it takes from the product's.")
    results = run(seconds, block, cores)
    click.echo(LEGEND + "\n" + " " * 12 + "".join(f"{name:>8}" for name in COLUMNS))
    for each in results:
        click.echo(row(each))
    if report is not None:
        report.write_text(json.dumps({"cores": cores, "results": results}, indent=2))


if __name__ == "__main__":
    main()
