"""What sessions cost in memory: `python -m bench.memory [--office 8] [--cards 200] [--connected 20]`.

First people work at office desktops of full HD (bench/scale_desktops) on one session host, then all leave:
what a session costs while somebody works in it, and what is left of that when nobody is connected. Then many
sessions of the test card run at once on all session hosts, most of them disconnected: what gateway and hosts
use in all. What guests themselves use is in neither. docs/sessions.md says how to read the figures.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench.product import Product, cpu_seconds
from bench.scale import Bench, Desktops
from bench.scale_desktops import Layout
from bench.sharing import Onlooker

FULL_HD = Layout(1920, 1080)
WORK_SECONDS = 15.0
REST_SECONDS = 8.0
"""After so long with nobody connected a session has let go of its screen (sessions/session.REST_SECONDS)."""
MEASURED_SECONDS = 10.0


class Memory(NamedTuple):
    """Memory of processes, MiB.

    shared: with what they share counted by parts (PSS). own: without it (USS).
    """

    shared: float
    own: float

    def less(self, other: Memory, sessions: int) -> dict[str, float]:
        """Return how much more this is than the other, a session."""
        names = ("PSS", "USS")
        return {
            name: round((mine - theirs) / sessions, 2)
            for name, mine, theirs in zip(names, self, other, strict=True)
        }

    def whole(self) -> dict[str, float]:
        """Return it for people."""
        return {"PSS": round(self.shared, 1), "USS": round(self.own, 1)}


def memory(*pids: int) -> Memory:
    """Return what processes use (proc(5), smaps_rollup)."""
    found = {"Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, value = line.partition(":")
            if name in found:
                found[name] += int(value.split()[0])
    return Memory(found["Pss"] / 1024, (found["Private_Clean"] + found["Private_Dirty"]) / 1024)


def office(sessions: int) -> dict[str, Any]:
    """Measure sessions in which people work, and those that they have left."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tsg-memory-")))
        desktops = Desktops(folder, sessions + 1, FULL_HD)
        stack.callback(desktops.end)
        published = "\n".join(
            f'[desktops.office-{n}]\ntitle = "Office"\nkind = "rfb"\nsocket = "{folder}/{n}.sock"\n'
            'groups = ["users"]'
            for n in range(sessions)
        )
        first = f'kind = "rfb"\nsocket = "{folder}/{sessions}.sock"'
        product = stack.enter_context(Product(first, f"{published}\n[hosts]\ncount = 1"))
        warm = Onlooker(product.connect(FULL_HD.width, FULL_HD.height))
        time.sleep(2)
        warm.leave()  # what the first session alone costs: modules, threads, buffers of the process
        time.sleep(REST_SECONDS)
        host = product.processes()["session host"]
        empty = memory(host)
        bench = Bench(product, desktops, FULL_HD)
        bench.grow(sessions)
        bench.office.run(WORK_SECONDS)
        working = memory(host)
        bench.office.close()
        time.sleep(REST_SECONDS)
        left = memory(host)
        return {
            "sessions": sessions,
            "connected": working.less(empty, sessions),
            "disconnected": left.less(empty, sessions),
            "host": empty.whole(),
        }


def cards(sessions: int, connected: int, fps: float) -> dict[str, Any]:
    """Measure many sessions of the test card at once; the first `connected` of them are looked at."""
    published = "\n".join(
        f'[desktops.card-{n}]\ntitle = "Card"\nkind = "testcard"\nfps = {fps}\ngroups = ["users"]'
        for n in range(sessions)
    )
    with Product('kind = "testcard"', published) as product:
        empty = {name: memory(pid) for name, pid in product.processes().items()}
        onlookers = []
        for number in range(sessions):
            each = Onlooker(product.connect(1280, 720, desktop=f"card-{number}"))
            while not each.frames:
                time.sleep(0.01)
            if number < connected:
                onlookers.append(each)
            else:
                each.leave()
        time.sleep(REST_SECONDS)
        pids = product.processes()
        began = time.monotonic()
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        frames = sum(each.frames for each in onlookers)
        time.sleep(MEASURED_SECONDS)
        passed = time.monotonic() - began
        result = {
            "sessions": sessions,
            "connected": connected,
            "frames_a_second": round((sum(each.frames for each in onlookers) - frames) / passed, 1),
            "cores": {
                name: round((cpu_seconds(pid) - before[name]) / passed, 3) for name, pid in pids.items()
            },
            "memory": {name: memory(pid).whole() for name, pid in pids.items()},
            "all": memory(*pids.values()).whole(),
            "empty": {name: each.whole() for name, each in empty.items()},
        }
        for each in onlookers:
            each.leave()
        time.sleep(REST_SECONDS)
        alone = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(MEASURED_SECONDS)
        idle = sum(cpu_seconds(pid) - alone[name] for name, pid in pids.items()) / MEASURED_SECONDS
        return {
            **result,
            "cores_disconnected": round(idle, 3),
            "disconnected": memory(*pids.values()).whole(),
        }


def say_office(result: dict[str, Any]) -> None:
    """Print it as a table."""
    click.echo(f"\n{result['sessions']} office desktops of {FULL_HD.width}×{FULL_HD.height}, MiB a session")
    click.echo(f"{'':<22}{'PSS':>8}{'USS':>8}")
    for name in ("connected", "disconnected"):
        click.echo(f"{name:<22}{result[name]['PSS']:>8.2f}{result[name]['USS']:>8.2f}")
    click.echo(f"{'the host itself':<22}{result['host']['PSS']:>8.1f}{result['host']['USS']:>8.1f}")


def say_cards(result: dict[str, Any]) -> None:
    """Print it as a table."""
    click.echo(f"\n{result['sessions']} test cards, {result['connected']} of them connected")
    click.echo(f"{'':<22}{'PSS':>8}{'USS':>8}{'cores':>8}")
    for name, used in result["memory"].items():
        click.echo(f"{name:<22}{used['PSS']:>8.1f}{used['USS']:>8.1f}{result['cores'][name]:>8.3f}")
    total = sum(result["cores"].values())
    click.echo(f"{'all':<22}{result['all']['PSS']:>8.1f}{result['all']['USS']:>8.1f}{total:>8.3f}")
    rest = result["disconnected"]
    click.echo(
        f"{'none connected':<22}{rest['PSS']:>8.1f}{rest['USS']:>8.1f}{result['cores_disconnected']:>8.3f}"
    )
    click.echo(f"{result['frames_a_second']} pictures a second were shown.")


@click.command()
@click.option("--office", "desks", default=8, show_default=True, help="Office desktops; 0 for none.")
@click.option("--cards", "count", default=200, show_default=True, help="Test cards; 0 for none.")
@click.option("--connected", default=20, show_default=True, help="Test cards that are looked at.")
@click.option("--fps", default=15.0, show_default=True, help="Pictures a second of a test card.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write the figures to this file.")
def main(desks: int, count: int, connected: int, fps: float, report: Path | None) -> None:
    """Find out what sessions cost in memory."""
    results: dict[str, Any] = {"cores": len(os.sched_getaffinity(0))}
    if desks:
        results["office"] = office(desks)
        say_office(results["office"])
    if count:
        results["cards"] = cards(count, min(connected, count), fps)
        say_cards(results["cards"])
    if report is not None:
        report.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
