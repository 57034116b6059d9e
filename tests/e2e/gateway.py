"""The real thing for end-to-end tests: `tsgateway serve` in a process of its own, with its session host."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60.0


class RealGateway:
    """A gateway on a free loopback port with the account ada (password "correct horse").

    desktops: the configuration's [desktops.…] tables as TOML text.
    """

    def __init__(self, desktops: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsg-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self._config = folder / "tsgateway.toml"
        self._config.write_text(
            f'[server]\nport = {self.port}\n[data]\ndirectory = "{folder / "data"}"\n{desktops}'
        )
        self.log = folder / "log"
        self._run("init")
        self._run("user", "add", "ada", "--password-stdin", standard_input="correct horse\n")
        with self.log.open("w") as log:
            self._process = subprocess.Popen(self._command("serve"), cwd=ROOT, stdout=log, stderr=log)
        self._wait()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tsgateway.cli.main", *arguments, "--config", str(self._config)]

    def _run(self, *arguments: str, standard_input: str = "") -> None:
        done = subprocess.run(
            self._command(*arguments),
            cwd=ROOT, input=standard_input, text=True, capture_output=True, timeout=TIMEOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def _wait(self) -> None:
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            assert self._process.poll() is None, self.log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the gateway does not listen: {self.log.read_text()}")

    def stop(self) -> None:
        """End all sessions, then the gateway."""
        subprocess.run(
            self._command("end-sessions"), cwd=ROOT, capture_output=True, timeout=TIMEOUT, check=False
        )
        os.kill(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()
