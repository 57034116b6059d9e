"""A guest's own word, over its guest agent: runs commands inside and tells what they print."""

from __future__ import annotations

import base64
from pathlib import Path

from tsgateway.hosts.asking import AskedHost
from tsgateway.layout import Layout

PATIENCE = 120.0


class Agent:
    """The agent of one session's guest, while the block lasts. folder: the session's folder."""

    def __init__(self, folder: Path) -> None:
        root, number = folder.parents[3], int(folder.parents[1].name)
        self._host = AskedHost(number, Layout(root, root / "images").socket(number))
        self._session = folder.name

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.close()

    def run(self, script: str) -> str:
        """Run a shell script as root; return what it prints."""
        request = {"session": self._session, "command": ["/bin/sh", "-c", script], "seconds": PATIENCE}
        answer = self._host.ask("run", request, within=PATIENCE + 30)
        return base64.b64decode(answer["out"]).decode(errors="replace")
