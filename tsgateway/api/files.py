"""Files between a person's machine and a session's desktop: the folder that both share.

Everything goes over connections of its own, so that pictures and keys never queue behind a file. An upload is
begun, sent in pieces that follow on one another, and finished with its SHA-256; whoever begins the same one
again is told where to go on. A download is one GET, which browsers stream to the disk and take up again by
themselves (Range, ETag).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from pydantic import Field

from sessions.transfer import names
from sessions.transfer.errors import TransferError, WrongOffset
from sessions.transfer.shares import Share
from sessions.transfer.uploads import MAX_SIZE, Stored, Upload
from tsgateway.access.desk import context_of
from tsgateway.api.api import on_session
from tsgateway.api.route import Answer, Call, May, Model, Query, Route
from tsgateway.audit import Event
from tsgateway.exchange import RAW, ApiError, Response
from tsgateway.hosts.link import HostError
from tsgateway.policy import Action

if TYPE_CHECKING:
    from tsgateway.api.api import Api

PIECE = 256 * 1024
"""Bytes of a download that are read at a time."""
_STATUS = {
    "no_such_file": 404,
    "no_such_upload": 404,
    "quota_full": 507,
    "disk_full": 507,
    "wrong_offset": 409,
    "exists": 409,
    "not_empty": 409,
    "hash_mismatch": 409,
    "too_many": 429,
    "failed": 500,
}
_SHA256 = r"^[0-9a-f]{64}$"


class Place(Query):
    """path: names with slashes between, as they are listed; "" is the shared folder."""

    path: str = Field("", max_length=names.MAX_PATH)


class At(Query):
    """offset: how many bytes of the upload are there."""

    offset: int = Field(ge=0, le=MAX_SIZE)


class NewFolder(Model):
    """folder: where, as it is listed; path: what shall be there, names with slashes between."""

    folder: str = Field("", max_length=names.MAX_PATH)
    path: str = Field(max_length=names.MAX_PATH)


class NewName(Model):
    """path: what there is; folder, name: where it shall be and what it shall be called."""

    path: str = Field(max_length=names.MAX_PATH)
    folder: str = Field("", max_length=names.MAX_PATH)
    name: str = Field(max_length=names.MAX_PATH)


class NewUpload(NewFolder):
    """size: bytes; changed: the file's time of change as its machine has it, Unix time."""

    size: int = Field(ge=0, le=MAX_SIZE)
    changed: float = Field(0, ge=0, le=1e11)


class WholeUpload(Model):
    """sha256: of the whole file, hex."""

    sha256: str = Field(pattern=_SHA256)


class FileItem(Model):
    """A file or folder. bytes: 0 for a folder; changed: Unix time."""

    name: str
    folder: bool
    bytes: int
    changed: float


class Unfinished(Model):
    """An upload that was not finished. offset: how many of its bytes are there."""

    id: str
    path: str
    bytes: int
    changed: float
    offset: int


class Folder(Model):
    """A folder. used, quota: bytes of all the person's shared folders, and how many there may be (0: any).

    mounted: whether the desktop shows the folder now.
    """

    path: str
    files: list[FileItem]
    unfinished: list[Unfinished]
    used: int
    quota: int
    mounted: bool


class Begun(Model):
    """An upload. offset: where it goes on; sha256: of the bytes before that, to compare them."""

    id: str
    offset: int
    sha256: str


class Reached(Model):
    """offset: how many bytes are there now."""

    offset: int


class StoredFile(Model):
    """A file. path: where it is; one whose name was taken has got another one."""

    path: str
    bytes: int
    sha256: str


async def _call(api: Api, call: Call, method: Any, *arguments: Any, long: bool = False) -> Any:
    """Call a method of the session's shared folder on a thread. Raises ApiError."""
    session = api.session(call)
    context = context_of(call.subject, call.request.address, "web")
    decision = await api.desk.consider(context, session.info["desktop"])
    if not (decision.allowed and decision.redirections.files):
        text = "Files may not be exchanged with this desktop from where you are. The administrator knows why."
        raise ApiError(403, "files_forbidden", text)
    if not session.info.get("shares"):
        text = (
            "This desktop has no shared folder. Use what the desktop itself offers, its browser for example."
        )
        raise ApiError(409, "no_share", text)
    shares = api.folders.shares
    user, desktop = session.info["user"], session.info["desktop"]

    def act() -> Any:
        return method(shares.of(user, desktop), *arguments)

    try:
        return await (api.folders.long if long else api.folders.quick)(act)
    except WrongOffset as error:
        raise ApiError(409, error.code, str(error), offset=error.offset) from None
    except TransferError as error:
        raise ApiError(_STATUS.get(error.code, 400), error.code, str(error)) from None


