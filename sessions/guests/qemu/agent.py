"""The guest agent of a QEMU guest: what runs in there and answers on the virtio port `AGENT_PORT`.

One command is asked at a time, others wait for their turn. Every connection begins in step (wire/qga.py), and
one on which something went amiss is not used again; the next command makes a new one. A connection is kept
although nothing is asked: without one the agent looks ten times a second whether there is one again, which
costs an emulated guest about one per cent of a processor.

    agent = Agent(folder, reactor)
    await agent.execute("guest-ping")
    await agent.run(["hostname", "--fqdn"])

Everything that is asked here raises GuestError when the agent is not there, does not answer in time, refuses,
or speaks rubbish.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock, TimeoutError
from twisted.internet.task import deferLater

from sessions.displays.base import DisplayError
from sessions.displays.sockets import Reactor, SocketLink, connect_unix
from sessions.guests.base import MAX_OUTPUT, Finished, GuestError, GuestInfo
from sessions.guests.qemu import agent_answers as answers
from sessions.guests.qemu import state
from sessions.wire import qga
from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.qga import QgaReader, Refusal, Reply, Synced

REPLY_SECONDS = 10.0
"""How long the agent may take for a command, unless told otherwise; a guest that just wakes up is slow."""
GREETING_SECONDS = 60.0
"""How long it may take to answer for the first time, while its guest still boots."""
PROBE_SECONDS = 3.0
"""How long it may take to show that it is there at all, where something else can be done without it."""
REFUSAL_SECONDS = 1.0
"""How long to listen for a "no" to what is not answered when it works."""
MAX_WAITING = 32
"""Commands that may wait for their turn; one more is refused."""
POLL_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Waits between looks at a program that runs; the last goes on."""

_ROOM = 16 * 1024
_ids = itertools.count(1)


class AgentSilent(GuestError):
    """The agent has not answered in time, or its connection ended before it did."""


