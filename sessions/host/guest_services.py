"""Requests of the session link that go to the agent in a session's guest.

What is run in a guest is noted in the log, before and after: who (the user at the other end of the link),
what, in whose session, and how it ended.
"""

from __future__ import annotations

import base64
import json
import pwd
import socket
import struct
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from twisted.logger import Logger

from sessions.guests.base import GuestError, Services
from sessions.session import Session
from sessions.wire.fields import clip

log = Logger()

MAX_SECONDS = 3600.0
"""How long a program may be waited for."""
MAX_NOTED = 2000
"""Bytes of a command line that the log keeps."""

_PEER = struct.Struct("3i")


async def info(session: Session) -> dict[str, Any]:
    """Answer `guest` (sessions/wire/link). Raises GuestError."""
    return asdict(await of(session).info())


async def run(
    session: Session, params: dict[str, Any], who: str, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Answer `run`. Raises GuestError; KeyError, ValueError or TypeError for a malformed request.

    tell: hears before and after of what is run (the link's event `ran`).
    """
    command = [str(word) for word in params["command"]]
    given = base64.b64decode(params.get("input", ""), validate=True)
    seconds = float(params.get("seconds", 30))
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"seconds: {seconds}")
    services = of(session)
    noted = clip(json.dumps(command), MAX_NOTED)
    where = {"who": who, "id": session.identity.session, "user": session.identity.user, "command": noted}
    told = {"who": who, "session": where["id"], "user": where["user"], "command": noted, "code": None}
    tell(told)
    log.info("audit: {who} runs {command} in session {id} of {user}", **where)
    try:
        finished = await services.run(command, input=given, seconds=seconds)
    except GuestError as error:
        log.info("audit: {command} in session {id}, for {who}: {error}", error=str(error), **where)
        tell({**told, "error": str(error)})
        raise
    log.info("audit: {command} in session {id}, for {who}: code {code}", code=finished.code, **where)
    tell({**told, "code": finished.code})
    out, err = (base64.b64encode(each).decode() for each in (finished.out, finished.err))
    return {"code": finished.code, "out": out, "err": err}


def peer_name(connected: socket.socket) -> str:
    """Return the user at the other end of a Unix socket, as the kernel knows it."""
    uid = _PEER.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[1]
    try:
        return f"{pwd.getpwuid(uid).pw_name} (user id {uid})"
    except KeyError:
        return f"user id {uid}"


def of(session: Session) -> Services:
    """Return whom to ask in a session's guest. Raises GuestError."""
    services = session.services
    if services is None:
        raise GuestError("No agent runs in this session's guest, or the guest does not run.")
    return services
