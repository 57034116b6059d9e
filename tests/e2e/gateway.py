"""The real thing for end-to-end tests: `tsgateway serve` in a process of its own, with its session host."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.line import Line
from tests.warm import link_warm

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 180.0
PASSWORD = "correct horse"
STILL = """
[desktops.still]
title = "Still card"
kind = "testcard"
fps = 0
users = ["ada"]
"""
MOVING = """
[desktops.moving]
title = "Moving card"
kind = "testcard"
fps = 15
users = ["ada"]
"""
"""Desktops of ada's: one where nothing moves by itself, and one where something does."""


class RealGateway:
    """A gateway on a free loopback port. Every account has the password PASSWORD.

    desktops: the configuration's [desktops.…] tables as TOML text, and any other tables.
    images: the image store, where desktops are made from images. warm: they are clones from the beginning.

    Browsers come by `url`, over a line that can be cut.
    """

    def __init__(
        self,
        desktops: str,
        *,
        users: Iterable[str] = ("ada",),
        images: Path | None = None,
        hosts: int = 1,
        listen: str = "127.0.0.1",
        warm: bool = False,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsg-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.listen = listen
        with socket.create_server((listen, 0)) as free:
            self.port = free.getsockname()[1]
        self.line = Line()
        self.line.to = self.port
        self.url = f"https://localhost:{self.line.port}"
        self._config = self.folder / "tsgateway.toml"
        lines = ["[server]", f"port = {self.port}", f'origins = ["{self.url}"]', f'listen = "{listen}"']
        lines += ["[hosts]", f"count = {hosts}"]  # usually one: whoever misbehaves does so beside the others
        lines += ["[data]", f'directory = "{self.folder / "data"}"']
        lines += [f'images = "{images}"'] if images else []
        self._config.write_text("\n".join([*lines, desktops]))
        self.log = self.folder / "log"
        if warm:
            link_warm(self.folder / "data")
        self.run("init")
        for user in users:
            self.run("user", "add", user, "--password-stdin", standard_input=f"{PASSWORD}\n")
        self.start()

    def start(self) -> None:
        """Run the gateway, again after `kill`."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(self._command("serve"), cwd=ROOT, stdout=log, stderr=log)
        self._wait()

    def kill(self) -> None:
        """End the gateway's process with no chance to say goodbye; its session host goes on."""
        self._process.kill()
        self._process.wait()

    @property
    def host_pid(self) -> int:
        """The process of the first session host, by the lock it holds."""
        if found := holder(self.folder / "data/hosts/0/guests/lock"):
            return found
        raise AssertionError(f"no session host runs: {self.log.read_text()}")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, as clients of the API take it."""
        shown = ssl.get_server_certificate((self.listen, self.port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()

    def sessions(self, user: str = "ada") -> list[Path]:
        """The folders of a person's sessions."""
        found = []
        for file in sorted((self.folder / "data/hosts").glob("*/guests/*/session.json")):
            if json.loads(file.read_text())["user"] == user:
                found.append(file.parent)
        return found

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tsgateway.cli.main", *arguments, "--config", str(self._config)]

    def run(self, *arguments: str, standard_input: str = "") -> str:
        """Run a command of `tsgateway` with this gateway's configuration; return what it prints."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=ROOT, input=standard_input, text=True, capture_output=True, timeout=TIMEOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _wait(self) -> None:
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            assert self._process.poll() is None, self.log.read_text()
            try:
                socket.create_connection((self.listen, self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the gateway does not listen: {self.log.read_text()}")

    def stop(self) -> None:
        """End all sessions, then the gateway."""
        os.kill(self._process.pid, signal.SIGTERM)  # shells make what runs in the background ignore SIGINT
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.line.stop()
        self.run("end-sessions")
        self._folder.cleanup()


def holder(lock: Path) -> int | None:
    """The process that holds a lock (flock) on a file."""
    try:
        inode = lock.stat().st_ino
    except FileNotFoundError:
        return None
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and int(fields[5].rpartition(":")[2]) == inode:
            return int(fields[4])
    return None
