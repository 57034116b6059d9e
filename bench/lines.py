"""A process of the bench that tells what happens in lines of JSON, and goes on when it is told to."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


class Lines:
    """One such process. words: module and arguments for `python -m`."""

    def __init__(self, *words: str) -> None:
        self._name = words[0]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ended(self) -> Exception:
        """Return what `next` raises when there is nothing more to come."""
        return RuntimeError(f"{self._name} has ended early")

    def next(self) -> dict[str, Any]:
        """Return the next happening."""
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise self.ended()
        happening: dict[str, Any] = json.loads(line)
        return happening

    def go(self) -> None:
        """Tell it to go on."""
        if self._process.stdin is not None:
            self._process.stdin.write("\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
