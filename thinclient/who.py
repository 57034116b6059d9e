"""Which gateway, and as whom: the options of every command, and the signing in.

A password never stands on the command line, where everybody on the machine could read it.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from thinclient.browser import BrowserSignIn, open_browser
from thinclient.connection import CARRIERS, parsed_size
from tsgateway.client import Client, NotSignedIn, signed_in

MAX_SECRET = 1024
Size = tuple[int, int] | None
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Who:
    """What the command line and the environment say; "" for nothing."""

    url: str
    name: str = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    pin: str = ""
    browser: bool = False
    carrier: str = "auto"

    def sign_in(self) -> Client:
        """Return a client that has signed in. Raises ClientError; click.UsageError for what is missing."""
        token = given_token(self.token_file)
        name = "" if token or self.browser else self.name or _asked_name()
        try:
            return self._by_words(token, name) if token or name else self._by_browser()
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except OSError as error:
            raise click.UsageError(f"{self.ca_file}: {error.strerror}") from None

    def _by_words(self, token: str, name: str) -> Client:
        try:
            return signed_in(
                self.url,
                name,
                "" if token else self._password(name),
                token=token,
                code=lambda: _asked("Code of your app"),
                authority=self.ca_file or None,
                fingerprint=self.pin,
            )
        except NotSignedIn as error:
            if error.code != "more_steps" or not sys.stdin.isatty():
                raise
            click.echo(f"{error} It goes on there.", err=True)
            return self._by_browser()

    def _by_browser(self) -> Client:
        client = Client.remote(self.url, authority=self.ca_file or None, fingerprint=self.pin)
        client.ways_to_sign_in()  # whether it is there, and can be trusted
        with BrowserSignIn(client) as way:
            click.echo(f"Sign in with the browser on this machine: {way.url}", err=True)
            open_browser(way.url)
            way.wait()
        return client

    def _password(self, name: str) -> str:
        if self.password_file:
            return secret(self.password_file)
        return os.environ.get("TSCLIENT_PASSWORD", "") or _asked(f"Password of {name}", hidden=True)


def who_options(command: Command) -> Command:
    """Add what every command needs to know; it is given as `who`, `desktop` and `size`."""

    @functools.wraps(command)
    def with_who(url: str, desktop: str, size: str | None, **options: Any) -> Any:
        who = _who(url, options)
        return command(who=who, desktop=desktop, size=_parsed(size), **options)

    for option in reversed(_OPTIONS):
        with_who = option(with_who)
    return with_who  # type: ignore[return-value]


def gateway_options(command: Command) -> Command:
    """Add what a command needs to know that is about no one desktop; it is given as `who`."""

    @functools.wraps(command)
    def with_who(url: str, **options: Any) -> Any:
        who = _who(url, options)
        return command(who=who, **options)

    for option in reversed([each for each in _OPTIONS if each not in _OF_DESKTOP]):
        with_who = option(with_who)
    return with_who  # type: ignore[return-value]


def _who(url: str, options: dict[str, Any]) -> Who:
    told: dict[str, Any] = {name: options.pop(name) for name in ("browser", "carrier")}
    told |= {name: options.pop(name) or "" for name in _NAMES}
    return Who(url, **told)


_NAMES = ("name", "password_file", "token_file", "ca_file", "pin")
_OF_DESKTOP = (
    click.argument("desktop", default=""),
    click.option("--size", metavar="WIDTHxHEIGHT", help="The size that the screen is to have."),
)
_OPTIONS = (
    click.argument("url"),
    _OF_DESKTOP[0],
    click.option("--name", envvar="TSCLIENT_NAME", help="As whom; else you are asked. [env: TSCLIENT_NAME]"),
    click.option(
        "--password-file", metavar="FILE", help="The password, in the file's first line. Else it is in the "
        "environment (TSCLIENT_PASSWORD), or you are asked.",
    ),
    click.option("--token-file", metavar="FILE", help="A token instead of a name and a password. Else in "
                 "TSCLIENT_TOKEN."),
    click.option("--browser", is_flag=True, help="Sign in with the browser of this machine."),
    click.option("--ca-file", metavar="FILE", help="Certificates to trust instead of the system's."),
    click.option("--pin", metavar="SHA256", help="The fingerprint of the one certificate to trust."),
    click.option("--carrier", type=click.Choice(CARRIERS), default="auto", show_default=True,
                 help="By plain TLS, by a WebSocket, or by that where plain TLS does not get through."),
    _OF_DESKTOP[1],
)  # fmt: skip


def _parsed(size: str | None) -> Size:
    try:
        return parsed_size(size or "")
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def secret(path: str) -> str:
    """Return the first line of a file, "" for no file. Raises click.UsageError."""
    if not path:
        return ""
    try:
        with Path(path).open() as file:
            return file.readline(MAX_SECRET).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"{path} cannot be read: {why}.") from None


def given_token(file: str) -> str:
    """Return the token that a file or the environment has, "" for none. Raises click.UsageError."""
    return secret(file) or os.environ.get("TSCLIENT_TOKEN", "")


def given_password(file: str) -> str:
    """Return the password that a file or the environment has, "" for none. Raises click.UsageError."""
    return secret(file) or os.environ.get("TSCLIENT_PASSWORD", "")


def _asked_name() -> str:
    """Return a name, "" for who has none to say: it may be known to a provider only."""
    if not sys.stdin.isatty():
        return _asked("Name")
    return str(click.prompt("Name (nothing: sign in with the browser)", "", show_default=False, err=True))


def _asked(what: str, *, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what}: nobody can be asked here; see --help for the options that say it.")
    return str(click.prompt(what, hide_input=hidden, err=True))
