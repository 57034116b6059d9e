"""Peers' processes: started, found, waited for, ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.peers.base import PeerError

_START_SECONDS = 60.0


def missing(*commands: str) -> str:
    """Return the first of these commands that is not there, or nothing."""
    return next((command for command in commands if shutil.which(command) is None), "")


def free_port() -> int:
    """Return a TCP port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], pass_fds: Sequence[int] = (), environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a server and yield its pid; it is ended afterwards, with what it started.

    Raises PeerError, with the server's last words, if something inside fails after it ended by itself.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds, env=environment
        )
        try:
            yield process.pid
        except (OSError, EOFError, PeerError) as error:
            if process.poll() is None:
                raise
            log.seek(0)
            words = log.read()[-300:].decode("utf-8", "replace").strip().splitlines() or ["nothing"]
            raise PeerError(f"{command[0]} ended by itself; it said: {words[-1]}") from error
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    children = tree(process.pid)
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in children:
        if pid != process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 15)


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def connect(port: int) -> socket.socket:
    """Connect to a server on this machine that is starting; the handshake may take some seconds.

    Raises OSError.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), _START_SECONDS)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection


@contextlib.contextmanager
def x_server(*command: str) -> Iterator[tuple[str, int]]:
    """Run an X server and yield its display (":7") and its pid, once it takes clients."""
    ready, number = os.pipe()
    try:
        with running([*command, "-displayfd", str(number)], (number,)) as pid:
            os.close(number)
            number = -1
            display = os.read(ready, 16).decode().strip()
            if not display:
                raise PeerError(f"{command[0]} did not start")
            yield f":{display}", pid
    finally:
        os.close(ready)
        if number >= 0:
            os.close(number)


def xvfb(width: int, height: int) -> contextlib.AbstractContextManager[tuple[str, int]]:
    """Run an X server without a screen of its own."""
    screen = f"{width}x{height}x24"
    return x_server("Xvfb", "-screen", "0", screen, "-nolisten", "tcp", "-ac", "-s", "0", "-noreset")
