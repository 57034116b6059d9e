"""`tsclient put`, `get` and `ls`: files, between this machine and the folder that a desktop shares."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from thinclient.download import Fetch, Taken
from thinclient.exits import code_of
from thinclient.local import make_folder, plain, to_send
from thinclient.shared import Found, found, session_of
from thinclient.transfer import State, Transfer, TransferFailed, amount
from thinclient.upload import Upload
from thinclient.who import Size, Who, who_options
from tsgateway.client import Client, ClientError, NoRight, NotSignedIn, Refused, ServerAway

_PATIENCE = click.option(
    "--patience", type=click.FloatRange(0, 86400), default=120, show_default=True,
    help="Seconds to wait for a gateway that is away, while nothing moves.",
)  # fmt: skip
_FOR_ALL = (ServerAway, NotSignedIn, NoRight)  # what holds for one file holds for the others


@click.command
@who_options
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option(
    "--to", default="", metavar="FOLDER", help="Where in the shared folder; made where it is not there."
)
@_PATIENCE
def put(*, who: Who, desktop: str, size: Size, files: tuple[Path, ...], to: str, patience: float) -> None:
    """Send files and folders to DESKTOP: they come into the folder that it shares, under names that are free.

    What was cut off goes on where it was when the same is sent again. What a file has become is printed.
    """
    with who.sign_in() as gateway:
        session = session_of(gateway, desktop, size)
        failures = Failures()
        for file in files:
            with failures.noted():
                for path, below, is_empty in to_send(file):
                    target = "/".join(filter(None, (to.strip("/"), below)))
                    with failures.noted():
                        if is_empty:
                            _make_shared_folder(gateway, session, target)
                        else:
                            _run(Upload(path, session, target, patience=patience), gateway)
    failures.end()


@click.command
@who_options
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("-o", "--output", default=Path(), metavar="FOLDER", help="Where to, else where you are.",
              type=click.Path(file_okay=False, path_type=Path))  # fmt: skip
@click.option("--replace", "taken", flag_value="replace", help="Replace files that are there already.")
@click.option("--keep-both", "taken", flag_value="both", help="Give a file a number where its name is taken.")
@_PATIENCE
def get(
    *, who: Who, desktop: str, size: Size, paths: tuple[str, ...], output: Path, taken: str | None,
    patience: float,
) -> None:  # fmt: skip
    """Load files and folders from the folder that DESKTOP shares.

    What was cut off goes on where it was when the same is loaded again. Where a name is taken, you are asked.
    """
    with who.sign_in() as gateway:
        session = session_of(gateway, desktop, size)
        failures = Failures()
        for path in paths:
            with failures.noted():
                for each in found(gateway, session, path):
                    with failures.noted():
                        _load(gateway, session, each, output, _Wish(taken, patience))
    failures.end()


@click.command
@who_options
@click.argument("path", default="")
def ls(*, who: Who, desktop: str, size: Size, path: str) -> None:
    """List the folder that DESKTOP shares, or PATH in it: bytes, time of change, name."""
    with who.sign_in() as gateway:
        told = gateway.list_files(session_of(gateway, desktop, size), path=path.strip("/"))
    for each in told["files"]:
        many = "-" if each["folder"] else str(each["bytes"])
        click.echo(
            f"{many:>14}  {_when(each['changed'])}  {plain(each['name'])}{'/' if each['folder'] else ''}"
        )
    for one in told["unfinished"]:
        click.echo(
            f"{one['offset']:>14}  of {one['bytes']:<13}  {plain(one['path'])}  (being sent, or cut off)"
        )


def _when(changed: float) -> str:
    try:
        return datetime.fromtimestamp(changed).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "????-??-?? ??:??"  # guests set these times as they like


class _Wish:
    """taken: what is to be done where a name is taken: "replace", "both", or None: ask."""

    def __init__(self, taken: str | None, patience: float) -> None:
        self.taken = taken
        self.patience = patience

    def for_(self, target: Path) -> Taken:
        """Return what is to be done. Raises TransferFailed where nobody can be asked."""
        if self.taken == "both":
            return Taken.NUMBERED
        if self.taken == "replace":
            return Taken.REPLACES
        if not os.path.lexists(target):
            return Taken.FAILS
        if not sys.stdin.isatty():
            told = (
                f"{target} is there already; --replace replaces it, --keep-both gives the new one a number."
            )
            raise TransferFailed(told, code="exists")
        if not click.confirm(f"{target} is there already. Replace it?", err=True):
            raise TransferFailed(f"{target} was left as it is.", code="exists")
        return Taken.REPLACES


def _load(gateway: Client, session: str, each: Found, output: Path, wish: _Wish) -> None:
    target = output.joinpath(*each.below)
    if each.size is None:
        make_folder(target)
        return
    taken = wish.for_(target)
    _run(Fetch(session, each.source, target, each.size, taken=taken, patience=wish.patience), gateway)


def _make_shared_folder(gateway: Client, session: str, path: str) -> None:
    try:
        gateway.make_folder(session, path=path)
    except Refused as error:
        if error.code != "exists":
            raise


def _run(transfer: Transfer, gateway: Client) -> None:
    """See a transfer through, and tell how far it is. Raises ClientError."""
    with _progress(transfer):
        transfer.run(gateway)
    if transfer.error is not None:
        raise transfer.error
    click.echo(plain(transfer.message))


@contextlib.contextmanager
def _progress(transfer: Transfer) -> Iterator[None]:
    """Show a bar on a terminal; tell in any case why nothing moves."""
    name, told = plain(transfer.name), ""
    bar = click.progressbar(
        range(0), length=transfer.size or 0, label=f"{name[-40:]:40}", file=sys.stderr,
        hidden=not sys.stderr.isatty(), item_show_func=lambda _: amount(transfer.done),
    )  # fmt: skip
    with bar:

        def changed(_: Transfer) -> None:
            nonlocal told
            bar.length = transfer.size or 0
            bar.update(transfer.done - bar.pos)
            if transfer.state is State.WAITING and transfer.message != told:
                told = transfer.message
                click.echo(f"{name} waits and goes on by itself: {told}", err=True)

        transfer.changed = changed
        yield


class Failures:
    """What has gone wrong, while other files go on."""

    def __init__(self) -> None:
        self._first: ClientError | None = None

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Tell of an error, and go on; not after one that holds for everything."""
        try:
            yield
        except _FOR_ALL:
            raise
        except ClientError as error:
            self._first = self._first or error
            click.echo(f"Error: {plain(str(error))}", err=True)

    def end(self) -> None:
        """End the program by the code of the first one."""
        if self._first is not None:
            raise SystemExit(code_of(self._first))
