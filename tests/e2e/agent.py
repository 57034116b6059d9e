"""A guest's own word, over its guest agent: runs commands inside and tells what they print."""

from __future__ import annotations

import base64
import json
import socket
import time
from pathlib import Path
from typing import Any

from sessions.guests.qemu import state

PATIENCE = 120.0


class Agent:
    """The agent of one session's guest, while the block lasts. folder: the session's folder."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        with state.short_path(folder / "guest", state.AGENT) as path:
            self._socket.connect(path)
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def run(self, script: str) -> str:
        """Run a shell script as root; return what it prints."""
        given = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
        pid = self._ask("guest-exec", given)["pid"]
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status = self._ask("guest-exec-status", {"pid": pid})
            if status["exited"]:
                return base64.b64decode(status.get("out-data", "")).decode(errors="replace")
            time.sleep(0.3)
        raise AssertionError(f"{script} did not end")

    def _ask(self, command: str, arguments: dict[str, Any]) -> Any:
        request = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self._lines.readline())
        assert "error" not in answer, answer
        return answer["return"]
