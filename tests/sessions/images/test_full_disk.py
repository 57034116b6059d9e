"""The disk runs full in the middle of a build: really, on a small file system in memory.

It is mounted in a mount namespace of its own, which root and, where the host lets them, other users can
make; it goes with the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sessions.images import recipe
from tests.images_fixture import desktop_image, tiny_image

NAMESPACE = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user", "--map-auto"]), "--mount", "--"]
MOUNTED = 'mount -t tmpfs -o size="$1" small "$2" && shift 2 && exec "$@"'

# Builds twice, with more room the second time, and tells how each went.
BUILDS = """
import json, subprocess, sys
from pathlib import Path
from sessions.images import ImageStore, desktop, tiny
from sessions.images.errors import BuildFailed

name, small, store, cache, more, *there = sys.argv[1:]
for file in map(Path, there):
    (Path(small) / file.name).symlink_to(file)

def build():
    told, error, kind = [], "", ""
    try:
        {"desktop": desktop, "tiny": tiny}[name].build(
            ImageStore(Path(store)), Path(cache), lambda percent, text: told.append(text))
    except BuildFailed as failure:
        error, kind = str(failure), type(failure).__name__
    left = sorted(str(path.relative_to(small)) for path in Path(small).rglob("*"))
    return {"error": error, "kind": kind, "told": told, "left": left}

first = build()
subprocess.run(["mount", "-o", f"remount,size={more}", small], check=True)
print(json.dumps([first, build()]))
"""


def build_twice(
    name: str, small: Path, size: str, more: str, *, store: Path, cache: Path, there: Sequence[Path] = ()
) -> list[dict[str, Any]]:
    """Build image `name` with a file system of `size` mounted at `small`, then again with `more`.

    there: files that `small` has links to.
    """
    small.mkdir()
    mounted = [*NAMESPACE, "sh", "-c", MOUNTED, "sh", size, str(small)]
    tried = subprocess.run([*mounted, "true"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode:
        pytest.skip(f"no small file system can be mounted here: {tried.stderr.strip()}")
    program = [sys.executable, "-c", BUILDS, name, small, store, cache, more, *there]
    done = subprocess.run([*mounted, *program], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


@pytest.mark.qemu
def test_the_store_runs_full_while_the_tiny_guest_is_made(tmp_path):
    """Its kernel, 66 MB, does not fit."""
    tiny_image()  # the kernel is in the cache
    small = tmp_path / "small"
    store = small / "images"
    first, second = build_twice("tiny", small, "20m", "200m", store=store, cache=recipe.default_cache())
    assert first["kind"] == "DiskFull"
    assert first["error"].startswith(f"No room left in {store}")
    assert first["left"] == ["images"]
    assert (second["error"], second["told"][-1]) == ("", "the tiny guest is ready")
    files = ["image.json", "initrd", "vmlinux"]
    assert second["left"] == ["images", "images/tiny", *(f"images/tiny/{file}" for file in files)]


@pytest.mark.qemu
@pytest.mark.long
def test_the_cache_runs_full_while_the_kernel_is_fetched(tmp_path):
    small = tmp_path / "small"
    cache, store = small / "cache", tmp_path / "images"
    first, second = build_twice("tiny", small, "8m", "16m", store=store, cache=cache)
    for told in (first, second):  # more room, but not enough: a rerun says the same again
        assert told["kind"] == "DiskFull"
        assert told["error"].startswith(f"No room left in {cache}/kernel")
        assert told["left"] == ["cache", "cache/kernel"]
    assert not store.exists()


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.long
def test_the_cache_runs_full_while_the_desktop_is_put_together(tmp_path):
    """Its packages are there; unpacked they do not fit. A rerun goes on from them."""
    desktop_image()  # packages and kernel are in the cache
    small = tmp_path / "small"
    real, cache, store = recipe.default_cache(), tmp_path / "cache", tmp_path / "images"
    cache.mkdir()
    (cache / "kernel").symlink_to(real / "kernel")
    (cache / "desktop").symlink_to(small)
    archives = list((real / "desktop").glob("packages-*.tar"))
    for told in build_twice("desktop", small, "60m", "90m", store=store, cache=cache, there=archives):
        assert told["kind"] == "DiskFull"
        assert told["error"].startswith(f"No room left in {cache}/desktop/work-")
        assert told["told"][:2] == ["packages are in the cache", "unpacking the packages"]
        assert told["left"] == ["lock", *(archive.name for archive in archives)]
        assert list(store.iterdir()) == []
