"""Measure the product beside its peers: `make bench-peers`, or `python -m bench.peers [--trace FILE]…`."""

from __future__ import annotations

import gc
import json
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench import traces
from bench.peers import report
from bench.peers.base import Mode, Peer, PeerError
from bench.peers.guacd import Guacd
from bench.peers.measure import measure
from bench.peers.product import Tsgateway
from bench.peers.qemu import Qemu
from bench.peers.vnc import X0VNCSERVER, X11VNC, Xvnc

_RESULTS = Path(__file__).parent.parent / "results"
_RENDERED = (("office", traces.office), ("photos", traces.photo_scroll))


def known(guacd: str) -> list[Peer]:
    """Return all peers, the product first."""
    return [Tsgateway(), Xvnc(), X0VNCSERVER, X11VNC, Qemu(), Guacd(guacd)]


def version(peer: Peer) -> str:
    """Return the first version number that a peer's command tells of itself, or nothing."""
    if not peer.version_command:
        return ""
    try:
        told = subprocess.run(
            peer.version_command,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+[\w.]*", told.stdout + told.stderr)
    return found.group() if found else ""


def attempt(
    peer: Peer, mode: Mode, trace: Path, frames: list[Any], fps: float, repeat: int
) -> dict[str, Any] | None:
    """Return the measurement that took the least processor time of several, or say why there is none."""
    click.echo(f"  {peer.name}, {mode.name} …", err=True)
    try:
        done = [measure(peer, mode, trace, frames, fps) for _ in range(repeat)]
        return min(done, key=lambda each: float(each["cpu_ms"]))
    except (PeerError, OSError, EOFError) as error:
        click.echo(f"  {peer.name} was left out in its mode {mode.name}: {error}", err=True)
        return None


def chosen_traces(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Return the traces to replay: those given, or else such as the bench renders itself."""
    if paths:
        return list(paths)
    rendered = []
    for name, render in _RENDERED:
        click.echo(f"rendering {name} …", err=True)
        rendered.append(folder / f"{name}.bgrx.zst")
        traces.save(rendered[-1], render())
    return rendered


def write(result: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write a report as JSON and as a page; return where they are."""
    folder.mkdir(exist_ok=True)
    data = folder / f"peers-{time.strftime('%Y%m%d-%H%M%S')}.json"
    data.write_text(json.dumps(result, indent=2))
    page = data.with_suffix(".html")
    page.write_text(report.page(result))
    return data, page


@click.command()
@click.option(
    "--trace", "paths", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True,
    help="Replay this; may be given several times.",
)  # fmt: skip
@click.option(
    "--fps", type=click.FloatRange(1, 120), default=15.0, show_default=True, help="Frames a second."
)
@click.option(
    "--repeat", type=click.IntRange(1, 20), default=1, show_default=True,
    help="Measure so many times, keep what took the least processor time: for a machine with other work.",
)  # fmt: skip
@click.option("--only", multiple=True, help="Only this peer, and the product; may be given several times.")
@click.option(
    "--guacd", default="guacd", envvar="BENCH_GUACD", show_default=True, help="How guacd is started."
)
def main(paths: tuple[Path, ...], fps: float, repeat: int, only: tuple[str, ...], guacd: str) -> None:
    """Send traces through the product and through all peers that are installed, and compare."""
    peers = known(guacd)
    wrong = set(only) - {each.name for each in peers}
    if wrong:
        raise click.UsageError(
            f"there is no peer {', '.join(sorted(wrong))}; there are {', '.join(each.name for each in peers)}"
        )
    peers = [each for each in peers if not only or each.name in only or isinstance(each, Tsgateway)]
    there = [each for each in peers if not each.missing()]
    skipped = [
        {"name": each.name, "reason": f"{each.missing()} is not installed; package: {each.package}"}
        for each in peers
        if each.missing()
    ]
    for each in skipped:
        click.echo(f"skipped {each['name']}: {each['reason']}", err=True)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="tsg-traces-") as folder:
        for trace in chosen_traces(paths, Path(folder)):
            click.echo(f"{trace.name}:", err=True)
            frames = traces.load(trace)
            for peer in there:
                done = (attempt(peer, mode, trace, frames, fps, repeat) for mode in peer.modes)
                results += [each for each in done if each is not None]
            del frames
            gc.collect()  # half a gigabyte a trace
    whole = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "fps": fps,
        "peers": [
            {"name": each.name, "version": version(each), "note": each.note, "modes": modes(each)}
            for each in there
        ],
        "skipped": skipped,
        "results": results,
    }
    click.echo(report.table(results))
    data, page = write(whole, _RESULTS)
    click.echo(f"\nwritten: {data}\n         {page}")


def modes(peer: Peer) -> dict[str, str]:
    """Return a peer's modes and what each asks for."""
    return {mode.name: mode.settings for mode in peer.modes}


if __name__ == "__main__":
    main()
