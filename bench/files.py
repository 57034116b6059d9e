"""What files cost: `python -m bench.files [--gb 1]`.

A file goes up through the API in pieces and comes down again, beside a session that somebody looks at. For
both: MB/s, processor time of the gateway for each MB, how much gateway and session host grow, and the time
from a ping of the viewer to its answer, compared with the time when nothing is transferred.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import click

from bench.product import Connection, Product, cpu_seconds, resident_mb
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from tests.images_fixture import tiny_image

DESKTOP = 'kind = "qemu"\ntemplate = "tiny"'
PIECE = 4 << 20
PING_EVERY = 0.02
REST_SECONDS = 5.0


class Pings:
    """Pings by a viewer, on a thread: how long answers take, seconds."""

    def __init__(self, viewer: Connection) -> None:
        self.took: list[float] = []
        self._viewer = viewer
        self._sent: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        nonce, due = 0, time.monotonic()
        while not self._over.is_set():
            if time.monotonic() >= due:
                nonce, due = nonce + 1, time.monotonic() + PING_EVERY
                self._sent[nonce] = time.perf_counter()
                self._viewer.send(tsg.Ping(nonce))
            for message in self._viewer.messages(max(due - time.monotonic(), 0.001)):
                self._take(message)

    def _take(self, data: bytes) -> None:
        if data[0] == tsg.Pong.TYPE and (sent := self._sent.pop(int.from_bytes(data[1:5], "big"), None)):
            self.took.append(time.perf_counter() - sent)
        elif data[0] == tsg.Frame.TYPE:
            try:
                frame = tsg.decode(data, tsg.FROM_SERVER)
            except ProtocolError:
                return
            if isinstance(frame, tsg.Frame):
                self._viewer.send(tsg.Ack(frame.number, 1, 1))

    def stop(self) -> None:
        """Ping no more."""
        self._over.set()
        self._thread.join()

    def forget(self) -> None:
        """Begin anew."""
        self.took = []

    def rest(self) -> dict[str, float]:
        """Return what answers have taken since the last call."""
        took, self.took = sorted(self.took), []
        return {
            "p50_ms": round(1000 * statistics.median(took), 2),
            "p95_ms": round(1000 * took[int(0.95 * len(took))], 2),
        }


class Files:
    """A person's files by the API."""

    def __init__(self, port: int, cookie: str, session: str) -> None:
        context = ssl._create_unverified_context()  # its own certificate, on this machine
        self._line = http.client.HTTPSConnection("127.0.0.1", port, timeout=600, context=context)
        self._base = f"/api/v1/sessions/{session}/files"
        self._headers = {"Origin": f"https://127.0.0.1:{port}", "Cookie": cookie}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask for JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        self._line.request(method, self._base + path, raw, self._headers | {"Content-Type": kind})
        answer = self._line.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text!r}")
        return json.loads(text or b"null")

    def upload(self, size: int) -> None:
        """Send a file of so many bytes."""
        piece, hashed = os.urandom(PIECE), hashlib.sha256()
        id = self.ask("POST", "/uploads", {"path": "bench.bin", "size": size, "changed": 1})["id"]
        for offset in range(0, size, PIECE):
            part = piece[: size - offset]
            self.ask("PUT", f"/uploads/{id}?offset={offset}", part)
            hashed.update(part)
        self.ask("POST", f"/uploads/{id}/end", {"sha256": hashed.hexdigest()})

    def download(self, size: int) -> None:
        """Fetch it again."""
        self._line.request("GET", f"{self._base}/content?path=bench.bin", headers=self._headers)
        answer, count = self._line.getresponse(), 0
        while data := answer.read(1 << 20):
            count += len(data)
        if count != size:
            raise RuntimeError(f"{count} bytes of {size}")


def measured(product: Product, pings: Pings, size: int, act: Callable[[int], None]) -> dict[str, Any]:
    """Return what it costs to transfer so many bytes."""
    pids = {name: pid for name, pid in product.processes().items() if name in ("gateway", "session host")}
    before = {name: resident_mb(pid) for name, pid in pids.items()}
    peak, over = dict(before), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for name, pid in pids.items():
                peak[name] = max(peak[name], resident_mb(pid))

    watching = threading.Thread(target=watch)
    watching.start()
    used, began = cpu_seconds(pids["gateway"]), time.perf_counter()
    pings.forget()
    act(size)
    took, used = time.perf_counter() - began, cpu_seconds(pids["gateway"]) - used
    over.set()
    watching.join()
    return {
        "MB_s": round(size / took / 1e6, 1),
        "gateway_cpu_ms_a_MB": round(1000 * used / (size / 1e6), 2),
        **{f"{name.replace(' ', '_')}_grows_MB": round(peak[name] - before[name], 1) for name in pids},
        **{f"ping_{key}": value for key, value in pings.rest().items()},
    }


@click.command()
@click.option("--gb", default=1.0, show_default=True, help="Size of the file, GB.")
def main(gb: float) -> None:
    """Measure, and print a line of JSON for each part."""
    size = int(gb * 1e9)
    images = tiny_image().folder.parent
    with Product(DESKTOP, f"[files]\nquota_gb = {2 * gb + 1}\n", images=images) as product:
        viewer = product.connect(800, 600)
        files = Files(product.port, product._cookies[0], viewer.session)
        pings = Pings(viewer)
        time.sleep(REST_SECONDS)
        pings.forget()
        time.sleep(REST_SECONDS)
        click.echo(json.dumps({"idle": {f"ping_{key}": value for key, value in pings.rest().items()}}))
        click.echo(json.dumps({"upload": measured(product, pings, size, files.upload)}))
        click.echo(json.dumps({"download": measured(product, pings, size, files.download)}))
        pings.stop()
        product.end(viewer.session)


if __name__ == "__main__":
    main()
