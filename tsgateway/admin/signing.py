"""`tsadmin login` and `logout`: a token for a gateway elsewhere, made by signing in once."""

from __future__ import annotations

import getpass
import re
import socket
import sys
from typing import Any, cast

import click

from tsgateway.admin.certificates import fingerprint_to_trust
from tsgateway.admin.command import Gateway, Said, command, connected, note
from tsgateway.admin.errors import Cannot, SignedOut, WrongUse
from tsgateway.admin.files import write_private
from tsgateway.admin.place import Far
from tsgateway.admin.profiles import Profile, Profiles
from tsgateway.client import Client, ClientError

Json = dict[str, Any]
_CODE = re.compile(r"\d{6,8}")
"""What an app shows; anything else is a recovery code."""


@command(
    "login",
    examples=(
        ("tsadmin login --server https://desk.example.org", "asks for name and password, keeps a token"),
        ("tsadmin login --server https://desk.example.org --read-only", "one that cannot change anything"),
        ("tsadmin --profile desk.example.org query session", "use it, when several are known"),
    ),
)
@click.option("--name", help="As whom; else you are asked.")
@click.option(
    "--as", "called", metavar="PROFILE", help="What it is to be called here; else the server's name."
)
@click.option("--default", is_flag=True, help="Ask this gateway from now on, unless told otherwise.")
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), default=90, show_default=True,
              help="How long the token is good for.")  # fmt: skip
@click.option("--read-only", is_flag=True, help="A token that may read, and change nothing.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
def login(
    gateway: Gateway, *, name: str | None, called: str | None, default: bool, days: float, read_only: bool,
    password_stdin: bool,
) -> Said:  # fmt: skip
    """Sign in to a gateway elsewhere, and keep a token for it.

    The first gateway you sign in to is asked from then on, unless you name another one. The token is kept in
    ~/.config/tsgateway, for you alone; `tsadmin logout` revokes it.
    """
    where = gateway.place
    if not isinstance(where, Far):
        raise WrongUse(
            "say which gateway: --server https://…; the one on this machine needs no login", "no_server"
        )
    pin = where.pin or fingerprint_to_trust(where)
    client = connected(Far(where.server, ca_file=where.ca_file, pin=pin))
    user = _signed_in(client, name or _ask("Name", getpass.getuser()), password_stdin)
    made = client.make_token(name=f"tsadmin on {socket.gethostname()}"[:64], days=days, read_only=read_only)
    client.sign_out()
    profiles = Profiles.read()
    title = called or where.server.removeprefix("https://").rstrip("/")
    token_file = profiles.folder / f"{re.sub(r'[^A-Za-z0-9.-]', '-', title)}.token"
    write_private(token_file, f"{made['secret']}\n")
    profile = Profile(title, where.server, str(token_file), where.ca_file or "", pin, made["id"])
    profiles = profiles.with_one(profile, default=default)
    profiles.save()
    lines = [f"You are {user['name']} at {where.server}. The token is kept in {token_file}."]
    if profiles.default == title:
        lines.append("This gateway is asked from now on, unless you name another one.")
    else:
        lines.append(f"Use it with --profile {title}.")
    return Said({"profile": title, "server": where.server, "user": user["name"], "pin": pin}, lines)


@command("logout", examples=(("tsadmin logout --profile desk.example.org", "revoke the token, forget it"),))
def logout(gateway: Gateway) -> Said:
    """Revoke the token that `tsadmin login` has made, and forget the gateway."""
    where = gateway.place
    profiles = Profiles.read()
    profile = profiles.of_server(where.server) if isinstance(where, Far) else None
    if profile is None:
        raise WrongUse("say which gateway: --profile NAME, or --server https://…", "no_server")
    try:
        gateway.client.revoke_token(profile.token_id)
    except ClientError as error:
        note(f"The token could not be revoked: {error}")
    profiles.without(profile.name).save()
    from pathlib import Path

    Path(profile.token_file).unlink(missing_ok=True)
    return Said({"profile": profile.name}, [f"Forgotten: {profile.server}."])


def _signed_in(client: Client, name: str, from_stdin: bool) -> Json:
    password = sys.stdin.readline().rstrip("\r\n") if from_stdin else _ask_hidden(f"Password of {name}")
    outcome = cast("Json", client.sign_in(name=name, password=password))
    while step := outcome.get("next"):
        if from_stdin:
            raise Cannot(
                "this sign-in needs more than a password; it has to be done at a terminal", "more_steps"
            )
        outcome = cast("Json", _answered(client, step))
    if outcome.get("recovery_codes"):
        note("Recovery codes, each good once instead of a code of the app; they are not shown again:")
        note("  ".join(outcome["recovery_codes"]))
    user = outcome.get("user")
    if user is None:
        raise SignedOut("the gateway does not let you in", "not_signed_in")
    return cast("Json", user)


def _answered(client: Client, step: Json) -> Any:
    """Answer what a sign-in still needs; asked again while the answer is wrong."""
    while True:
        try:
            return client.answer_step(challenge=step["challenge"], **_answer(step))
        except ClientError as error:
            if error.code not in ("wrong_code", "poor_password"):
                raise
            note(str(error))


def _answer(step: Json) -> dict[str, str]:
    match step["step"]:
        case "password":
            note("Your password has to be changed.")
            return {
                "password": click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
            }
        case "enrol":
            note(f"You need a second factor. Put this secret into your app: {step['secret']}")
            return {"code": _ask("Code")}
    answer = _ask("Code of your app, or a recovery code").replace(" ", "")
    return {"code": answer} if _CODE.fullmatch(answer) else {"recovery": answer}


def _ask(what: str, default: str | None = None) -> str:
    _terminal()
    return str(click.prompt(what, default=default, err=True))


def _ask_hidden(what: str) -> str:
    _terminal()
    return str(click.prompt(what, hide_input=True, err=True))


def _terminal() -> None:
    if not sys.stdin.isatty():
        raise WrongUse("nobody can be asked here; give --name and --password-stdin", "no_terminal")
