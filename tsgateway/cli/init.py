"""`tsgateway init`: what the first start needs. Doing it again changes nothing."""

from __future__ import annotations

import datetime
import time

import click

from tsgateway.auth.passwords import Passwords, random_password
from tsgateway.certificates import load_identity
from tsgateway.cli.options import fail, spelled, with_config
from tsgateway.cli.user import checked_name, open_store
from tsgateway.config import Config
from tsgateway.layout import Layout
from tsgateway.store import ADMINISTRATORS, NameTaken


@click.command()
@click.option("--administrator", default="admin", show_default=True, help="Name of the first administrator.")
@with_config
def init(config: Config, administrator: str) -> None:
    """Make certificate, database and the first administrator, where they are missing."""
    administrator = checked_name(administrator)
    layout = Layout.of(config)
    store = open_store(config)
    load_identity(config, layout, datetime.datetime.now(datetime.UTC))
    if store.has_administrator():
        return
    password = random_password()
    try:
        store.add_user(administrator, Passwords().hash(password), {ADMINISTRATORS}, time.time())
    except NameTaken:
        fail(
            f'"{administrator}" is an account without the right to administer; '
            "choose another name with --administrator",
            1,
        )
    click.echo("The first administrator (the password is not shown again):\n")
    click.echo(f"    name:     {administrator}\n    password: {password}\n")
    click.echo(f"{spelled(f'user passwd {administrator}')} gives a new one.")
