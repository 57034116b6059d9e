"""`tsgateway disk`: the disks of personal desktops."""

from __future__ import annotations

import dataclasses
import datetime
import json

import click

from sessions.guests.qemu import personal
from sessions.guests.qemu.personal import KeptDisk
from tsgateway.cli.options import fail, spelled, with_config
from tsgateway.config import Config
from tsgateway.layout import Layout


@click.group()
def disk() -> None:
    """List the disks of personal desktops, and give people new ones."""


@disk.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_config
def list_disks(config: Config, as_json: bool) -> None:
    """List the disks that are kept for people.

    SIZE is what a person has written; VERSION that of the image the disk was made on.
    """
    disks = list(personal.kept_disks(Layout.of(config).disks))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in disks], indent=2))
    elif not disks:
        click.echo("No personal disks are kept.")
    else:
        _say(disks)


def _say(disks: list[KeptDisk]) -> None:
    desktop, user, image = (
        max(len(head), *(len(_shown(getattr(each, head.lower()))) for each in disks))
        for head in ("DESKTOP", "USER", "IMAGE")
    )
    head = f"{'DESKTOP':{desktop}}  {'USER':{user}}  {'IMAGE':{image}}"
    click.echo(f"{head}  {'SIZE':>9}  {'MADE':10}  IN USE  VERSION")
    for each in disks:
        made = datetime.date.fromtimestamp(each.made).isoformat() if each.made else ""
        click.echo(
            f"{_shown(each.desktop):{desktop}}  {_shown(each.user):{user}}  {_shown(each.image):{image}}  "
            f"{each.bytes / 1e6:>6.0f} MB  {made:10}  {'yes' if each.in_use else 'no':6}  "
            f"{f'cannot be used: {each.problem}' if each.problem else each.version}"
        )


def _shown(name: str) -> str:
    """Return a name without what would disturb a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


@disk.command()
@click.argument("desktop")
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_config
def reset(config: Config, desktop: str, user: str, yes: bool) -> None:
    """Remove the disk of USER for DESKTOP; the next session makes a new one, from the image of that day.

    What the person has kept on it is lost.
    """
    disks = Layout.of(config).disks
    if not yes:
        click.confirm(f"Everything that {user} has kept in {desktop} is lost. Remove it?", abort=True)
    try:
        removed = personal.remove(disks, desktop, user)
    except personal.DiskInUse:
        fail(f"the disk of {user} for {desktop} is in use; end that session first", 1)
    except OSError as error:
        where = error.filename or disks
        fail(f"the disk of {user} for {desktop} cannot be removed: {where}: {error.strerror or error}", 1)
    if not removed:
        fail(f"no disk is kept for {user} in {desktop}; {spelled('disk list')} shows all", 1)
    click.echo(f"Removed: the disk of {user} for {desktop}.")
