"""A warm template of the desktop for tests, built once: `python -m tests.warm` sees that it is there.

A desktop takes most of a minute to boot where guests are emulated, and a second or two as a clone. The folder
is the checkout's own, since a template fits the very command line that this source makes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from twisted.internet import task
from twisted.internet.defer import Deferred

from sessions.guests.qemu.warm.store import WarmStore
from tests.images_fixture import desktop_image

FOLDER = Path(__file__).resolve().parents[1] / ".cache/test-warm"
BOOT_SECONDS = 600
DESKTOP = {"kind": "qemu", "template": "desktop"}


@cache
def warm_desktop() -> Path:
    """The folder of warm templates with one of the desktop; it goes where hosts keep theirs (`link_warm`)."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if desktop_image().version not in {each.version for each in WarmStore(FOLDER).list()}:
        subprocess.run([sys.executable, "-m", "tests.warm"], check=True, cwd=FOLDER.parents[1])
    return FOLDER


def link_warm(data: Path) -> None:
    """Have a gateway with this data folder, which has not begun yet, use the tests' warm templates."""
    data.mkdir(mode=0o700, exist_ok=True)
    (data / "warm").symlink_to(warm_desktop())


async def _build() -> None:
    from sessions.guests.qemu import command
    from sessions.guests.qemu.warm import build
    from tests.sessions.guests.qemu.warm.host import Host, template_of

    command.NICE, build.CALM_SECONDS = 0, 1  # nobody else is kept waiting here
    with tempfile.TemporaryDirectory() as folder:
        host = Host(
            Path(folder), desktop_image().folder.parent, warm_folder=str(FOLDER), boot_seconds=BOOT_SECONDS
        )
        try:
            started = await host.start(DESKTOP)
            if not template_of(started):
                await host.built()
        finally:
            await host.leave()
    print("a warm template of the desktop is there")


if __name__ == "__main__":
    task.react(lambda _: Deferred.fromCoroutine(_build()))
