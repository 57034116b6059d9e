"""The audit on the disk: appends to segments, signs, takes up what a killed gateway has left. Blocking.

Each batch goes out with one write and one fsync, then `head.json` says so. A line that was being written
when the gateway was killed lies behind the head and has no line feed: it is taken off and noted. What lies
before the head and is not there any more was taken away by somebody: that is noted too, and `verify` shows
it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sessions.files import write_whole
from tsgateway.audit.base import Event
from tsgateway.audit.chain import (
    GENESIS,
    MAX_LINE,
    BadLine,
    Point,
    Signed,
    checkpoint,
    decode,
    digest,
    encode,
    encode_signed,
)
from tsgateway.audit.keys import KeyProblem, Signer
from tsgateway.audit.segments import ANCHOR, HEAD, read_signed, segment, segments, tail

DAY = 86_400
CHECKPOINT_EVERY = 1000
"""Records between two checkpoints in the chain."""
SEGMENT_BYTES = 16 * 1024 * 1024

Noted = tuple[float, Event]
"""When, in seconds since 1970, and what."""


class _State(NamedTuple):
    """Where the chain stands, and the segment that is written to. unsigned: records behind a checkpoint."""

    seq: int
    prev: str
    first: int
    size: int
    day: int
    unsigned: int


class AuditLog:
    """Writes the audit; one at a time for a folder, from one thread at a time.

    wall: seconds since 1970; segment_bytes: a new file is begun then, and with each day of UTC.
    """

    def __init__(
        self, folder: Path, *, wall: Callable[[], float], segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.folder = folder
        self._wall = wall
        self._most = segment_bytes
        self._signer: Signer | None = None
        self._file: int | None = None
        self._state = _State(0, GENESIS, 1, 0, 0, 0)

    @property
    def seq(self) -> int:
        """The number of the last record."""
        return self._state.seq

    @property
    def unsigned(self) -> int:
        """Records since the last checkpoint in the chain."""
        return self._state.unsigned

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._file is not None

    def public_key(self) -> str:
        """Return the public key as PEM. Raises OSError, KeyProblem."""
        signer = self._signer or Signer.load(self.folder)
        if signer is None:
            raise KeyProblem("the audit has no key yet")
        return signer.public.pem

    def open(self) -> None:
        """Take up what is there, or begin. Raises OSError, KeyProblem; it may be tried again then."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        signer = Signer.load(self.folder)
        found = self._find_out(signer)
        self._signer = signer or Signer.make(self.folder)
        self._state, remarks = found
        if self._state.seq == 0:
            self._put_head()  # from now on it is known that there has to be something
        self._open_file()
        if remarks:
            self.append([(self._wall(), event) for event in remarks])

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    # ---- taking up

    def _find_out(self, signer: Signer | None) -> tuple[_State, list[Event]]:
        """Find where the chain ends, and what the gateway has to say about that."""
        head, is_there = read_signed(self.folder, HEAD)
        anchor, _ = read_signed(self.folder, ANCHOR)
        found = segments(self.folder)
        if not found and not is_there and anchor is None:
            return _State(0, GENESIS, 1, 0, 0, 0), [_began(signer)]
        trouble: dict[str, Any] = {}
        if signer is None:
            trouble["key"] = "it was missing, a new one was made"
        if head is None:
            trouble["head"] = "damaged" if is_there else "missing"
        elif signer is not None and not signer.public.vouches(head):
            trouble["head"] = "not signed by the audit's key"
            head = None
        last = anchor.point if anchor is not None else Point(0, GENESIS, "")
        first, torn = 0, b""
        for each in reversed(found):
            line, rest = tail(each.path)
            torn = torn or rest
            if line is not None:
                try:
                    last, first = Point(decode(line)["seq"], digest(line), ""), each.first
                except BadLine as error:
                    trouble["last line"] = str(error)
                    continue
                break
        if head is not None:
            point = head.point
            if last.seq < point.seq:
                trouble["end"] = f"cut off behind record {last.seq}, the head says {point.seq}"
                last = point
            elif last.seq == point.seq and last.hash != point.hash:
                trouble["end"] = f"record {last.seq} was edited"
        if trouble or len(torn) > MAX_LINE:  # evidence stays as it is: go on in a file of its own
            broken = Event("audit.broken", target="audit", outcome="damaged", details=trouble)
            return _State(last.seq, last.hash, last.seq + 1, 0, 0, 0), [broken]
        remarks = [_mend(found[-1].path, torn)] if torn else []
        if last.seq == 0:
            remarks.append(_began(None))
        return _State(last.seq, last.hash, first or last.seq + 1, 0, 0, 0), remarks

    def _open_file(self) -> None:
        path = segment(self.folder, self._state.first).path
        is_new = not path.exists()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._file).st_size
        day = int((self._wall() if is_new else path.stat().st_mtime) // DAY)
        self._state = self._state._replace(size=size, day=day)
        if is_new:
            _sync_folder(self.folder)

    # ---- writing

    def append(self, entries: Sequence[Noted], *, sign: bool = False) -> None:
        """Write records; sign: and a checkpoint behind them. Raises OSError: then none of them is written."""
        if self._file is None:
            raise OSError(errno.EBADF, "the audit is not open")
        if entries or (sign and self._state.unsigned):
            self._rotate()
        data = bytearray()
        state = self._state
        for at, event in entries:
            state = _after(state, _line(state, moment(at), event), data)
            if state.unsigned >= CHECKPOINT_EVERY:
                state = _after(state, self._checkpoint(state), data)._replace(unsigned=0)
        if sign and state.unsigned:
            state = _after(state, self._checkpoint(state), data)._replace(unsigned=0)
        if data:
            self._write(self._file, bytes(data))
            self._state = state
            self._put_head()

    def _checkpoint(self, state: _State) -> bytes:
        signed = self._sign("record", Point(state.seq, state.prev, moment(self._wall())))
        return checkpoint(state.seq + 1, state.prev, signed.point.time, signed.key, signed.signature)

    def _write(self, file: int, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            self._take_back(file)
            raise

    def _take_back(self, file: int) -> None:
        try:
            os.ftruncate(file, self._state.size)
        except OSError:
            self.close()  # who opens it again finds out what is there

    def _rotate(self) -> None:
        state = self._state
        if state.size and (state.size >= self._most or int(self._wall() // DAY) != state.day):
            self.close()
            self._state = state._replace(first=state.seq + 1)
            self._open_file()

    def _put_head(self) -> None:
        """Say how far it is written. Without room for that, the next one says it."""
        point = Point(self._state.seq, self._state.prev, moment(self._wall()))
        try:
            write_whole(self.folder / HEAD, encode_signed(self._sign("head", point)))
        except OSError:
            if not (self.folder / HEAD).exists():
                raise

    def _sign(self, purpose: str, point: Point) -> Signed:
        if self._signer is None:
            raise OSError(errno.EBADF, "the audit is not open")
        return self._signer.sign(purpose, point)

    # ---- retiring

    def retire(self, before: float) -> int:
        """Remove segments whose last record is older than this time; return how many. Raises OSError.

        The segment that is written to stays. `anchor.json` comes first: from then on they are not missed.
        """
        found = segments(self.folder)
        anchor, _ = read_signed(self.folder, ANCHOR)
        old = [each for each in found[:-1] if each.path.stat().st_mtime < before]
        while old and found[len(old) - 1] != old[-1]:
            old.pop()  # only what is oldest, without a gap
        if anchor is not None:
            old += [each for each in found if each.first <= anchor.point.seq and each not in old]
        if not old:
            return 0
        line, torn = tail(old[-1].path)
        if line is None or torn:
            return 0  # tampered with: evidence
        seq = decode(line)["seq"]
        if anchor is None or anchor.point.seq < seq:
            point = Point(seq, digest(line), moment(self._wall()))
            write_whole(self.folder / ANCHOR, encode_signed(self._sign("anchor", point)))
        for each in old:
            each.path.unlink()
        _sync_folder(self.folder)
        details = {"segments": len(old), "first": old[0].first, "last": seq}
        retired = Event("audit.retired", target="audit", outcome="retired", details=details)
        self.append([(self._wall(), retired)], sign=True)
        return len(old)


def moment(at: float) -> str:
    """Return a time, in seconds since 1970, as RFC 3339 has it: UTC, in milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(state: _State, time: str, event: Event) -> bytes:
    try:
        return encode(state.seq + 1, state.prev, time, event)
    except Exception as error:  # whatever a value does that wants to be written as text
        told = Event(event.kind, details={"unwritable": type(error).__name__})
        return encode(state.seq + 1, state.prev, time, told)


def _after(state: _State, line: bytes, data: bytearray) -> _State:
    """Add a line to what is written; return where the chain stands then."""
    data += line
    data += b"\n"
    size = state.size + len(line) + 1
    return state._replace(seq=state.seq + 1, prev=digest(line), size=size, unsigned=state.unsigned + 1)


def _began(signer: Signer | None) -> Event:
    """Return the first event; `again` when there was a key, so that there has been another audit before."""
    return Event("audit.began", target="audit", outcome="new" if signer is None else "again")


def _mend(path: Path, torn: bytes) -> Event:
    """Take off a line that a killed gateway has left half written; return what is noted of that."""
    os.truncate(path, path.stat().st_size - len(torn))
    details = {
        "file": path.name, "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest(),
        "began": torn[:400].decode(errors="replace"),
    }  # fmt: skip
    return Event("audit.repaired", target="audit", outcome="unfinished line removed", details=details)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