class Agent:
    """The agent of the guest whose state folder is `folder` (`Services` of sessions/guests/base.py)."""

    account = None

    def __init__(self, folder: Path, reactor: Reactor) -> None:
        self._folder = folder
        self._reactor = reactor
        self._turn = DeferredLock()
        self._line: _Line | None = None
        self._absent = False

    def listens(self, listening: bool) -> None:
        """Learn whether something in the guest has opened its end of the port (QMP event VSERPORT_CHANGE).

        Until this is called the agent is asked to find out.
        """
        self._absent = not listening
        if listening:
            Deferred.fromCoroutine(self._greet())
        else:
            self._hang_up()

    async def _greet(self) -> None:
        with contextlib.suppress(GuestError):  # whoever needs it will be told
            await self.execute("guest-ping", seconds=GREETING_SECONDS)

    def close(self) -> None:
        """Let go of the port for good; who waits for an answer gets GuestError."""
        self.listens(False)

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    async def execute(
        self, name: str, arguments: Mapping[str, Any] | None = None, seconds: float = REPLY_SECONDS
    ) -> Any:
        """Run one of the agent's commands; return its result. seconds: for all, waiting included."""
        if len(self._turn.waiting) >= MAX_WAITING:
            raise GuestError("The guest's agent is asked for too much at once. Try again later.")
        asking = Deferred.fromCoroutine(self._ask(qga.command(name, arguments)))
        try:
            reply = await asking.addTimeout(seconds, self._reactor)
        except TimeoutError as error:
            raise AgentSilent(
                f"The guest's agent did not answer within {seconds:g} seconds.", name
            ) from error
        if isinstance(reply, Refusal):
            raise GuestError(f"The guest's agent says no: {answers.shown(reply.text)}", name)
        return reply.value

    async def info(self) -> GuestInfo:
        """Ask the guest what it is."""
        version = await self.execute("guest-info")
        told = []
        for name in answers.INFO_COMMANDS:
            try:
                told.append(await self.execute(name))
            except AgentSilent:
                raise
            except GuestError:
                told.append(None)  # an old agent, or one that is not allowed to
        return answers.read_info(version, *told)

    async def run(
        self, command: Sequence[str], *, input: bytes = b"", seconds: float = 30, limit: int = MAX_OUTPUT
    ) -> Finished:
        """Run a program as the guest's administrator and wait for its end."""
        pid = answers.read_pid(await self.execute("guest-exec", answers.exec_arguments(command, input)))
        deadline = self._reactor.seconds() + seconds
        for wait in itertools.chain(POLL_SECONDS, itertools.repeat(POLL_SECONDS[-1])):
            status = await self.execute("guest-exec-status", {"pid": pid})
            finished = answers.read_status(status, limit)
            if finished is not None:
                return finished
            left = deadline - self._reactor.seconds()
            if left <= 0:
                break
            await deferLater(self._reactor, min(wait, left))
        raise GuestError(
            f"“{answers.shown(command[0], 80)}” has not ended within {seconds:g} seconds; "
            f"it goes on in the guest, as process {pid}."
        )

    async def set_time(self, unix: float) -> None:
        """Set the guest's clock, in seconds since 1970."""
        await self.execute("guest-set-time", {"time": int(unix * 1_000_000_000)})

    async def shut_down(self) -> None:
        """Ask the guest to shut down; it has only begun to when this returns."""
        await self.execute("guest-ping", seconds=PROBE_SECONDS)
        with contextlib.suppress(AgentSilent):  # as it should be: only a "no" is answered
            await self.execute("guest-shutdown", {"mode": "powerdown"}, REFUSAL_SECONDS)

    async def _ask(self, command: bytes) -> Reply | Refusal:
        await self._turn.acquire()
        try:
            self._check_there()
            line = await self._in_step()
            reply = await line.ask(command)
            if isinstance(reply, Synced):
                raise AgentSilent("The guest's agent is out of step.")
            return reply
        except BaseException:
            self._hang_up()
            raise
        finally:
            self._turn.release()

    def _check_there(self) -> None:
        if self._absent:
            raise GuestError(
                "No agent runs in this guest.",
                "nothing in there has opened the virtio port of the guest agent (qemu-guest-agent)",
            )

    async def _in_step(self) -> _Line:
        if self._line is None or not self._line.open:
            try:
                with state.short_path(self._folder, state.AGENT) as path:
                    connected = await connect_unix(self._reactor, path, REPLY_SECONDS)
            except (DisplayError, OSError) as error:
                raise GuestError("This guest's agent cannot be reached.", str(error)) from error
            self._line = _Line(self._reactor, connected)
            self._check_there()  # it may have gone meanwhile
            await self._line.sync(next(_ids))
        return self._line


class _Line:
    """One connection to the agent."""

    def __init__(self, reactor: Reactor, connected: socket.socket) -> None:
        self._reader = QgaReader()
        self._room = memoryview(bytearray(_ROOM))
        self._answer: Deferred[qga.Message] | None = None
        self._link = SocketLink(reactor, connected, self)

    @property
    def open(self) -> bool:
        """Whether it can be asked."""
        return self._link.open

    async def sync(self, id: int) -> None:
        """Get in step; what still comes for somebody else is skipped."""
        await self._say(self._reader.sync(id))

    async def ask(self, command: bytes) -> qga.Message:
        """Return the answer to one command; nothing else is being asked."""
        return await self._say(command)

    def _say(self, data: bytes) -> Deferred[qga.Message]:
        answer: Deferred[qga.Message] = Deferred()
        self._answer = answer
        self._link.write(data)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._link.close()
        self._fail(AgentSilent("The guest's agent has gone before it answered."))

    def _fail(self, reason: GuestError) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.called:
            answer.errback(reason)

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Take bytes. Raises ProtocolError."""
        messages = self._reader.receive(self._room[:count])
        if self._answer is None or len(messages) > 1 or (messages and not self._reader.at_rest):
            raise ProtocolError("guest agent: it says more than it is asked")
        if messages:
            answer, self._answer = self._answer, None
            if not answer.called:
                answer.callback(messages[0])

    def closed(self, reason: Exception) -> None:
        """Learn that the connection is gone."""
        if isinstance(reason, LimitExceeded):
            self._fail(GuestError("The guest's agent has answered with more than is taken.", str(reason)))
        elif isinstance(reason, ProtocolError):
            self._fail(GuestError("The guest's agent has answered with rubbish.", str(reason)))
        else:
            self._fail(AgentSilent("The guest's agent has gone before it answered.", str(reason)))
