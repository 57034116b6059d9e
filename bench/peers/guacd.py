"""guacd, the part of Apache Guacamole that encodes: it fetches the trace as a VNC viewer, as we do."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.peers.base import Lines, Mode, Run
from bench.peers.guac import GuacViewer
from bench.peers.processes import connect, free_port, running, tree

USUAL = Mode("usual", False, "PNG, JPEG and WebP, as browsers take them")
LOSSLESS = Mode("lossless", True, "PNG only, force-lossless")


class Guacd:
    """guacd with its VNC plug-in. command: how to start it, without options."""

    name = "guacd"
    package = "guacd, libguac-client-vnc0 (not in Debian 12: see docs/bench.md)"
    note = "frames come in over a VNC connection; the web server in front of it is not counted in"
    modes = (USUAL, LOSSLESS)

    def __init__(self, command: str = "guacd") -> None:
        self._command = shlex.split(command)
        self.version_command = (*self._command, "-v")

    def missing(self) -> str:
        """Return its name when it cannot be found."""
        return "" if shutil.which(self._command[0]) else self._command[0]

    @contextlib.contextmanager
    def run(self, mode: Mode, trace: Path, fps: float) -> Iterator[Run]:
        """Start it, and have it connect to the replay."""
        port = free_port()
        command = [*self._command, "-f", "-b", "127.0.0.1", "-l", str(port)]
        with Lines("bench.replay", str(trace), str(fps)) as feed, running(command) as pid:
            arguments = {"hostname": "127.0.0.1", "port": str(feed.next()["port"])}
            images = ["image/png"]
            if mode.lossless:
                arguments["force-lossless"] = "true"
            else:
                images += ["image/jpeg", "image/webp"]
            viewer = GuacViewer(connect(port), "vnc", arguments, images)
            with contextlib.closing(viewer):
                yield Run(feed, viewer, lambda: {f"guacd {each}": each for each in tree(pid)})
