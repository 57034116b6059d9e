"""Building the desktop image from Debian's packages: no mounting, and no root where the host allows it.

Its steps, the slow one kept in the cache under a hash of what it was made from:
packages (an archive of the installed system) -> file system (ours and the kernel's files added) -> qcow2.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sessions.images import cpio, kernel, recipe
from sessions.images.commands import need, run
from sessions.images.errors import Progress
from sessions.images.store import Image, ImageStore, describe, version_of, writes_to
from sessions.images.tiny import TEXT_PORT

APPEND = (
    "console=ttyS0 loglevel=4 systemd.show_status=true root=/dev/vda rw"
    " mitigations=off audit=0 apparmor=0 selinux=0 cryptomgr.notests 8250.nr_uarts=1 no_timer_check"
)
MEMORY_MB = 768
DISK_BYTES = 8 << 30  # as the guest sees it; the file holds only what is used
SUITE = "bookworm"
WORK = "work-"  # begins the name of a folder in the cache that a build works in
INSTALL_STEPS = {
    "running apt-get update": (2, 5, "reading package lists"),
    "downloading packages": (5, 20, "downloading packages"),
    "extracting archives": (20, 25, "unpacking packages"),
    "installing essential": (25, 30, "installing the base system"),
    "installing remaining": (30, 60, "installing the desktop"),
    "cleaning package lists": (60, 62, "packing it up"),
}
"""What mmdebstrap says, and what that is: from and to how many per cent of the whole, and our words."""


def build(
    store: ImageStore, cache: Path, progress: Progress, *, force: bool = False, name: str = "desktop"
) -> Image:
    """Make the image, unless the one in the store is of the same recipe and kernel.

    cache: folder for steps that take long; an interrupted build goes on after the last finished one.
    Raises BuildFailed, ToolsMissing, DiskFull.
    """
    source = recipe.folder("desktop")
    need("The desktop image", "mmdebstrap", "mkfs.ext4", "qemu-img", "tar")
    if os.geteuid() != 0:
        need("The desktop image, without root,", "unshare", "newuidmap")
    with writes_to(cache):
        (cache / "desktop").mkdir(parents=True, exist_ok=True)
    linux = kernel.prepare(cache, progress)
    made_from = recipe.fingerprint(source, linux.version, APPEND, SUITE)
    if not force and (present := store.made_from(name, made_from)):
        return present
    with _alone(cache / "desktop", progress):
        if not force and (present := store.made_from(name, made_from)):
            return present  # somebody made it while this waited
        archive = _packages(source, cache / "desktop", progress, force)
        with store.writing(name) as folder, TemporaryDirectory(prefix=WORK, dir=cache / "desktop") as work:
            try:
                _fill(folder, work=Path(work), archive=archive, linux=linux, progress=progress)
            finally:
                _as_root(["rm", "-rf", Path(work) / "root"], Path(work), progress)
            describe(folder, _image(name, folder, made_from))
    progress(100, "the desktop is ready")
    return store.get(name)


@contextlib.contextmanager
def _alone(cache: Path, progress: Progress) -> Iterator[None]:
    """Let one build at a time use the cache, and remove what one that was killed has left there."""
    with (cache / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(None, "waiting for another build")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if left := list(cache.glob(f"{WORK}*")):
            progress(None, "tidying up after an interrupted build")
            _as_root(["rm", "-rf", *left], cache, progress)
        yield


def _image(name: str, folder: Path, made_from: str) -> Image:
    return Image(
        name=name, folder=folder, kind="desktop", version=version_of(made_from), memory_mb=MEMORY_MB,
        disk=folder / "disk.qcow2", kernel=folder / "vmlinux", initrd=folder / "initrd", append=APPEND,
        user="user", recipe=made_from, text_port=TEXT_PORT,
    )  # fmt: skip


def _fill(folder: Path, *, work: Path, archive: Path, linux: kernel.Kernel, progress: Progress) -> None:
    """Write disk, kernel and first file system into the image's folder."""
    source = recipe.folder("desktop")
    files = work / "files"
    shutil.copytree(source / "files", files)
    _add_modules(files, source, linux)
    shared = files / "usr/share/tsgateway"
    run([sys.executable, source / "pictures.py", shared / "wallpaper.png", shared / "menu.png"], work)
    script: list[str | Path] = [
        "sh",
        source / "assemble.sh",
        archive,
        files,
        work,
        linux.version,
        str(DISK_BYTES),
    ]
    _as_root(script, work, progress)
    progress(88, "compressing the disk")
    disk = folder / "disk.qcow2"
    options = ["-c", "-o", "compression_type=zstd"]
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, work / "disk.raw", disk], folder)
    (folder / "initrd").write_bytes(_initrd(source, linux, (work / "busybox").read_bytes()))
    shutil.copyfile(linux.vmlinux, folder / "vmlinux")


