"""`tsadmin` as people run it: in a process of its own, in a pseudo-terminal or between pipes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from tests.tsgateway.support import World

ROOT = Path(__file__).parents[3]
PATIENCE = 60
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]")


@dataclass
class Ran:
    out: str
    err: str
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Shell:
    """Runs commands for a world: its own socket unless a server is named."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.config = world.folder / "c.toml"
        self.config.write_text(f'data.directory = "{world.folder / "data"}"\n')
        self.home = world.folder / "home"
        self.home.mkdir(exist_ok=True)
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("TSGATEWAY", "NO_COLOR"))
        }
        self.environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "TSGATEWAY_CONFIG": str(self.config),
            "TERM": "xterm-256color",
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tsgateway.admin.main", *words]

    async def run(
        self, *words: str, given: str = "", status: int = 0, environment: Mapping[str, str] | None = None
    ) -> Ran:
        """Run to the end, between pipes."""

        def work() -> Ran:
            done = subprocess.run(
                self.command(*words),
                input=given,
                env={**self.environment, **(environment or {})},
                text=True,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            return Ran(done.stdout, done.stderr, done.returncode)

        ran = await deferToThread(work)
        assert ran.status == status, ran
        assert "Traceback" not in ran.err, ran.err
        return ran

    async def json(self, *words: str) -> Any:
        return (await self.run(*words, "--json")).json

    async def terminal(
        self,
        *words: str,
        script: Callable[[Terminal], None] = lambda terminal: None,
        status: int = 0,
        size: tuple[int, int] = (100, 30),
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run in a pseudo-terminal; `script` is what the person does there. Returns what was shown."""

        def work() -> tuple[str, int]:
            with Terminal(
                self.command(*words), {**self.environment, **(environment or {})}, size
            ) as terminal:
                script(terminal)
                terminal.to_the_end()
            return terminal.shown, terminal.status

        shown, found = await deferToThread(work)
        assert found == status, shown
        assert "Traceback" not in shown, shown
        return shown


class Terminal:
    """A program in a pseudo-terminal; `raw` has all it has written, escapes included."""

    def __init__(self, command: list[str], environment: Mapping[str, str], size: tuple[int, int]) -> None:
        self._master, slave = pty.openpty()
        self.resize(*size, tell=False)
        self.raw = ""
        self.status = -1
        self._seen = 0
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: (fcntl.ioctl(0, termios.TIOCSCTTY, 0), signal.signal(2, signal.SIG_DFL))[1],  # noqa: PLW1509
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.status = self.process.wait()
        os.close(self._master)

    @property
    def shown(self) -> str:
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    def resize(self, columns: int, rows: int, tell: bool = True) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.killpg(self.process.pid, signal.SIGWINCH)

    def expect(self, text: str) -> None:
        """Wait until a text is shown that was not there at the last call."""
        end = time.monotonic() + PATIENCE
        while text not in ESCAPES.sub("", self.raw[self._seen :]).replace("\r\n", "\n"):
            assert time.monotonic() < end, f"{text!r} never came: {self.raw!r}"
            assert self._read(), f"the end instead of {text!r}: {self.raw!r}"
        self._seen = len(self.raw)

    def wait(self, seen: Callable[[str], bool]) -> None:
        """Wait until the screen that was drawn last is as it should be."""
        end = time.monotonic() + PATIENCE
        while not seen(ESCAPES.sub("", self.raw.split("\x1b[H")[-1])):
            assert time.monotonic() < end, f"it is not so: {self.raw!r}"
            assert self._read(), f"the end: {self.raw!r}"
        self._seen = len(self.raw)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until the program ends: it may come between Python's look at signals and a read."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.type("\x03")
            assert time.monotonic() < end, f"it does not end: {self.raw!r}"
            pressed = time.monotonic()
            while time.monotonic() < pressed + 0.5 and self.process.poll() is None:
                self._read()
        self.to_the_end()

    def to_the_end(self) -> None:
        end = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < end, f"it does not end: {self.raw!r}"
        self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 0.2)
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other end
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)
