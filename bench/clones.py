"""From a click to a desktop, by a boot and by a clone of a warm template, and many clones at once.

    python -m bench.clones [--images FOLDER] [--clones 20] [--rounds 5]

A real gateway with its session hosts; each viewer signs on, asks for its desktop, and counts from its request
to the first whole picture of the desktop, encoded, sent and decoded. Then everybody clicks at once. Memory is
what the kernel says (proportional set sizes, /proc/PID/smaps_rollup) and what is left on the machine.
docs/instant-start.md says how to read the figures. Nothing is measured when there is too little memory.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.product import Connection, Product
from sessions.images import ImageStore, recipe
from sessions.wire import tsg
from tests.reference.picture import Picture

SCREEN = (1280, 800)
PATIENCE = 300.0
"""For one desktop to stand, seconds."""
TEMPLATE_SECONDS = 900.0
COLOURS = 200
"""A picture with fewer different ones is no desktop's yet."""
MENU = slice(400, 480), slice(640, 720)
"""Rows and columns where a click into the middle of the screen opens a menu."""
MEMORY_EACH = 250 << 20


@dataclass
class Click:
    """A person's click, seconds from it. stands: the picture is whole. answers: a click has opened a menu."""

    stands: float = 0.0
    answers: float = 0.0
    failed: str = ""


