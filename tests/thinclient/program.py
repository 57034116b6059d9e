"""tsclient as people start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.gateway import PASSWORD, RealGateway
from tests.thinclient.display import Display
from tests.tsgateway.client.test_viewer import pin


class Program:
    """tsclient in a process of its own, with a folder of its own for what it keeps."""

    def __init__(self, display: Display, folder: Path, *words: str, password: str = PASSWORD) -> None:
        own = {"TSCLIENT_FOLDER": str(folder)} | ({"TSCLIENT_PASSWORD": password} if password else {})
        height, width = display.screen().shape
        display.do("mousemove", str(width - 1), str(height - 1))
        self.codes = (0, 4)
        """Exit codes that are well."""
        self.errors = folder.parent / f"{folder.name}.err"
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "thinclient.main", *words],
                env=display.environment | own,
                stderr=errors,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(30)
        if kind is None:
            assert "Traceback" not in self.errors.read_text(), self.errors.read_text()
            assert code in self.codes, (code, self.errors.read_text())


def as_ada(real: RealGateway) -> tuple[str, ...]:
    return ("--name", "ada", "--pin", pin(real))
