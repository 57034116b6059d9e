"""Running the programs that make images."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sessions.images.errors import BuildFailed, ToolsMissing
from sessions.images.store import disk_full

TAIL = 4000  # characters of a failing program's output that are kept

PACKAGES = {
    "apt-cache": "apt",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "gcc": "gcc libc6-dev linux-libc-dev",
    "/usr/include/libdrm/drm.h": "libdrm-dev",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "newuidmap": "uidmap",
    "qemu-img": "qemu-utils",
    "strip": "binutils",
    "tar": "tar",
    "unshare": "util-linux",
}
"""The Debian packages that have the programs (and the one header)."""


def find(program: str) -> str | None:
    """Where the program is; users have no /sbin on their path, but may run what is there."""
    return shutil.which(program, path=_path())


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def need(purpose: str, *programs: str) -> None:
    """Check that all programs are there. Raises ToolsMissing with what to install."""
    missing = [PACKAGES[program] for program in programs if not (find(program) or os.path.exists(program))]
    if missing:
        raise ToolsMissing(purpose, sorted(set(" ".join(missing).split())))


def run(
    arguments: Sequence[str | Path],
    writes: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], bool] = lambda line: False,
) -> str:
    """Run a program to its end; give back what it said (both outputs, its last lines if there are many).

    writes: the folder it fills, to be named when there is no room. on_line: told each line at once; True
    for one that only says how far the program is and is not to be kept.
    Raises BuildFailed with the end of the output, DiskFull.
    """
    program = find(str(arguments[0]))
    if program is None:
        need("This", str(arguments[0]))
    words = [program or "", *map(str, arguments[1:])]
    environment = {**os.environ, "PATH": _path(), "LC_ALL": "C", **(env or {})}
    said = ""
    with subprocess.Popen(
        words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1,
    ) as process:  # fmt: skip
        try:
            for line in process.stdout or ():
                if not on_line(line.rstrip("\n")):
                    said = (said + line)[-64 * 1024 :]
        except BaseException:
            process.terminate()  # the person gave up: so does the program
            raise
    if process.returncode == 0:
        return said
    if "No space left on device" in said or "Disk quota exceeded" in said or "File too large" in said:
        raise disk_full(writes)
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    raise BuildFailed(f"{arguments[0]} failed ({process.returncode}): {last}", said[-TAIL:])
