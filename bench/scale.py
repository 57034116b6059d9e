"""How many office users a core serves: `python -m bench.scale [--sessions 50,100] [--seconds 20]`.

Simulated users (bench/scale_users), each on a desktop of their own (bench/scale_desktops), work over TLS
through one gateway and its session hosts. The product is bound to `--cores` cores, everything else to the
others, so that a core's worth of sessions can be counted. Without `--sessions` their number grows until the
95th percentile of the time from a key to the frame that answers it is above 50 ms. docs/scale.md says how to
read the figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.product import Product, cpu_seconds, resident_mb
from bench.scale_desktops import MAX_KEYS, Layout
from bench.scale_users import KEYS_A_SECOND, Measured, Office, User

LIMIT_MS = 50.0
STEPS = (25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 300, 350, 400, 500)
SCREENS = {"1280x800": (1280, 800), "1920x1080": (1920, 1080)}
DESKTOPS_A_PERSON = 50
"""Fewer accounts than users: each costs a slow sign-in."""
SETTLE = 3.0
"""Seconds that users work before anything is counted."""
PATIENCE = 4
"""So many times as long it may take to find seconds in which no other program disturbs."""
STUCK = 10.0
"""A key without an answer for so long is not going to have one, seconds."""


class Desktops:
    """The process of the desktops, and what it has noted."""

    def __init__(self, folder: Path, count: int, layout: Layout) -> None:
        self._arrivals = folder / "arrivals"
        self._count = count
        command = [sys.executable, "-m", "bench.scale_desktops", str(folder), str(count)]
        self._process = subprocess.Popen(
            [*command, str(layout.width), str(layout.height)], stdout=subprocess.PIPE, text=True
        )
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the desktops cannot be served")

    @property
    def pid(self) -> int:
        return self._process.pid

    def to_desktop(self, sent: Sequence[tuple[int, int, float]]) -> list[float]:
        """Return how long each key took from the user's socket to the desktop, seconds."""
        arrivals = np.memmap(self._arrivals, np.float64, "r", shape=(self._count, MAX_KEYS))
        times = [float(arrivals[user, key % MAX_KEYS]) - at for user, key, at in sent]
        return [each for each in times if each >= 0]  # the last ones may be on their way still

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


class Usage:
    """Processor time since this was made: of processes, and of all others."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._began = time.monotonic()
        self._cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
        self._busy = _busy_seconds()

    def seconds(self) -> dict[str, float]:
        """Return processor seconds of each process and of `others`, and those that have `passed`."""
        used = {name: cpu_seconds(pid) - self._cpu[name] for name, pid in self._pids.items()}
        others = max(_busy_seconds() - self._busy - sum(used.values()), 0.0)
        return used | {"others": others, "passed": time.monotonic() - self._began}


def _of_product(name: str) -> bool:
    return name == "gateway" or name.startswith("session host")


def _busy_seconds() -> float:
    """Return how long cores have not been idle (proc(5): user, nice, system, idle, iowait, …, steal)."""
    fields = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def bound(cores: Sequence[int]) -> Iterator[None]:
    """Bind what is started in the block to these cores, where any are named."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return the usual ones, ms."""
    if not seconds:
        return {}
    values = np.percentile(seconds, [50, 95, 99]) * 1000
    return {name: round(float(value), 2) for name, value in zip(("p50", "p95", "p99"), values, strict=True)}


@dataclass
class Second:
    """One second of work. used: of `Usage`. since: when the undisturbed time began that it belongs to."""

    used: dict[str, float]
    measured: Measured
    since: float

    @property
    def quiet(self) -> bool:
        """Whether other programs have used less than a tenth of a core."""
        return self.used["others"] < 0.1 * self.used["passed"]