def _note(api: Api, call: Call, kind: str, outcome: str, **details: Any) -> None:
    target = f"session:{api.session(call).info['session']}"
    event = Event(f"files.{kind}", call.subject.name, call.request.address, target, outcome, details)
    api.audit.note(event)


async def list_files(api: Api, call: Call) -> Answer:
    """List a folder that a session's desktop shares with its person."""

    def listed(share: Share) -> dict[str, Any]:
        path = names.split(call.query.path)
        entries = share.entries(path)
        return {
            "path": "/".join(path),
            "files": [
                {"name": each.name, "folder": each.is_folder, "bytes": each.size, "changed": each.changed}
                for each in entries
            ],
            "unfinished": [_unfinished(each) for each in share.uploads.unfinished()],
            "used": share.account.used(),
            "quota": share.account.limit,
        }

    return {**await _call(api, call, listed), "mounted": await _is_mounted(api, call)}


async def _is_mounted(api: Api, call: Call) -> bool:
    try:
        told = await api.sessions.ask(api.session(call).info["session"], "share")
    except HostError:
        return False
    return bool(told.get("mounted"))


def _unfinished(upload: Upload) -> dict[str, Any]:
    path = "/".join(upload.path)
    told = {"id": upload.id, "path": path, "bytes": upload.size, "changed": upload.changed}
    return {**told, "offset": upload.offset}


async def make_folder(api: Api, call: Call) -> Answer:
    """Make a folder."""
    await _call(api, call, lambda share: share.make(_new(call.body)))
    return None


async def rename_file(api: Api, call: Call) -> Answer:
    """Move a file or folder, or give it another name."""

    def renamed(share: Share) -> None:
        new = (*names.split(call.body.folder), names.checked(call.body.name))
        share.rename(names.split(call.body.path), new)

    await _call(api, call, renamed)
    return None


async def delete_file(api: Api, call: Call) -> Answer:
    """Delete a file, or a folder with all that is in it."""
    await _call(api, call, lambda share: share.remove(names.split(call.query.path)))
    return None


async def begin_upload(api: Api, call: Call) -> Answer:
    """Begin an upload, or go on with the same one: what has come of it is there for some days."""

    def begun(share: Share) -> tuple[Upload, str]:
        return share.uploads.begin(_new(call.body), call.body.size, call.body.changed)

    upload, sha256 = await _call(api, call, begun, long=True)
    return {"id": upload.id, "offset": upload.offset, "sha256": sha256}


async def send_piece(api: Api, call: Call) -> Answer:
    """Add a piece of up to 4 MiB to an upload; one that does not follow on what is there is refused."""
    offset, upload, data = call.query.offset, call.parts["upload"], call.request.body
    reached = await _call(api, call, lambda share: share.uploads.write(upload, offset, data))
    return {"offset": reached}


async def finish_upload(api: Api, call: Call) -> Answer:
    """Let an upload become a file, under a name that is free, if it is what was sent."""

    def finished(share: Share) -> Stored:
        return share.uploads.finish(call.parts["upload"], call.body.sha256)

    stored = await _call(api, call, finished, long=True)
    told = {"path": "/".join(stored.path), "bytes": stored.size, "sha256": stored.sha256}
    _note(api, call, "uploaded", "done", **told)
    return told


async def cancel_upload(api: Api, call: Call) -> Answer:
    """Give an upload up."""
    await _call(api, call, lambda share: share.uploads.cancel(call.parts["upload"]))
    return None


async def get_checksum(api: Api, call: Call) -> Answer:
    """Return the SHA-256 of a file, which is read for it."""
    path = call.query.path
    sha256, size = await _call(api, call, lambda share: share.checksum(names.split(path)), long=True)
    return {"path": path, "bytes": size, "sha256": sha256}


class _Range(NamedTuple):
    """What is asked for of a file: from its byte `first`, `length` of them."""

    first: int
    length: int


