"""Whether a session in a browser grows: `python -m bench.browser_soak [--trace FILE] [--minutes 12]`.

A real gateway, a real Chromium and a desktop of 1920×1080 that scrolls all the time at sixty pictures a
second (bench/replay.py). Meanwhile somebody types, points, loses the line, and leaves the desktop and comes
back, again and again, without the page being loaded anew. Every half minute are noted: the memory of the page
and of its workers after a garbage collection, as the browser tells it; what browser, renderer, gateway and
session host have resident; and the descriptors that the last two hold. A line is laid through what came after
the first third. Told are its slope an hour, how sure that is, and what eight hours would come to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.browser import family, scrolling
from tests.e2e.pages import until
from tests.e2e.person import Person

EVERY = 30.0
"""Seconds between two samples."""
WARM = 1 / 3
"""The share of the time in which everything is still becoming what it will be."""
HOURS = 8

MEMORY = """performance.measureUserAgentSpecificMemory().then(({ breakdown }) => {
  const sum = { page_mb: 0, workers_mb: 0 };
  for (const { bytes, attribution } of breakdown) {
    const isWorker = attribution.some(({ scope }) => scope !== "Window");
    sum[isWorker ? "workers_mb" : "page_mb"] += bytes / 1e6;
  }
  return sum;
})"""


def resident(pids: list[int]) -> float:
    """Return what processes have resident, without what they share with each other counted twice, in MB."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


def descriptors(pid: int) -> int:
    """Return how many a process holds."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def renderers(pids: list[int]) -> list[int]:
    """Return those of a browser's processes that show pages."""
    found = []
    for pid in pids:
        with suppress(OSError):
            if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def sample(person: Person) -> dict[str, float]:
    """Note everything."""
    gateway, browser = person.gateway, person.browser
    pids = family(browser._process.pid)
    found: dict[str, float] = dict(browser.evaluate(MEMORY))
    served = {"gateway": gateway._process.pid, "session_host": gateway.host_pid}
    return (
        found
        | {"renderers_mb": resident(renderers(pids)), "browser_mb": resident(pids)}
        | {f"{name}_mb": resident([pid]) for name, pid in served.items()}
        | {f"{name}_descriptors": float(descriptors(pid)) for name, pid in served.items()}
    )


def cut(person: Person) -> None:
    """Lose the line for a second."""
    person.gateway.line.cut()
    person.browser.evaluate(until("document.querySelector('.notice')"))
    person.gateway.line.mend()
    person.picture()


def leave(person: Person) -> None:
    """Go to the list and come back."""
    person.browser.evaluate("history.back()")
    person.browser.wait(".cards")
    person.browser.click("[data-key=open-page]")
    person.picture()


def write(person: Person) -> None:
    """Type, and point at things."""
    person.browser.type("The quick brown fox jumps over the lazy dog. ")
    person.browser.move(400, 400, 20)
    person.browser.move(1400, 800, 20)


DEEDS: list[Callable[[Person], None]] = [write, cut, write, leave]


def soak(person: Person, minutes: float) -> list[dict[str, float]]:
    """Use the session for so long; return the samples, each with its time in hours."""
    began = time.monotonic()
    samples: list[dict[str, float]] = []
    number = 0
    while (now := time.monotonic() - began) < 60 * minutes:
        if now >= EVERY * len(samples):
            samples.append({"hours": now / 3600} | sample(person))
        DEEDS[number % len(DEEDS)](person)
        number += 1
        time.sleep(1)
    samples.append({"hours": (time.monotonic() - began) / 3600} | sample(person))
    click.echo(
        f"{number // 2} times written, {number // len(DEEDS)} times cut, {number // len(DEEDS)} times left",
        err=True,
    )
    return samples


def fitted(samples: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Lay a line through each figure: its ends, its slope an hour, and twice its standard error."""
    warm = samples[int(WARM * len(samples)) :]
    hours = np.array([each["hours"] for each in warm])
    away = hours - hours.mean()
    rows = {}
    for name in warm[0].keys() - {"hours"}:
        values = np.array([each[name] for each in warm])
        slope = float(away @ (values - values.mean()) / (away @ away))
        rest = values - values.mean() - slope * away
        error = float(np.sqrt(rest @ rest / max(len(values) - 2, 1) / (away @ away)))
        rows[name] = {
            "first": values[0], "last": values[-1], "an_hour": slope, "plus_minus": 2 * error,
            "in_8_hours": HOURS * slope,
        }  # fmt: skip
    return {name: {key: round(float(value), 2) for key, value in rows[name].items()} for name in sorted(rows)}


def table(rows: dict[str, dict[str, float]]) -> str:
    """Return the figures for people."""
    lines = [f"{'':26}{'first':>10}{'last':>10}{'an hour':>12}{'±':>10}{'8 hours':>12}"]
    for name, row in rows.items():
        first, last, slope, error, much = row.values()
        lines.append(f"{name:26}{first:10.1f}{last:10.1f}{slope:+12.1f}{error:10.1f}{much:+12.1f}")
    return "\n".join(lines)


@click.command()
@click.option(
    "--trace", type=click.Path(exists=True, path_type=Path), help="what scrolls, else a trace is drawn"
)
@click.option("--fps", default=60.0, help="pictures a second of the desktop")
@click.option("--minutes", default=12.0)
@click.option("--out", type=click.Path(path_type=Path), help="where to write all samples as JSON")
def main(trace: Path | None, fps: float, minutes: float, out: Path | None) -> None:
    """Use a session for so long and print what grew."""
    with scrolling(trace, fps) as there:
        there.open()
        there.begin()
        samples = soak(there.person, minutes)
    rows = fitted(samples)
    click.echo(table(rows))
    if out is not None:
        result: dict[str, Any] = {"minutes": minutes, "fitted": rows, "samples": samples}
        out.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