class Bench:
    """A product, desktops and users in one run."""

    def __init__(self, product: Product, desktops: Desktops, layout: Layout) -> None:
        self._product = product
        self._desktops = desktops
        self._layout = layout
        self.office = Office()
        self._empty_mb = 0.0

    def grow(self, count: int) -> None:
        """Let users come until there are so many; those who are there work on."""
        with ThreadPoolExecutor(1) as beside:
            while (number := len(self.office.users)) < count:
                opening = beside.submit(
                    self._product.connect,
                    self._layout.width,
                    self._layout.height,
                    desktop=f"office-{number}",
                    person=number // DESKTOPS_A_PERSON,
                )
                while not opening.done():
                    self.office.run(0.01)
                self._empty_mb = self._empty_mb or self._memory()
                self.office.add(User(number, opening.result(), self._layout))
        deadline = time.monotonic() + 60
        while not all(user.shown for user in self.office.users):
            if time.monotonic() > deadline:
                raise TimeoutError("not everybody has a picture")
            self.office.run(0.1)
        self.office.work()

    def measure(self, seconds: int) -> dict[str, Any]:
        """Let them work for so many undisturbed seconds and return what it was like.

        When there are not so many, those count in which others have disturbed least. Keys that were due while
        others disturbed are never counted: the queues of that time are not the product's.
        """
        self.office.run(SETTLE)
        pids = self._product.processes() | {"desktops": self._desktops.pid, "users": os.getpid()}
        passed: list[Second] = []
        since = time.monotonic()
        while len(passed) < PATIENCE * seconds and sum(each.quiet for each in passed) < seconds:
            measured = self.office.begin()
            usage = Usage(pids)
            self.office.run(1.0)
            passed.append(Second(usage.seconds(), measured, since))
            if not passed[-1].quiet:
                since = time.monotonic()
        passed.sort(key=lambda each: each.used["others"])
        return self._result(passed[:seconds])

    def _result(self, seconds: list[Second]) -> dict[str, Any]:
        used = {name: sum(each.used[name] for each in seconds) for name in seconds[0].used}
        keys, turns = (
            [took for each in seconds for due, took in getattr(each.measured, name) if due >= each.since]
            for name in ("keys", "turns")
        )
        sent = [key for each in seconds for key in each.measured.sent]
        late = [took for each in seconds for took in each.measured.late]
        passed = used.pop("passed")
        sessions = len(self.office.users)
        product = sum(value for name, value in used.items() if _of_product(name)) / passed
        now = time.monotonic()
        return {
            "sessions": sessions,
            "seconds": len(seconds),
            "quiet_seconds": sum(each.quiet for each in seconds),
            "keys": len(keys),
            "unanswered": sum(u.unanswered > 0 and now - u.unanswered > STUCK for u in self.office.users),
            "key_to_frame_ms": percentiles(keys),
            "key_to_desktop_ms": percentiles(self._desktops.to_desktop(sent)),
            "turn_to_frame_ms": percentiles(turns),
            "sent_late_ms": percentiles(late),
            "keys_per_session_second": round(len(sent) / passed / sessions, 2),
            "kB_per_session_second": round(
                sum(each.measured.bytes for each in seconds) / passed / sessions / 1000, 2
            ),
            "cores": {name: round(value / passed, 3) for name, value in used.items()},
            "product_ms_per_session_second": round(product / sessions * 1000, 2),
            "MB_per_session": round((self._memory() - self._empty_mb) / sessions, 1),
        }

    def _memory(self) -> float:
        return sum(map(resident_mb, self._product.processes().values()))


COLUMNS = (
    "sessions", "keys", "p50", "p95", "p99", "desktop", "wheel", "gateway", "hosts", "bench", "others",
    "quiet", "ms/s", "MB",
)  # fmt: skip
LEGEND = """
keys: pressed a session and second, 1.6 where all could; p50, p95, p99: from a key to its frame, ms; desktop:
from a key to its arrival at the desktop, p95, ms; wheel: from a turn to its frame, p95, ms; gateway, hosts,
bench, others: cores used; quiet: seconds that nobody else disturbed, of those that count; ms/s: processor
time of gateway and hosts, ms a session and second; MB: their memory a session.
"""


