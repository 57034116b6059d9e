"""Accounts in a Linux guest that several people share."""

from __future__ import annotations

import re

from sessions.guests.base import Finished, GuestError, Services
from sessions.guests.qemu.agent_answers import shown

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SECONDS = 60.0
_NO_SUCH_USER = 6  # userdel's exit code


async def create_user(services: Services, name: str) -> None:
    """Make an account with a home folder and no password, to which one comes only from within the guest.

    Raises GuestError; also when there is such an account.
    """
    _check(name)
    _succeeded(
        await services.run(["useradd", "--create-home", "--shell", "/bin/bash", name], seconds=_SECONDS)
    )


async def remove_user(services: Services, name: str) -> None:
    """End what an account runs, and remove it with all it has; without such an account do nothing.

    Raises GuestError.
    """
    _check(name)
    await services.run(["loginctl", "terminate-user", name], seconds=_SECONDS)
    await services.run(["pkill", "-KILL", "-u", name], seconds=_SECONDS)
    done = await services.run(["userdel", "--force", "--remove", name], seconds=_SECONDS)
    if done.code != _NO_SUCH_USER:
        _succeeded(done)


def _check(name: str) -> None:
    """Raises GuestError for what is no name of an account, and might be an option instead."""
    if not _NAME.fullmatch(name):
        raise GuestError(f"“{shown(name, 40)}” cannot be the name of an account in a guest.")


def _succeeded(done: Finished) -> None:
    if done.code != 0:
        raise GuestError(f"The guest refuses: {shown(done.err.decode(errors='replace').strip())}")
