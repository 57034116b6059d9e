"""One file to the folder that a desktop shares (docs/files.md): in pieces, from where the gateway has it."""

from __future__ import annotations

import os
import time
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from thinclient.transfer import State, Transfer, TransferFailed
from tsgateway.client import Client, ClientError

if TYPE_CHECKING:
    from hashlib import _Hash

SMALLEST_PIECE = 256 * 1024
LARGEST_PIECE = 4 * 1024 * 1024
PIECE_SECONDS = 0.7
"""So long a piece should take: then a pause takes hold soon."""
LONGEST_SECONDS = 3.0
"""Unless larger pieces are worth it."""
_NONSENSE = "The gateway's answer makes no sense: what it has of the file cannot be."


class Upload(Transfer):
    """path: of the file; target: what it is to be in the shared folder, with slashes between its names.

    What the gateway has is named by path, size and time, and compared by its SHA-256, so there is nothing to
    remember here: the same file goes on where it was, also from another program.
    """

    def __init__(self, path: Path, session: str, target: str, *, patience: float | None = None) -> None:
        super().__init__(target, None, patience=patience)
        self._path = path
        self._session = session
        self._id = ""
        self._rate = 0.0
        self._piece = SMALLEST_PIECE

    def move(self, client: Client, slow: Client) -> str:
        """See `Transfer`."""
        self.go(State.CHECKING)
        try:
            file = self._path.open("rb", buffering=0)
        except OSError as error:
            raise TransferFailed(f"{self._path} cannot be read: {os.strerror(error.errno or 0)}.") from None
        with file:
            before = os.fstat(file.fileno())
            self.size = before.st_size
            offset, sha256 = self._begin(slow, file, before)
            self.go(State.MOVING)
            while offset < before.st_size:
                offset = self._send(client, file, sha256, offset)
            after = os.fstat(file.fileno())
        self.go(State.FINISHING)
        self.reached(self.done)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            slow.cancel_upload(self._session, self._id)
            raise TransferFailed(f"{self._path} was changed while it was sent; send it again.")
        return slow.finish_upload(self._session, self._id, sha256=sha256.hexdigest())["path"]

    def discard(self, client: Client) -> None:
        """See `Transfer`."""
        if self._id:
            client.cancel_upload(self._session, self._id)

    def _begin(self, slow: Client, file: FileIO, status: os.stat_result) -> tuple[int, _Hash]:
        """Return where to go on, and the hash of what is there already."""
        for _ in range(2):
            begun = slow.begin_upload(
                self._session, path=self.name, size=status.st_size, changed=max(0.0, status.st_mtime)
            )
            self._id = begun["id"]
            if not 0 <= begun["offset"] <= status.st_size:
                raise ClientError(_NONSENSE)
            file.seek(0)
            sha256 = self.hashed(partial(self._read, file), begun["offset"])
            if sha256.hexdigest() == begun["sha256"]:
                return begun["offset"], sha256
            slow.cancel_upload(self._session, self._id)  # another file of this name, size and time
        raise ClientError(_NONSENSE)

    def _send(self, client: Client, file: FileIO, sha256: _Hash, offset: int) -> int:
        data = self._read(file, self._piece)
        began = time.monotonic()
        reached = client.send_piece(self._session, self._id, data, offset=offset)["offset"]
        if reached != offset + len(data):
            raise ClientError(_NONSENSE)
        self._pace(len(data), time.monotonic() - began)
        sha256.update(data)
        self.reached(reached)
        return reached

    def _read(self, file: FileIO, size: int) -> bytes:
        data = file.read(size)
        if not data:
            raise TransferFailed(f"{self._path} has become shorter while it was sent; send it again.")
        return data

    def _pace(self, size: int, took: float) -> None:
        """Let the next piece take about PIECE_SECONDS, or longer as long as that is faster."""
        rate = size / max(took, 0.001)
        if took < PIECE_SECONDS or (rate > 1.2 * self._rate and took < LONGEST_SECONDS):
            self._piece = min(2 * self._piece, LARGEST_PIECE)
        elif took > LONGEST_SECONDS:
            self._piece = max(self._piece // 2, SMALLEST_PIECE)
        self._rate = rate
