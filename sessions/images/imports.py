"""Taking a disk file that somebody brings into the store."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import uuid
from pathlib import Path
from typing import Any, Literal

from sessions.images import qcow2
from sessions.images.commands import find, need, run
from sessions.images.errors import BuildFailed, ImageUnsafe, Progress
from sessions.images.store import Image, ImageStore, describe

FORMATS = ("qcow2", "raw", "vmdk", "vpc", "vhdx", "vdi", "qed", "parallels")
CHUNK = 1 << 20
FLATTEN = "make one whole file of it where it comes from: qemu-img convert -O qcow2 FILE WHOLE.qcow2"
INFO_MEMORY = 2 << 30  # bytes for looking at a file that may be hostile
INFO_SECONDS = 30


def import_disk(
    store: ImageStore,
    path: Path,
    name: str,
    progress: Progress,
    *,
    memory_mb: int = 2048,
    firmware: Literal["bios", "uefi"] = "bios",
) -> Image:
    """Copy the disk file into the store as image `name`, converted to qcow2 unless it is that already.

    Refused are files that refer to others (backing file, data file, split extents): whoever made the
    file chooses those names, and QEMU would open them with our rights.
    Raises ImageUnsafe, BuildFailed (not a disk, name taken by another kind of image), DiskFull.
    """
    need("Importing a disk", "qemu-img")
    if not path.is_file():
        raise BuildFailed(f"There is no file {path}: give the path of a disk image")
    path = path.resolve()  # an absolute path cannot be taken for one of QEMU's "nbd:" or "json:" names
    progress(None, f"looking at {path.name}")
    kind = _format(path)
    _refuse_references(path, kind)
    with store.writing(name) as folder:
        disk = folder / "disk.qcow2"
        if kind == "qcow2":
            _copy(path, disk, progress)
        else:
            _convert(path, kind, disk, progress)
        _check_header(disk)
        image = Image(
            name=name, folder=folder, kind="disk", version=uuid.uuid4().hex[:16], memory_mb=memory_mb,
            disk=disk, firmware=firmware,
        )  # fmt: skip
        describe(folder, image)
    progress(100, f"{name} is ready")
    return store.get(name)


def _format(path: Path) -> str:
    """The file's format, from its content; one that QEMU does not know counts as raw."""
    head = _head(path)
    if not head:
        raise BuildFailed(f"{path} is empty: give the path of a disk image")
    if head.startswith(qcow2.MAGIC):
        _check_header(path)
        return "qcow2"
    if _is_vmdk_descriptor(head):
        raise ImageUnsafe(f"{path} is a list of other files (a VMDK descriptor): {FLATTEN}")
    kind = str(_info(path).get("format"))
    if kind not in FORMATS:
        raise BuildFailed(f"{path} has the format {kind}, known are {', '.join(FORMATS)}: convert it first")
    return kind


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(qcow2.HEAD_BYTES)
    except OSError as error:
        raise BuildFailed(f"{path} cannot be read: {error.strerror or error}") from error


def _is_vmdk_descriptor(head: bytes) -> bool:
    """Whether QEMU would read it as a list of files; just looking at such a file opens those it names.

    It is text that starts with a comment or its version, or a VMDK header for a disk without sectors.
    """
    text = head.lstrip(b" \t\r\n")
    empty = head.startswith(b"KDMV") and head[12:20] == bytes(8)
    return text.startswith((b"#", b"version=")) or empty


def _check_header(path: Path) -> None:
    """Refuse a qcow2 file that is damaged or refers to others, before QEMU sees it."""
    try:
        header = qcow2.parse(_head(path))
    except qcow2.HeaderError as error:
        raise BuildFailed(f"{path} cannot be used: {error}") from error
    if header.backing_file:
        raise ImageUnsafe(f"{path} holds only the changes to another file (a backing file): {FLATTEN}")
    if header.data_file:
        raise ImageUnsafe(f"{path} keeps its content in another file (a data file): {FLATTEN}")
    if header.encrypted:
        raise BuildFailed(f"{path} is encrypted; guests start without anybody to ask for its password")
    if header.corrupt:
        raise BuildFailed(f"{path} is marked as corrupt: repair it with 'qemu-img check -r all'")


def _refuse_references(path: Path, kind: str) -> None:
    """Refuse what QEMU would open beside the file, as it tells by itself."""
    info = _info(path, kind)
    if info.get("backing-filename") or info.get("full-backing-filename"):
        raise ImageUnsafe(f"{path} holds only the changes to another file: {FLATTEN}")
    extents = info.get("format-specific", {}).get("data", {}).get("extents", [])
    if any(extent.get("filename") != str(path) for extent in extents):
        raise ImageUnsafe(f"{path} keeps its content in other files: {FLATTEN}")


def _info(path: Path, kind: str | None = None) -> dict[str, Any]:
    """What `qemu-img info` says of the file, within limits of memory and time. Raises BuildFailed."""
    forced = ["-f", kind] if kind else []
    arguments = [find("qemu-img") or "qemu-img", "info", "--output=json", *forced, str(path)]
    try:
        done = subprocess.run(
            arguments, capture_output=True, timeout=INFO_SECONDS, check=False, preexec_fn=_limit_memory
        )
        info = json.loads(done.stdout) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise BuildFailed(f"{path} cannot be understood as a disk: {error}") from error
    if not isinstance(info, dict):
        said = done.stderr.decode(errors="replace").strip()
        raise BuildFailed(f"{path} cannot be understood as a disk: {said[-300:]}")
    return info


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (INFO_MEMORY, INFO_MEMORY))


def _copy(path: Path, disk: Path, progress: Progress) -> None:
    """Copy a file, leaving holes where there are zeros."""
    total = path.stat().st_size
    with path.open("rb") as source, disk.open("wb") as target:
        done = 0
        while chunk := source.read(CHUNK):
            if chunk.count(0) == len(chunk):
                target.seek(len(chunk), os.SEEK_CUR)
            else:
                target.write(chunk)
            done += len(chunk)
            if done % (32 * CHUNK) == 0:
                progress(done * 100 // max(total, 1), "copying")
        target.truncate(done)


def _convert(path: Path, kind: str, disk: Path, progress: Progress) -> None:
    progress(0, f"converting from {kind}")
    told = 0

    def on_text(text: str) -> bool:
        nonlocal told
        found = re.findall(r"\((\d+)\.\d+/100%\)", text)
        if found and int(found[-1]) > told:
            told = int(found[-1])
            progress(told, "converting")
        return bool(found)

    run(["qemu-img", "convert", "-p", "-f", kind, "-O", "qcow2", path, disk], disk.parent, on_line=on_text)
