"""One file from the folder that a desktop shares (docs/files.md), from where it is here already."""

from __future__ import annotations

import enum
import os
from functools import partial
from io import FileIO
from pathlib import Path

from thinclient.local import Part, make_folder
from thinclient.transfer import State, Transfer, TransferFailed
from tsgateway.client import Client, ClientError, Download

_NO_SUCH_PART = 416
_CHANGED = "It was changed while it was loaded, twice; load it again when nothing writes to it."


class Taken(enum.Enum):
    """What becomes of a download whose name is taken when it is there."""

    FAILS = enum.auto()
    NUMBERED = enum.auto()
    """It gets another name: `report (2).pdf`."""
    REPLACES = enum.auto()


class Fetch(Transfer):
    """source: in the shared folder; target: what it is to be here. size: as it was listed.

    Where the name is taken it fails by an error whose code is `exists`, and what was loaded is kept.
    """

    def __init__(
        self, session: str, source: str, target: Path, size: int | None,
        *, taken: Taken = Taken.FAILS, patience: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(source, size, patience=patience)
        self.folder = target.parent
        self.began_at = 0
        """The byte that it went on with."""
        self._session = session
        self._name = target.name
        self._taken = taken

    def move(self, client: Client, slow: Client) -> str:
        """See `Transfer`."""
        for _ in range(2):
            part, sha256 = self._load(client)
            self.go(State.FINISHING)
            is_right = slow.get_checksum(self._session, path=self.name)["sha256"] == sha256
            self.reached(self.done)
            if is_right:
                return str(self._become(part))
            part.path.unlink(missing_ok=True)
        raise ClientError(_CHANGED)

    def discard(self, client: Client) -> None:
        """See `Transfer`."""
        if part := Part.find(self.folder, self._name, self.name):
            part.path.unlink(missing_ok=True)

    def _load(self, client: Client) -> tuple[Part, str]:
        """Load what is missing; return it and its SHA-256."""
        self.go(State.CHECKING)
        make_folder(self.folder)
        part = Part.find(self.folder, self._name, self.name)
        there = part.path.stat().st_size if part is not None else 0
        try:
            coming = client.download(self._session, self.name, first=there, tag=part.tag if part else "")
        except ClientError as error:
            if error.status != _NO_SUCH_PART or part is None:
                raise
            with part.open(anew=False) as file:  # all of it was there
                return part, self.hashed(partial(self._read, file), there).hexdigest()
        with coming:
            if part is None or coming.first == 0:
                if part is not None:
                    part.path.unlink(missing_ok=True)  # of what the file was before
                part = Part.of(self.folder, self._name, self.name, coming.tag)
            return part, self._write(part, coming)

    def _write(self, part: Part, coming: Download) -> str:
        self.size, self.began_at = coming.size, coming.first
        with part.open(anew=coming.first == 0) as file:
            sha256 = self.hashed(partial(self._read, file), coming.first)
            self.go(State.MOVING)
            while data := coming.read():
                try:
                    _write_all(file, data)
                except OSError as error:
                    raise part.failed(error) from None
                sha256.update(data)
                self.reached(coming.first)
            try:
                os.fsync(file.fileno())
            except OSError as error:
                raise part.failed(error) from None
        return sha256.hexdigest()

    def _read(self, file: FileIO, size: int) -> bytes:
        data = file.read(size)
        if not data:
            raise TransferFailed(f"What was there of {self.name} has become shorter; load it again.")
        return data

    def _become(self, part: Part) -> Path:
        try:
            return part.become(
                self._name, replace=self._taken is Taken.REPLACES, number=self._taken is Taken.NUMBERED
            )
        except FileExistsError:
            text = (
                f"{self.folder / self._name} is there already and was not replaced; what was loaded is kept."
            )
            raise TransferFailed(text, code="exists") from None


def _write_all(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