def _packages(source: Path, cache: Path, progress: Progress, force: bool) -> Path:
    """An archive of a system with the recipe's packages, from the cache unless it must be new."""
    wanted, options = _lines(source / "packages.txt"), _lines(source / "options.txt")
    key = hashlib.sha256("\n".join([SUITE, *wanted, *options]).encode()).hexdigest()[:16]
    archive = cache / f"packages-{key}.tar"
    if archive.is_file() and not force:
        progress(60, "packages are in the cache")
        return archive
    for stale in cache.glob("packages-*"):
        stale.unlink()
    partial = archive.with_suffix(".partial.tar")

    mode = "root" if os.geteuid() == 0 else "unshare"
    dpkg = [f"--dpkgopt={option}" for option in options]
    include = f"--include={','.join(wanted)}"
    try:
        arguments: list[str | Path] = [
            "mmdebstrap",
            "--verbose",
            f"--mode={mode}",
            "--variant=minbase",
            include,
            *dpkg,
            SUITE,
            partial,
        ]
        run(arguments, cache, on_line=_Installing(progress).line)
        partial.rename(archive)
    finally:
        partial.unlink(missing_ok=True)
    return archive


class _Installing:
    """Follows what mmdebstrap says, package by package where it tells how many there are."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._first, self._end, self._text = 0, 0, ""
        self._percent = 0
        self._done, self._all = 0, 0

    def line(self, line: str) -> bool:
        """Take one line in; all are worth to be kept (False)."""
        for said, step in INSTALL_STEPS.items():
            if line.startswith(f"I: {said}"):
                self._first, self._end, self._text = step
                self._done, self._all = 0, 0
                self._percent = self._first
                self._progress(self._percent, self._text)
        if found := re.match(r"\d+ upgraded, (\d+) newly installed", line):
            self._all = 3 * int(found[1])  # each is fetched, unpacked and set up
        elif self._all and line.startswith(("Get:", "Unpacking ", "Setting up ")):
            self._done += 1
            share = min(1, self._done / self._all)
            percent = int(self._first + share * (self._end - self._first))
            if percent > self._percent:
                self._percent = percent
                self._progress(percent, self._text)
        return False


def _as_root(arguments: Sequence[str | Path], work: Path, progress: Progress) -> None:
    """Run it as root, or as root of a user namespace in which other users' files can be made, too."""
    inside = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--map-auto", "--"]

    def on_line(line: str) -> bool:
        if not line.startswith("STEP "):
            return False
        _, percent, text = line.split(" ", 2)
        progress(62 + int(percent) // 4, text)
        return True

    run([*inside, *arguments], work, on_line=on_line)


def _modules(source: Path) -> tuple[list[str], dict[str, str]]:
    """All modules of the recipe, and those wanted early with their parameters."""
    wanted, early = [], {}
    for line in _lines(source / "modules.txt"):
        words = line.split()
        if words[0] == "early":
            words.pop(0)
            early[words[0]] = " ".join(words[1:])
        wanted.append(words[0])
    return wanted, early


def _add_modules(files: Path, source: Path, linux: kernel.Kernel) -> None:
    target = files / "usr/lib/modules" / linux.version
    for module in kernel.modules_in_order(linux, _modules(source)[0]):
        copy = target / "kernel" / module.relative_to(linux.modules)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, copy)
    for listing in linux.modules.parent.glob("modules.*"):
        shutil.copyfile(listing, target / listing.name)


def _initrd(source: Path, linux: kernel.Kernel, busybox: bytes) -> bytes:
    _, early = _modules(source)
    entries = [
        *map(cpio.folder, ("bin", "dev", "proc", "sys", "root", "modules")),
        cpio.console(),
        cpio.file("init", (source / "init").read_bytes(), 0o755),
        cpio.file("bin/busybox", busybox, 0o755),
    ]
    modules = kernel.modules_in_order(linux, early)
    return cpio.pack([*entries, *cpio.modules([(path.name, path.read_bytes()) for path in modules], early)])


def _lines(path: Path) -> list[str]:
    """The file's lines without comments and empty ones."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