def row(result: dict[str, Any]) -> str:
    keys, cores = result["key_to_frame_ms"], result["cores"]
    values = (
        f"{result['sessions']}",
        f"{result['keys_per_session_second']:.2f}",
        *(f"{keys.get(name, 0):.1f}" for name in ("p50", "p95", "p99")),
        f"{result['key_to_desktop_ms'].get('p95', 0):.1f}",
        f"{result['turn_to_frame_ms'].get('p95', 0):.1f}",
        f"{cores['gateway']:.2f}",
        f"{sum(value for name, value in cores.items() if name.startswith('session host')):.2f}",
        f"{cores['users'] + cores['desktops']:.2f}",
        f"{cores['others']:.2f}",
        f"{result['quiet_seconds']}/{result['seconds']}",
        f"{result['product_ms_per_session_second']:.2f}",
        f"{result['MB_per_session']:.1f}",
    )
    return "".join(f"{value:>8}" for value in values)


def run(
    screen: tuple[int, int], steps: Sequence[int], seconds: int, cores: int, until: float | None
) -> list[dict[str, Any]]:
    """Measure each step; with `until`, no step after one whose p95 is above so many ms."""
    layout = Layout(*screen)
    available = sorted(os.sched_getaffinity(0))
    split = len(available) > cores
    ours, others = (available[:cores], available[cores:]) if split else ([], [])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tsg-scale-")))
        with bound(others):
            desktops = Desktops(folder, max(steps), layout)
        stack.callback(desktops.end)
        published = [
            f'[desktops.office-{n}]\ntitle = "Office"\nkind = "rfb"\nsocket = "{folder}/{n}.sock"\n'
            'groups = ["users"]'
            for n in range(max(steps))
        ]
        people = -(-max(steps) // DESKTOPS_A_PERSON)
        unused = f'kind = "rfb"\nsocket = "{folder}/0.sock"'
        with bound(ours):
            product = stack.enter_context(Product(unused, "\n".join(published), people))
        stack.enter_context(bound(others))
        bench = Bench(product, desktops, layout)
        stack.callback(bench.office.close)
        results = []
        click.echo(LEGEND + "\n" + "".join(f"{name:>8}" for name in COLUMNS))
        for count in steps:
            bench.grow(count)
            results.append(bench.measure(seconds))
            click.echo(row(results[-1]))
            if until is not None and results[-1]["key_to_frame_ms"].get("p95", np.inf) > until:
                break
        return results


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(each) for each in value.split(",")})) if value else ()
    except ValueError:
        raise click.BadParameter("give numbers, as in 50,100,200") from None


@click.command()
@click.option(
    "--sessions", callback=_numbers, help="Numbers of sessions, as in 50,100,200. Default: growing."
)
@click.option("--seconds", default=20, show_default=True, help="How long each step is measured.")
@click.option("--screen", type=click.Choice(list(SCREENS)), default="1280x800", show_default=True)
@click.option("--cores", default=1, show_default=True, help="How many the gateway and its hosts may use.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write the figures to this file.")
def main(sessions: tuple[int, ...], seconds: int, screen: str, cores: int, report: Path | None) -> None:
    """Find out how many office users a core serves."""
    if len(os.sched_getaffinity(0)) <= cores:
        click.echo("There are no other cores for users and desktops: they take from the product's.")
    results = run(SCREENS[screen], sessions or STEPS, seconds, cores, None if sessions else LIMIT_MS)
    good = [each["sessions"] for each in results if each["key_to_frame_ms"].get("p95", np.inf) <= LIMIT_MS]
    click.echo(
        f"Sessions on {cores} core{'s' * (cores != 1)} with p95 of key → frame ≤ {LIMIT_MS:.0f} ms: "
        f"{max(good, default=0)}" + ("" if len(good) < len(results) else " or more")
    )
    usual = [each for each in results if each["keys_per_session_second"] > 0.8 * KEYS_A_SECOND]
    if usual:
        cost = usual[-1]["product_ms_per_session_second"]
        click.echo(f"By processor time alone: {cores * 1000 / cost:.0f} ({cost} ms a session and second).")
    if any(each["quiet_seconds"] < each["seconds"] for each in results):
        click.echo("Other programs have disturbed: times say little there, processor time a little more.")
    if report is not None:
        report.write_text(json.dumps({"screen": screen, "cores": cores, "results": results}, indent=2))


if __name__ == "__main__":
    main()
