"""Debian's kernel for guests, taken from its package without installing it.

The full kernel, not the cloud one, which lacks the display drivers. It is unpacked once from its
compressed form: under emulation a guest would spend seconds on that at every boot.
"""

from __future__ import annotations

import lzma
import re
import shutil
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import zstandard

from sessions.images.commands import need, run
from sessions.images.errors import BuildFailed, Progress
from sessions.images.store import writes_to

PACKAGE = "linux-image-amd64"
VMLINUX_LIMIT = 256 << 20  # bytes
MODULE_LIMIT = 16 << 20  # bytes
# Offsets into a bzImage: the kernel's Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
HEADER_MAGIC = 0x202
SETUP_SECTORS = 0x1F1
PAYLOAD_OFFSET = 0x248


@dataclass(frozen=True)
class Kernel:
    """version: as in /lib/modules. vmlinux: the unpacked kernel. modules: folder with its modules."""

    version: str
    vmlinux: Path
    modules: Path


def prepare(cache: Path, progress: Progress) -> Kernel:
    """Download and unpack the kernel package into the cache, or find it there.

    Raises BuildFailed, ToolsMissing, DiskFull.
    """
    need("Making a guest image", "apt-cache", "apt-get", "dpkg-deb")
    name = _package_name(cache)
    folder = cache / "kernel" / name
    if not folder.is_dir():
        _unpack(name, folder, progress)
    version = name.removeprefix("linux-image-")
    top = folder / "usr" if (folder / "usr/lib/modules").is_dir() else folder  # from Debian 13 on
    return Kernel(version, folder / "vmlinux", top / "lib/modules" / version / "kernel")


def _package_name(cache: Path) -> str:
    """The package of today's kernel, which the one that is always called the same depends on."""
    said = run(["apt-cache", "depends", "--no-recommends", "--no-suggests", PACKAGE], cache)
    found = re.search(r"Depends: (linux-image-[0-9][\w.+-]*-amd64)", said)
    if found is None:
        raise BuildFailed(
            f"apt knows no package {PACKAGE}: run 'apt-get update', on a Debian machine (amd64)",
            said,
        )
    return found[1]


def _unpack(name: str, folder: Path, progress: Progress) -> None:
    partial = folder.with_name(folder.name + ".partial")
    with writes_to(folder.parent):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    try:
        progress(None, f"downloading {name}")
        run(["apt-get", "download", name], partial, cwd=partial)
        package = next(partial.glob("*.deb"))
        progress(None, f"unpacking {name}")
        run(["dpkg-deb", "-x", package, partial], partial)
        with writes_to(partial):
            package.unlink()
            vmlinuz = next(partial.glob("boot/vmlinuz-*"))
            (partial / "vmlinux").write_bytes(extract_vmlinux(vmlinuz.read_bytes()))
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def extract_vmlinux(vmlinuz: bytes) -> bytes:
    """The ELF kernel inside a bzImage, compressed by xz, gzip or zstd. Raises BuildFailed."""
    if vmlinuz[HEADER_MAGIC : HEADER_MAGIC + 4] != b"HdrS" or len(vmlinuz) < 0x250:
        raise BuildFailed("The kernel package has a kernel of an unknown form (no bzImage)")
    start = ((vmlinuz[SETUP_SECTORS] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", vmlinuz, PAYLOAD_OFFSET)
    vmlinux = _decompress(vmlinuz[start + offset : start + offset + length])
    if not vmlinux.startswith(b"\x7fELF"):
        raise BuildFailed("The kernel package's kernel does not unpack to an ELF file")
    return vmlinux


def _decompress(payload: bytes) -> bytes:
    try:
        if payload.startswith(b"\xfd7zXZ"):
            return lzma.LZMADecompressor().decompress(payload, VMLINUX_LIMIT)
        if payload.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(payload, VMLINUX_LIMIT)
        if payload.startswith(b"\x28\xb5\x2f\xfd"):
            return zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    except (lzma.LZMAError, zlib.error, zstandard.ZstdError) as error:
        raise BuildFailed(f"The kernel package's kernel is damaged: {error}") from error
    raise BuildFailed("The kernel package's kernel is compressed in a way that is not known here")


def modules_in_order(kernel: Kernel, wanted: Iterable[str]) -> list[Path]:
    """The wanted modules' files and all they depend on, each after what it needs.

    wanted: names as in lsmod or of the files ("-" and "_" are the same). Raises BuildFailed.
    """
    files = {path.name.split(".")[0].replace("-", "_"): path for path in kernel.modules.rglob("*.ko*")}
    ordered: dict[str, Path] = {}

    def add(name: str) -> None:
        name = name.replace("-", "_")
        if name in ordered or name in builtin:
            return
        if name not in files:
            raise BuildFailed(f"The kernel {kernel.version} has no module {name}")
        module = _plain(files[name])
        for needed in _depends(module):
            add(needed)
        ordered[name] = module

    listed = (kernel.modules.parent / "modules.builtin").read_text(encoding="utf-8").splitlines()
    builtin = {Path(line).stem.replace("-", "_") for line in listed}
    for name in wanted:
        add(name)
    return list(ordered.values())


def _plain(module: Path) -> Path:
    """The module uncompressed: Debian 13 packs each by xz; what is wanted is unpacked beside it, once."""
    if module.suffix != ".xz":
        return module
    plain = module.with_suffix("")
    if not plain.is_file():
        partial = plain.with_suffix(".partial")
        with writes_to(module.parent):
            partial.write_bytes(_decompress(module.read_bytes()))
            partial.rename(plain)
    return plain


def _depends(module: Path) -> list[str]:
    """The names in the module's `depends=` (section .modinfo: texts, each ended by a zero byte)."""
    with module.open("rb") as file:
        found = re.search(rb"\0depends=([\w,-]*)\0", file.read(MODULE_LIMIT))
    return [name for name in found[1].decode().split(",") if name] if found else []
