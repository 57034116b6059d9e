"""`tsclient URL [DESKTOP]`, `tsclient FILE`, or `tsclient` alone: the window."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from thinclient import kept
from thinclient.connection import CARRIERS, KEYBOARDS, SCALES, Connection, WrongFile, parsed_size
from thinclient.monitors import parsed_monitors
from thinclient.who import given_password, given_token
from tsgateway.client.address import Address

APPEARANCES = ("system", "light", "dark")


@click.command("open")
@click.argument("where", default="", metavar="[URL|FILE|NAME]")
@click.argument("desktop", default="")
@click.option("--name", envvar="TSCLIENT_NAME", help="As whom. [env: TSCLIENT_NAME]")
@click.option("--password-file", metavar="FILE", help="The password, in the file's first line. Else it is in "
              "the environment (TSCLIENT_PASSWORD), or you are asked.")  # fmt: skip
@click.option(
    "--token-file", metavar="FILE", help="A token instead of a name and a password. Else in TSCLIENT_TOKEN."
)
@click.option("--browser", is_flag=True, help="Sign in with the system's browser.")
@click.option("--ca-file", metavar="FILE", help="Certificates to trust instead of the system's.")
@click.option("--pin", metavar="SHA256", help="The fingerprint of the one certificate to trust.")
@click.option(
    "--size", metavar="WIDTHxHEIGHT", help="The size that the screen is to have, else the window's."
)
@click.option("--scale", type=click.Choice(SCALES), help="Fit the window, or show it pixel by pixel.")
@click.option("--keyboard", type=click.Choice(KEYBOARDS), help="Send keys, or text by this machine's layout.")
@click.option("--carrier", type=click.Choice(CARRIERS),
              help="Plain TLS, a WebSocket, or that where TLS does not get through.")  # fmt: skip
@click.option("--full-screen", is_flag=True, help="Fill the display.")
@click.option(
    "--monitors", metavar="all|1,2", help="Fill all displays, or these, counted from left to right."
)
@click.option("--kiosk", is_flag=True, help="Nothing but this desktop, opened again whenever it has ended.")
@click.option("--appearance", type=click.Choice(APPEARANCES), default="system", show_default=True,
              help="Light or dark.")  # fmt: skip
@click.option("--save", metavar="NAME", help="Save all this as a connection, and open nothing.")
def open_(
    *, where: str, name: str | None, password_file: str | None, token_file: str | None, pin: str | None,
    monitors: str | None, save: str | None, appearance: str, **given: Any,
) -> None:  # fmt: skip
    """Open a window: at URL, with a connection FILE (.tsc, .rdp), or with a saved connection's NAME."""
    said = {"name": name, "fingerprint": pin, "monitors": _monitors(monitors), **given}
    connection = replace(_found(where), **{key: value for key, value in said.items() if value})
    check(connection)
    if save:
        click.echo(f"Saved as {_saved(save, connection)}")
        return
    token, password = given_token(token_file or ""), given_password(password_file or "")
    check_display()
    from thinclient.window.app import run
    from thinclient.window.flow import Secrets

    if error := run(connection, Secrets(password, token), appearance):
        raise error


@click.command
@click.argument("url")
def forget(url: str) -> None:
    """Forget the certificate that was trusted at URL."""
    try:
        address = Address.parse(url)
        gone = kept.Pins.usual().forget(address.host, address.port)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except (OSError, WrongFile) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"The certificate of {address.host}:{address.port} is forgotten."
        if gone
        else "None was trusted there."
    )


def _found(where: str) -> Connection:
    if where.startswith("https://") or not where:
        return Connection(address=where)
    try:
        if where.lower().endswith((".tsc", ".rdp")):
            return kept.load(Path(where))
        known = dict(kept.saved())
    except WrongFile as error:
        raise click.UsageError(str(error)) from None
    found = known.get(where)
    if isinstance(found, WrongFile):
        raise click.UsageError(str(found))
    if found is None:
        there = ", ".join(known) or "none at all"
        raise click.UsageError(
            f"“{where}” is no address like https://desk.example.org, no file, and no saved connection; "
            f"there are: {there}."
        )
    return found


def _monitors(told: str | None) -> str:
    try:
        return parsed_monitors(told or "")
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def check(connection: Connection) -> None:
    """Look at what no option's own type has looked at. Raises click.UsageError."""
    try:
        if connection.address:
            Address.parse(connection.address)
        parsed_size(connection.size)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if connection.kiosk and not connection.address:
        raise click.UsageError("A kiosk needs to be told where to: give an address or a connection file.")


def check_display() -> None:
    """See that there can be a window: Qt itself would end the program without a sentence."""
    if importlib.util.find_spec("PySide6") is None:
        raise click.ClickException(
            "The window needs PySide6, which is not installed: pip install 'tsgateway[client]'"
        )
    told = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, told)):
        raise click.ClickException("There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set).")


def _saved(name: str, connection: Connection) -> Path:
    try:
        return kept.save(name, connection)
    except OSError as error:
        raise click.ClickException(f"It cannot be saved: {error.strerror}.") from None
