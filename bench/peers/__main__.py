"""Measure the product beside its peers: `make bench-peers`, or `python -m bench.peers [--trace FILE]…`."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
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
    """Send traces through the product and through all peers that are installed, and compare.

    Ctrl-C ends it; what was measured until then is reported.
    """
    peers = chosen_peers(guacd, only)
    there = [each for each in peers if not each.missing()]
    skipped = [
        {"name": each.name, "reason": f"{each.missing()} is not installed; package: {each.package}"}
        for each in peers
        if each.missing()
    ]
    for each in skipped:
        click.echo(f"skipped {each['name']}: {each['reason']}", err=True)
    results: list[dict[str, Any]] = []
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="tsg-traces-") as folder:
        for trace in chosen_traces(paths, Path(folder)):
            results.extend(measured(there, trace, fps, repeat))  # one by one: Ctrl-C keeps what was before it
    click.echo(report.table(results))
    data, page = write(facts(fps, there) | {"skipped": skipped, "results": results}, _RESULTS)
    click.echo(f"\nwritten: {data}\n         {page}")


def chosen_peers(guacd: str, only: Sequence[str]) -> list[Peer]:
    """Return the peers with these names, or all, and the product. Raises click.UsageError."""
    peers = known(guacd)
    wrong = set(only) - {each.name for each in peers}
    if wrong:
        there = ", ".join(each.name for each in peers)
        raise click.UsageError(f"there is no peer {', '.join(sorted(wrong))}; there are {there}")
    return [each for each in peers if not only or each.name in only or isinstance(each, Tsgateway)]


def measured(peers: Sequence[Peer], trace: Path, fps: float, repeat: int) -> Iterator[dict[str, Any]]:
    """Yield what each peer takes for a trace, in each of its modes."""
    click.echo(f"{trace.name}:", err=True)
    frames = traces.load(trace)
    for peer in peers:
        for mode in peer.modes:
            result = attempt(peer, mode, trace, frames, fps, repeat)
            if result is not None:
                yield result


def facts(fps: float, peers: Sequence[Peer]) -> dict[str, Any]:
    """Return what a reader must know of a run: when, where, how fast, and who took part."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "fps": fps,
        "peers": [
            {
                "name": each.name,
                "version": version(each),
                "note": each.note,
                "modes": {mode.name: mode.settings for mode in each.modes},
            }
            for each in peers
        ],
    }


if __name__ == "__main__":
    main()