async def download_file(api: Api, call: Call) -> Answer:
    """Download a file, or a part of it (Range, as RFC 9110 has it; one range)."""
    descriptor, status = await _call(api, call, lambda share: share.open(names.split(call.query.path)))
    file = os.fdopen(descriptor, "rb", buffering=0)  # closed with the stream, however that ends
    tag = f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"'
    wanted = _range(call.request.headers, status.st_size, tag)
    name = call.query.path.rpartition("/")[2]
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "no-store",
        "Content-Type": RAW,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }
    if wanted is None:
        file.close()
        raise ApiError(
            416, "range", "The file has no such part.", headers={"Content-Range": f"bytes */{status.st_size}"}
        )
    first, length = wanted
    headers["Content-Length"] = str(length)
    is_part = "range" in call.request.headers and wanted != (0, status.st_size)
    if is_part:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{status.st_size}"
    stream = _sent(api, call, _Sending(file, wanted, status.st_size, call.query.path))
    return Response(206 if is_part else 200, headers=headers, stream=stream)


@dataclass
class _Sending:
    """A download. sent: bytes so far; hashed: of them."""

    file: Any
    wanted: _Range
    size: int
    path: str
    sent: int = 0

    def __post_init__(self) -> None:
        self.hashed = hashlib.sha256()

    def read(self) -> bytes:
        """Read the next piece; on a thread."""
        data: bytes = os.pread(
            self.file.fileno(), min(PIECE, self.wanted.length - self.sent), self.wanted.first + self.sent
        )
        self.hashed.update(data)
        self.sent += len(data)
        return data


async def _sent(api: Api, call: Call, sending: _Sending) -> AsyncIterator[bytes]:
    """Yield a file's pieces, and note what has become of it."""
    try:
        while sending.sent < sending.wanted.length:
            data = await api.folders.quick(sending.read)
            if not data:
                raise OSError(f"{sending.path} has become shorter while it was sent")
            yield data
    finally:
        sending.file.close()
        is_done = sending.sent == sending.wanted.length
        told: dict[str, Any] = {"path": sending.path, "bytes": sending.size, "sent": sending.sent}
        if sending.sent == sending.size:
            told["sha256"] = sending.hashed.hexdigest()
        elif sending.wanted.first:
            told["first"] = sending.wanted.first
        api.audit.note(
            Event(
                "files.downloaded", call.subject.name, call.request.address, f"session:{call.id}",
                "done" if is_done else "cut", told,
            )
        )  # fmt: skip


def _range(headers: Any, size: int, tag: str) -> _Range | None:
    """Return what is to be sent; None when there is no such part."""
    whole = _Range(0, size)
    asked = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", headers.get("range", "").replace(" ", ""))
    if asked is None or headers.get("if-range", tag) != tag or asked.group() == "bytes=-":
        return whole
    first, last = asked.groups()
    if not first:
        length = min(int(last), size)
        return _Range(size - length, length) if length else None
    end = min(int(last) + 1 if last else size, size)
    return _Range(int(first), end - int(first)) if int(first) < end else None


def _new(body: NewFolder) -> names.Path:
    return (*names.split(body.folder), *names.fresh(body.path))


_FILES = "/api/v1/sessions/{id}/files"
_UPLOAD = f"{_FILES}/uploads/{{upload}}"
_OWN = May(Action.VIEW, on_session)

ROUTES = (
    Route("GET", _FILES, list_files, "List shared files", _OWN, query=Place, answer=Folder),
    Route("DELETE", _FILES, delete_file, "Delete a shared file", _OWN, query=Place),
    Route("POST", f"{_FILES}/folder", make_folder, "Make a shared folder", _OWN, NewFolder),
    Route("POST", f"{_FILES}/name", rename_file, "Move or rename a shared file", _OWN, NewName),
    Route("GET", f"{_FILES}/content", download_file, "Download a shared file", _OWN, query=Place, stream=RAW),
    Route("GET", f"{_FILES}/checksum", get_checksum, "Get the SHA-256 of a shared file", _OWN, query=Place,
          answer=StoredFile),
    Route("POST", f"{_FILES}/uploads", begin_upload, "Begin or resume an upload", _OWN, NewUpload,
          answer=Begun),
    Route("PUT", _UPLOAD, send_piece, "Send a piece of an upload", _OWN, query=At, answer=Reached, raw=True),
    Route("POST", f"{_UPLOAD}/end", finish_upload, "Finish an upload", _OWN, WholeUpload, answer=StoredFile),
    Route("DELETE", _UPLOAD, cancel_upload, "Give an upload up", _OWN),
)  # fmt: skip
