"""What further viewers of one desktop cost: `python -m bench.sharing [--viewers 1,2,4] [--trace FILE]`.

The same trace is replayed to a shared desktop that one viewer looks at, then several. They are in step, so
each frame is made once; what a further viewer costs is its way through link, gateway and TLS.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import click

from bench import traces
from bench.__main__ import Replay
from bench.product import Connection, Product, cpu_seconds
from sessions.wire import tsg

SETTLE = 1.5
"""Seconds for viewers to come into step, and for what was lossy to become exact."""


class Onlooker:
    """A viewer that acknowledges and does not look, so that it costs the bench little."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.frames = 0
        self._open = True
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while self._open:
            for message in self.connection.messages(0.2):
                if message[0] == tsg.Frame.TYPE:
                    self.frames += 1
                    self.connection.send(tsg.Ack(int.from_bytes(message[1:5], "big"), 0, 0))

    def leave(self) -> None:
        self._open = False
        self._thread.join()
        self.connection.close()


def measure(trace: Path, fps: float, viewers: int) -> dict[str, Any]:
    """Replay a trace to so many viewers."""
    replay = Replay(trace, fps)
    try:
        with Product(
            f'kind = "rfb"\nhost = "127.0.0.1"\nport = {replay.port}\nrules.second = "join"'
        ) as product:
            onlookers = [Onlooker(product.connect()) for _ in range(viewers)]
            time.sleep(SETTLE)
            pids = product.processes()
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            frames, received = [each.frames for each in onlookers], onlookers[0].connection.received
            replay.go()
            while "done" not in replay.next():
                pass
            time.sleep(SETTLE)
            cpu = {name: (cpu_seconds(pid) - before[name]) * 1000 for name, pid in pids.items()}
            seen = [each.frames - at for each, at in zip(onlookers, frames, strict=True)]
            result = {
                "viewers": viewers,
                "frames": min(seen),
                "bytes_a_viewer": onlookers[0].connection.received - received,
                "gateway_ms": round(cpu["gateway"], 1),
                "hosts_ms": round(sum(cpu.values()) - cpu["gateway"], 1),
            }
            for each in onlookers:
                each.leave()
            return result
    finally:
        replay.end()


def further(results: list[dict[str, Any]], name: str) -> float:
    """Return what each further viewer costs, as a share of the first."""
    first, last = results[0], results[-1]
    return float((last[name] - first[name]) / (last["viewers"] - first["viewers"]) / first[name])


@click.command()
@click.option("--trace", type=click.Path(exists=True, path_type=Path), help="Replay this.")
@click.option("--viewers", default="1,2,4", show_default=True, help="How many, one run for each.")
@click.option("--fps", default=15.0, show_default=True, help="Frames a second.")
def main(trace: Path | None, viewers: str, fps: float) -> None:
    """Replay a trace to several viewers of one desktop."""
    with tempfile.TemporaryDirectory(prefix="tsg-traces-") as folder:
        if trace is None:
            trace = Path(folder) / "office.bgrx.zst"
            traces.save(trace, traces.office())
        results = [measure(trace, fps, int(count)) for count in viewers.split(",")]
    click.echo(f"{'viewers':>8}{'frames':>8}{'kB each':>10}{'hosts, ms':>12}{'gateway, ms':>13}")
    for each in results:
        click.echo(
            f"{each['viewers']:>8}{each['frames']:>8}{each['bytes_a_viewer'] / 1000:>10.1f}"
            f"{each['hosts_ms']:>12}{each['gateway_ms']:>13}"
        )
    if len(results) > 1:
        click.echo(
            f"a further viewer costs {further(results, 'hosts_ms'):.0%} of the first in session hosts "
            f"and {further(results, 'gateway_ms'):.0%} of the first in the gateway"
        )
    click.echo(json.dumps({"trace": trace.stem, "fps": fps, "results": results}), err=True)


if __name__ == "__main__":
    main()