def follow(product: Product, desktop: str, person: int, click_at: float) -> tuple[Click, Connection | None]:
    """Open the desktop, wait for its picture, and for the answer to a click in it."""
    told = Click()
    connection = None
    try:
        connection = product.connect(*SCREEN, desktop=desktop, person=person)
        picture = Picture()
        _until(connection, picture, lambda: _is_desktop(picture))
        told.stands = time.monotonic() - click_at
        before = picture.pixels[MENU].copy()
        for buttons in (0, 4, 0):
            connection.send(tsg.Pointer(SCREEN[0] // 2, SCREEN[1] // 2, buttons))
        _until(connection, picture, lambda: bool(np.mean(picture.pixels[MENU] != before) > 0.5))
        told.answers = time.monotonic() - click_at
    except (EOFError, OSError, RuntimeError, TimeoutError) as error:
        told.failed = f"{type(error).__name__}: {error}"
    return told, connection


def _until(connection: Connection, picture: Picture, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for message in connection.messages(1.0):
            taken = picture.take(message)
            if isinstance(taken, tsg.Frame):
                connection.send(tsg.Ack(taken.number, 0, 0))
            if done():
                return
    raise TimeoutError("the desktop did not stand in time")


def _is_desktop(picture: Picture) -> bool:
    return picture.pixels.size > 0 and len(np.unique(picture.pixels[::4, ::4])) >= COLOURS


def guests(product: Product) -> list[dict[str, Any]]:
    """Return what the session hosts know of their guests."""
    found = []
    for path in product.data.glob("hosts/*/guests/*/guest/guest.json"):
        try:
            found.append(json.loads(path.read_text()))
        except OSError:
            continue
    return found


def memory_of(pid: int) -> dict[str, int]:
    """Return a process's memory by kind, bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines}


def available() -> int:
    """Return how much memory the machine has left, bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise RuntimeError("/proc/meminfo says nothing")


def _leave(product: Product, connections: dict[int, Connection]) -> None:
    """End the sessions of these people; return when their guests are gone."""
    for person, connection in connections.items():
        connection.close()
        product.end(connection.session, person)
    deadline = time.monotonic() + 60
    while guests(product) and time.monotonic() < deadline:
        time.sleep(0.1)


def one_by_one(product: Product, desktop: str, rounds: int) -> list[Click]:
    """Open the desktop some times, each time a new guest."""
    clicks = []
    for _ in range(rounds):
        told, connection = follow(product, desktop, 0, time.monotonic())
        clicks.append(told)
        _leave(product, {0: connection} if connection else {})
        time.sleep(1)
    return clicks


def at_once(product: Product, count: int) -> tuple[list[Click], dict[str, Any]]:
    """Let everybody click at once, and look at the memory when all stand."""
    before = available()
    clicks: list[Click] = []
    connections: dict[int, Connection] = {}
    begin = time.monotonic()

    def person(number: int) -> None:
        told, connection = follow(product, "bench", number, begin)
        clicks.append(told)
        if connection is not None:
            connections[number] = connection

    threads = [threading.Thread(target=person, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(5)
    running = guests(product)
    sizes = [memory_of(int(guest["process"]["pid"])) for guest in running]
    template = max((path.stat().st_blocks * 512 for path in product.data.glob("warm/*/memory")), default=0)
    memory = {
        "clones": sum(bool(guest.get("template")) for guest in running),
        "guests": len(running),
        "pss": sum(size["Pss"] for size in sizes),
        "private": sum(size["Private_Dirty"] + size["Private_Clean"] for size in sizes),
        "template": template,
        "machine": before - available(),
    }
    _leave(product, connections)
    return clicks, memory


def _wait_for_template(product: Product) -> float:
    """Start the desktop once, by a boot; return how long its template took from then on."""
    _, connection = follow(product, "bench", 0, time.monotonic())
    began = time.monotonic()
    _leave(product, {0: connection} if connection else {})
    while not list(product.data.glob("warm/*/template.json")):
        if time.monotonic() - began > TEMPLATE_SECONDS:
            raise click.ClickException(
                f"no warm template after {TEMPLATE_SECONDS:g} s: see the gateway's log"
            )
        time.sleep(0.5)
    return time.monotonic() - began


def _seconds(values: list[float]) -> str:
    if not values:
        return "none"
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f} s"


def _report(name: str, clicks: list[Click]) -> dict[str, Any]:
    good = [each for each in clicks if not each.failed]
    stands, answers = [each.stands for each in good], [each.answers for each in good]
    click.echo(f"{name:28} desktop after {_seconds(stands)}   a click answered after {_seconds(answers)}")
    for each in clicks:
        if each.failed:
            click.echo(f"{name:28} FAILED: {each.failed}")
    return {"stands": stands, "answers": answers, "failed": len(clicks) - len(good)}


@click.command()
@click.option("--images", type=click.Path(path_type=Path), help="The image store; by default the tests'.")
@click.option("--clones", default=20, show_default=True, help="Guests at once.")
@click.option("--rounds", default=5, show_default=True, help="Clicks one after the other.")
@click.option("--boots", default=1, show_default=True, help="Boots to compare with.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the figures there, as JSON.")
def main(images: Path | None, clones: int, rounds: int, boots: int, report: Path | None) -> None:
    """Measure starting by clones. Times are least / median / most."""
    store = images or recipe.default_cache() / "test-images"
    ImageStore(store).get("desktop")
    need = (clones * MEMORY_EACH) + (2 << 30)
    if available() < need:
        click.echo(f"skipped: {need >> 20} MiB of free memory are needed, there are {available() >> 20}")
        sys.exit(0)
    desktop = 'kind = "qemu"\ntemplate = "desktop"'
    more = f'[desktops.boots]\ntitle = "Boots"\ngroups = ["users"]\n{desktop}\nstart = "boot"'
    with Product(desktop, more, people=max(clones, 1), images=store) as product:
        results: dict[str, Any] = {"boot": _report("boot", one_by_one(product, "boots", boots))}
        results["template_seconds"] = _wait_for_template(product)
        click.echo(f"{'template':28} stands {results['template_seconds']:.0f} s after the first session")
        results["clone"] = _report("clone", one_by_one(product, "bench", rounds))
        clicks, memory = at_once(product, clones)
        results["at_once"] = _report(f"{clones} clones at once", clicks) | memory
    beyond = memory["pss"] - memory["template"]
    click.echo(
        f"{memory['clones']} of {memory['guests']} guests are clones; proportional set sizes"
        f" {memory['pss'] >> 20} MiB in all, {beyond >> 20} MiB beyond the template's"
        f" {memory['template'] >> 20}; private {memory['private'] >> 20} MiB;"
        f" the machine has {memory['machine'] >> 20} MiB less than before"
    )
    if report is not None:
        report.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
