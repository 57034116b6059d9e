"""What QEMU itself says of a session's guest, over the operators' monitor: the truth for tests."""

from __future__ import annotations

import base64
import json
import os
import socket
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from sessions.guests.qemu import state

PATIENCE = 180.0


class Machine:
    """The guest of one session, while the block lasts: its monitor takes one client at a time.

    folder: the session's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        guest = folder / "guest"
        kept = wait_for(lambda: (guest / state.STATE).exists() and state.State.read(guest), "a guest")
        self.process = kept.process
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        with state.short_path(guest, state.OPERATOR) as path:
            self._socket.connect(path)
        self._lines = self._socket.makefile("rb")
        self._log = b""
        self._answer("QMP")
        self.execute("qmp_capabilities")

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def execute(self, command: str, descriptor: int | None = None, /, **arguments: Any) -> Any:
        """Run a monitor command and return its result."""
        data = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        rights = (
            [] if descriptor is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [descriptor]))]
        )
        self._socket.sendmsg([data], rights)
        return self._answer("return")

    def _answer(self, key: str) -> Any:
        for line in self._lines:
            message = json.loads(line)
            assert "error" not in message, message
            if key in message:
                return message[key]
        raise AssertionError("QEMU has gone")

    def screen(self) -> np.ndarray:
        """What the guest shows: height × width of 0xRRGGBB."""
        with tempfile.NamedTemporaryFile() as file:
            descriptor = os.open(file.name, os.O_WRONLY)  # QEMU may open no file of ours, so it is given one
            self.execute("add-fd", descriptor, **{"fdset-id": 9})
            os.close(descriptor)
            self.execute("screendump", filename="/dev/fdset/9")
            self.execute("remove-fd", **{"fdset-id": 9})
            kind, size, depth, data = Path(file.name).read_bytes().split(b"\n", 3)
        assert (kind, depth) == (b"P6", b"255")
        width, height = map(int, size.split())
        rows = np.frombuffer(data, np.uint8).reshape(height, -1)  # QEMU 7.2 pads them to 4 bytes
        parts = rows[:, : 3 * width].reshape(height, width, 3).astype(np.uint32)
        return parts[:, :, 0] << 16 | parts[:, :, 1] << 8 | parts[:, :, 2]

    def said(self) -> str:
        """What the guest wrote to its serial port since the last `says`."""
        new = self.execute("ringbuf-read", device="serial", size=65536, format="base64")
        self._log += base64.b64decode(new)
        return self._log.decode(errors="replace")

    def forget(self) -> None:
        """Drop what the guest said so far."""
        self.said()
        self._log = b""

    def says(self, *lines: str) -> None:
        """Wait until the guest has said these lines, in this order, since the last `says`."""

        def found() -> bool:
            text, at = self.said(), 0
            for line in lines:
                at = text.find(f"{line}\r\n", at) + 1
                if not at:
                    return False
            self._log = text[at:].encode()
            return True

        wait_for(found, f"the guest says {lines}", self.said)


def wait_for(condition: Any, what: str, details: Any = lambda: "") -> Any:
    """Wait until `condition()` is true; return what it returned."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for: {what}; {details()}")
