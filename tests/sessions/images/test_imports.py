"""Importing disks: whole files of any format come in, files that point elsewhere do not."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from sessions.images import BuildFailed, DiskFull, ImageStore, ImageUnsafe, qcow2
from sessions.images.imports import import_disk

SECRET = b"what only the host may read"


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A disk of 8 MiB with something at its start, in its middle and a hole."""
    path = tmp_path / "raw.img"
    with path.open("wb") as file:
        file.write(b"\xeb\x63" + os.urandom(4000))
        file.seek(3 << 20)
        file.write(b"middle")
        file.truncate(8 << 20)
    return path


def qemu_img(*arguments: str | Path) -> None:
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True)


def content(disk: Path, tmp_path: Path) -> bytes:
    qemu_img("convert", "-f", "qcow2", "-O", "raw", disk, tmp_path / "back.img")
    return (tmp_path / "back.img").read_bytes()


def quiet(percent: int | None, text: str) -> None:
    pass


@pytest.mark.parametrize("kind", ["raw", "qcow2", "vmdk", "vhdx", "vdi"])
def test_formats_come_in_unchanged(store, raw, tmp_path, kind):
    source = raw
    if kind != "raw":
        source = tmp_path / f"disk.{kind}"
        qemu_img("convert", "-f", "raw", "-O", kind, raw, source)
    told = []
    image = import_disk(
        store, source, "mine", lambda percent, text: told.append((percent, text)), memory_mb=64
    )
    assert image == store.get("mine")
    assert (image.kind, image.firmware, image.memory_mb) == ("disk", "bios", 64)
    assert not qcow2.parse(image.disk.read_bytes()[: qcow2.HEAD_BYTES]).backing_file
    assert content(image.disk, tmp_path) == raw.read_bytes()
    assert told[-1][0] == 100


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(SECRET.ljust(1 << 20, b"\0"))
    return path


def overlay(secret: Path, path: Path) -> None:
    qemu_img("create", "-f", "qcow2", "-b", secret, "-F", "raw", path)


def data_file(secret: Path, path: Path) -> None:
    qemu_img("create", "-f", "qcow2", "-o", f"data_file={path}.data,data_file_raw=on", path, "1M")


def vmdk_descriptor(secret: Path, path: Path) -> None:
    path.write_text(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
        f'createType="monolithicFlat"\nRW 2048 FLAT "{secret}" 0\n'
    )


def vmdk_bare_descriptor(secret: Path, path: Path) -> None:
    vmdk_descriptor(secret, path)
    path.write_text("\n" + path.read_text().removeprefix("# Disk DescriptorFile\n"))


def vmdk_empty_header(secret: Path, path: Path) -> None:
    vmdk_descriptor(secret, path)
    text = path.read_bytes()
    # A sparse extent of no sectors whose descriptor, from sector 1 on, names the extents.
    head = struct.pack("<4sIIQQQQ", b"KDMV", 1, 3, 0, 128, 1, 20).ljust(512, b"\0")
    path.write_bytes(head + text.ljust(20 * 512, b"\0"))


def vmdk_split(secret: Path, path: Path) -> None:
    qemu_img("create", "-f", "vmdk", "-o", "subformat=monolithicFlat", path, "1M")


@pytest.mark.parametrize(
    "make", [overlay, data_file, vmdk_descriptor, vmdk_bare_descriptor, vmdk_empty_header, vmdk_split]
)
def test_files_that_point_elsewhere_are_refused(store, secret, tmp_path, make):
    path = tmp_path / "hostile.img"
    make(secret, path)
    with pytest.raises(ImageUnsafe, match="qemu-img convert"):
        import_disk(store, path, "mine", quiet)
    assert not store.folder.exists() or list(store.folder.iterdir()) == []


def test_the_secret_is_not_read_even_when_raw_looks_like_it(store, secret, tmp_path):
    """A refused file must not be opened as raw either, nor its neighbour end up in the store."""
    path = tmp_path / "hostile.img"
    vmdk_descriptor(secret, path)
    with pytest.raises(ImageUnsafe):
        import_disk(store, path, "mine", quiet)
    found = [file for file in tmp_path.rglob("*") if file.is_file() and SECRET in file.read_bytes()]
    assert found == [secret]


def test_things_that_are_no_disks(store, tmp_path):
    with pytest.raises(BuildFailed, match="no file"):
        import_disk(store, tmp_path / "nothing", "mine", quiet)
    (tmp_path / "empty").touch()
    with pytest.raises(BuildFailed, match="empty"):
        import_disk(store, tmp_path / "empty", "mine", quiet)
    (tmp_path / "broken").write_bytes(b"QFI\xfb" + bytes(20))
    with pytest.raises(BuildFailed, match="ends within its header"):
        import_disk(store, tmp_path / "broken", "mine", quiet)


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_no_room_while_importing(store, tmp_path, kind):
    """With a limit on the size of files, in a child: converting (by qemu-img) and copying (by us)."""
    source = tmp_path / "random.img"
    source.write_bytes(b"\xeb\x63" + os.urandom(4 << 20))
    if kind == "qcow2":
        qemu_img("convert", "-f", "raw", "-O", "qcow2", source, tmp_path / "source.qcow2")
        source = tmp_path / "source.qcow2"
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        try:
            import_disk(store, source, "mine", quiet)
        except DiskFull as error:
            os._exit(0 if "No room left" in str(error) else 2)
        except BaseException:
            os._exit(3)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(store.folder.iterdir()) == []
