"""`tsgateway user`: accounts."""

from __future__ import annotations

import re
import sys
import time

import click

from tsgateway import store as stores
from tsgateway.auth.passwords import MAX_LENGTH, Passwords, complaint, random_password
from tsgateway.cli.options import fail, spelled, with_config
from tsgateway.config import Config
from tsgateway.layout import Layout
from tsgateway.store import ADMINISTRATORS, LOCAL, NameTaken, NoSuchUser, Store

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@click.group()
def user() -> None:
    """Make and change accounts."""


_password_stdin = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input; else a random one is made and shown once.",
)


@user.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="The account may administer.")
@click.option("--group", "groups", multiple=True, help="A further group; may be given again.")
@_password_stdin
@with_config
def add(config: Config, name: str, admin: bool, groups: tuple[str, ...], password_stdin: bool) -> None:
    """Make an account."""
    name = checked_name(name)
    password = _password(config, name, password_stdin)
    wanted = {checked_name(group) for group in groups} | ({ADMINISTRATORS} if admin else set())
    store = open_store(config)
    try:
        store.add_user(name, Passwords().hash(password), wanted, time.time())
    except NameTaken as error:
        fail(f"{error}; {spelled(f'user passwd {name}')} changes its password", 1)
    _tell(name, None if password_stdin else password)


@user.command()
@click.argument("name")
@_password_stdin
@with_config
def passwd(config: Config, name: str, password_stdin: bool) -> None:
    """Change an account's password; it is signed out everywhere."""
    name = checked_name(name)
    password = _password(config, name, password_stdin)
    store = open_store(config)
    account = store.user(name)
    if account is not None and account.source != LOCAL:
        fail(f'the password of "{name}" is not kept here, but by "{account.source}"', 1)
    try:
        store.set_password(name, Passwords().hash(password))
    except NoSuchUser as error:
        fail(f"{error}; {spelled('user list')} shows all", 1)
    _tell(name, None if password_stdin else password)


@user.command("remove-totp")
@click.argument("name")
@with_config
def remove_totp(config: Config, name: str) -> None:
    """Remove an account's second factor, when the device and the recovery codes are lost."""
    name = checked_name(name)
    try:
        had = open_store(config).factors.remove(name)
    except NoSuchUser as error:
        fail(f"{error}; {spelled('user list')} shows all", 1)
    click.echo(f"The second factor of {name} is removed." if had else f"{name} has no second factor.")


@user.command("list")
@with_config
def list_users(config: Config) -> None:
    """List all accounts and their groups."""
    accounts = open_store(config).all_users()
    if not accounts:
        click.echo(f"There are no accounts yet; {spelled('user add NAME')} makes one.")
    for account in accounts:
        click.echo(f"{account.name:<24} {', '.join(account.groups)}")


def open_store(config: Config) -> Store:
    """Open the database, made when there is none. Raises StartError."""
    layout = Layout.of(config)
    layout.prepare()
    return stores.open_store(config.data, layout.database)


def checked_name(name: str) -> str:
    """Return a name of an account or a group as it is kept; end the program when it cannot be one."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        fail(
            f'"{name}" cannot be a name: use letters, digits, ".", "_", "@" and "-", '
            "beginning with a letter or digit, at most 64",
            2,
        )
    return name


def _password(config: Config, name: str, from_stdin: bool) -> str:
    if not from_stdin:
        return random_password()
    password = sys.stdin.readline(MAX_LENGTH + 2).rstrip("\r\n")
    if said := complaint(password, [name], config.sign_in.password_length):
        fail(said, 2)
    return password


def _tell(name: str, password: str | None) -> None:
    if password is None:
        click.echo(f"The password of {name} is set.")
    else:
        click.echo(f"name:     {name}\npassword: {password}\nThe password is not shown again.")
