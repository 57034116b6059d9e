"""The processes in a session's guest: what runs there, and the end of one.

Of a machine that many share only the person's own processes are the session's. What is ended there is ended
with the person's own rights, so that the guest's kernel sees to it that it is nobody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from twisted.logger import Logger

from sessions.clock import Clock
from sessions.guests.base import Finished, GuestError, Services
from sessions.host.process_list import PS_FIELDS, Process, read_ps, read_tasklist
from sessions.screen import sleep

log = Logger()

LIST_SECONDS = 20.0
LIST_LIMIT = 512 * 1024
"""Bytes of a list that are taken."""
PATIENCE = (0.2, 0.5, 1.0, 1.5)
"""Waits for a process to end as it was asked to, before it is killed, seconds."""
MAX_SAID = 200


class Processes:
    """The processes of one guest."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self._services = services
        self._clock = clock

    async def all(self) -> list[dict[str, Any]]:
        """Return the answer of the link's `processes`. Raises GuestError."""
        return [asdict(process) for process in await self._list(await self._is_windows())]

    async def end(self, pid: int, who: str, session: str) -> dict[str, bool]:
        """Answer the link's `kill`: ask a process to end, and kill it if it does not. Raises GuestError.

        who: asks for it, session: in which; for the log.
        """
        windows = await self._is_windows()
        found = next((each for each in await self._list(windows) if each.pid == pid), None)
        if found is None:
            raise GuestError(f"There is no process {pid} in this session.")
        if pid <= (4 if windows else 1):
            raise GuestError(f"Process {pid} is the system itself; reset the session instead.")
        log.info("audit: {who} ends process {pid} ({name}) in session {id}", who=who, pid=pid,
                 name=found.name, id=session)  # fmt: skip
        if windows:
            await self._signal(found, ["taskkill", "/f", "/pid", str(pid)])
            return {"forced": True}
        await self._signal(found, ["kill", "-TERM", str(pid)])
        for wait in PATIENCE:
            await sleep(self._clock, wait)
            if not await self._is_there(found, windows):
                return {"forced": False}
        await self._signal(found, ["kill", "-KILL", str(pid)])
        return {"forced": True}

    async def _is_windows(self) -> bool:
        return "windows" in (await self._services.info()).os.lower()

    async def _list(self, windows: bool) -> list[Process]:
        if windows:
            return read_tasklist((await self._run("tasklist", "/v", "/fo", "csv", "/nh")).out)
        whose = ["-u", self._account] if self._services.account is not None else ["-A"]
        done = await self._run("ps", "-ww", *whose, "-o", PS_FIELDS)
        return read_ps(done.out)

    @property
    def _account(self) -> str:
        if not self._services.account:
            raise GuestError("Which account the person has in the shared machine is not known.", "no account")
        return self._services.account

    async def _is_there(self, process: Process, windows: bool) -> bool:
        return any(each.may_be(process) for each in await self._list(windows))

    async def _signal(self, process: Process, command: Sequence[str]) -> None:
        if self._services.account is not None:
            command = ["setpriv", f"--reuid={self._account}", "--clear-groups", "--", *command]
        done = await self._run(*command)
        if done.code and await self._is_there(process, command[0] == "taskkill"):
            said = done.err.decode(errors="replace").strip()[:MAX_SAID]
            raise GuestError(f"Process {process.pid} cannot be ended.", said)

    async def _run(self, *command: str) -> Finished:
        return await self._services.run(command, seconds=LIST_SECONDS, limit=LIST_LIMIT)
