"""`tsgateway image`: build and import guest images."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sessions.images import (
    BuildFailed,
    Image,
    ImageError,
    ImageStore,
    Progress,
    desktop,
    recipe,
    tiny,
)
from sessions.images.imports import import_disk
from tsgateway.cli.options import with_config
from tsgateway.config import Config
from tsgateway.layout import Layout

BUILDERS: dict[str, Callable[..., Image]] = {"desktop": desktop.build, "tiny": tiny.build}
BAR_WIDTH = 24  # characters
CLEAR = "\r\033[K"  # to the line's begin, and all of it away


@click.group()
def image() -> None:
    """Build and import guest images, in the folder that the configuration names.

    `tsadmin image` lists and deletes them.
    """


@image.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(BUILDERS)))
@click.option("--force", is_flag=True, help="Build anew, from newly downloaded packages.")
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), default=recipe.default_cache,
    help="Folder for finished steps and downloads.",
)  # fmt: skip
@with_config
def build(config: Config, names: tuple[str, ...], force: bool, cache: Path) -> None:
    """Build the images (desktop, unless told otherwise). Quick when nothing has changed."""
    store = _prepared(config)
    for name in names or ("desktop",):
        progress = _Terminal(name)
        with progress:
            made = BUILDERS[name](store, cache, progress, force=force)
        state = "built" if progress.worked else "up to date"
        click.echo(f"{name} is {state} ({made.folder}, {made.size / 1e6:.0f} MB)")


@image.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What the image is to be called.")
@click.option("--memory", "memory_mb", type=click.IntRange(16, 1 << 20), default=2048, show_default=True,
              help="MB of memory for its guests.")  # fmt: skip
@click.option("--firmware", type=click.Choice(["bios", "uefi"]), default="bios", show_default=True)
@click.option("--force", is_flag=True, help="Replace an image of that name.")
@with_config
def import_command(
    config: Config, file: Path, *, name: str, memory_mb: int, firmware: Any, force: bool
) -> None:
    """Take in a disk FILE (qcow2, raw, vmdk, vhd, vhdx, vdi) as an image."""
    with _Terminal(name) as progress:
        store = _prepared(config)
        if not force and (store.folder / name).exists():
            raise BuildFailed(f"There is an image {name!r} already: choose another name, or add --force")
        made = import_disk(store, file, name, progress, memory_mb=memory_mb, firmware=firmware)
    click.echo(f"{name} is imported ({made.size / 1e6:.0f} MB)")


def _prepared(config: Config) -> ImageStore:
    """Return the store; its folders are made, for this user only. Raises StartError."""
    layout = Layout.of(config)
    layout.prepare()
    return ImageStore(layout.images)


class _Terminal:
    """Shows progress: a bar that is drawn over on a terminal, a plain line for each step elsewhere.

    As a context it turns image errors into click's, with the failing program's last words, and says at once
    that Ctrl-C was heard: the programs at work may take a while to clear away what they have begun.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.worked = False  # whether anything was done
        self._moving = sys.stderr.isatty()
        self._last = ""

    def __enter__(self) -> Progress:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else somebody wants it ignored
            signal.signal(signal.SIGINT, self._interrupted)
        return self

    def _interrupted(self, number: int, frame: object) -> None:
        # Not by click: the signal may have come in the middle of its writing.
        os.write(2, f"{CLEAR if self._moving else ''}{self.name}: stopping …\n".encode())
        raise KeyboardInterrupt

    def __call__(self, percent: int | None, text: str) -> None:
        self.worked = True
        if self._moving:
            done = BAR_WIDTH * (percent or 0) // 100
            number = "     " if percent is None else f"{percent:3} %"
            line = f"{self.name}  {'━' * done}{'·' * (BAR_WIDTH - done)}  {number}  {text}"
            click.echo(f"{CLEAR}{line}", nl=False, err=True)
        elif text != self._last:
            click.echo(f"{self.name}: {text}", err=True)
        self._last = text

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._moving and self._last:
            click.echo(CLEAR, nl=False, err=True)
        if signal.getsignal(signal.SIGINT) == self._interrupted:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if isinstance(error, KeyboardInterrupt):
            click.echo("interrupted; run the same command again to go on", err=True)
            raise SystemExit(128 + signal.SIGINT) from None
        if isinstance(error, BuildFailed) and error.detail:
            click.echo(error.detail.rstrip(), err=True)
        if isinstance(error, ImageError):
            raise click.ClickException(str(error)) from error
