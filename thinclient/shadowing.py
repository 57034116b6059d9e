"""`tsclient shadow URL SESSION`: look on at somebody else's session, in a window."""

from __future__ import annotations

import click

from thinclient.connection import Connection
from thinclient.opening import APPEARANCES, check, check_display
from thinclient.who import Who, gateway_options, given_password, given_token
from tsgateway.client.viewer import Look


@click.command
@gateway_options
@click.argument("session")
@click.option("--control", is_flag=True, help="Use keyboard and pointer, too.")
@click.option("--full-screen", is_flag=True, help="Fill the display.")
@click.option("--appearance", type=click.Choice(APPEARANCES), default="system", show_default=True,
              help="Light or dark.")  # fmt: skip
def shadow(*, who: Who, session: str, control: bool, full_screen: bool, appearance: str) -> None:
    """Look on at SESSION (its number, as `tsclient list` has it, or its id), as your role allows.

    Its person may be asked first, and sees that you look on.
    """
    connection = Connection(
        who.url, name=who.name, fingerprint=who.pin, ca_file=who.ca_file, carrier=who.carrier,
        browser=who.browser, full_screen=full_screen,
    )  # fmt: skip
    check(connection)
    token, password = given_token(who.token_file), given_password(who.password_file)
    check_display()
    from thinclient.window.app import run
    from thinclient.window.flow import Secrets
    from thinclient.window.looking import Looking

    looking = Looking(session, Look.CONTROL if control else Look.VIEW)
    if error := run(connection, Secrets(password, token), appearance, looking):
        raise error
