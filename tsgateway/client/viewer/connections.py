"""A viewer's connections, one after the other: opened, read, kept alive, and opened again after a cut."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from tsgateway.client.errors import ClientError
from tsgateway.client.viewer.access import Access, Pass, close_code
from tsgateway.client.viewer.carrier import Carrier
from tsgateway.client.viewer.conversation import Conversation, Drawn, Event, Over, Welcome
from tsgateway.client.viewer.line import Line
from tsgateway.client.viewer.retry import Retry


@dataclass(frozen=True, slots=True)
class Retrying:
    """There is no connection; another is tried in so many seconds. reason: a sentence, or ""."""

    seconds: float
    reason: str


class Connections:
    """All connections of one viewer, on one event loop.

    converse: makes the next conversation, of a ticket. session: where they lead, once that is known.
    reconnect: whether there is another one after a cut. happened: is called with what comes of it.
    ended: with why there is no further one, and the error that was in the way, if one was.
    """

    def __init__(
        self,
        access: Access,
        carrier: Carrier,
        *,
        converse: Callable[[bytes], Conversation],
        session: str,
        reconnect: bool,
        happened: Callable[[Iterable[Event | Retrying]], None],
        ended: Callable[[int | None, str, ClientError | None], None],
    ) -> None:
        self.session = session
        self.talk: Conversation | None = None
        """What is said now; None while there is no connection."""
        self.line: Line | None = None
        self.received = 0
        self._access = access
        self.carrier = carrier
        self._converse = converse
        self._reconnect = reconnect
        self._happened = happened
        self._ended = ended
        self._retry = Retry(random.random)
        self._task: asyncio.Task[None] | None = None
        self._lost_at = 0.0
        self._elsewhere: Pass | None = None

    def begin(self, given: Pass) -> None:
        """Open the first one."""
        self.session = given.session
        self._task = asyncio.create_task(self._run(given))

    async def close(self) -> None:
        """Say goodbye where there is somebody to hear it, and open no further one."""
        if self.talk is not None:
            self.take(self.talk.leave())
        if self.line is not None:
            self.flush()
            await self.line.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._access.close()

    async def send(self, messages: Iterable[tsg.Message]) -> None:
        """Send messages; without a connection they are dropped."""
        if self.talk is None or self.line is None:
            return
        for message in messages:
            self.talk.say(message)
        self.flush()
        await self.line.drain()

    def flush(self) -> None:
        """Send what the conversation has to say."""
        if self.talk is not None and self.line is not None:
            self.line.send(self.talk.outgoing())

    def take(self, events: Iterable[Event]) -> None:
        """Tell what has come of the conversation."""
        told = list(events)
        for event in told:
            match event:
                case Welcome():
                    self._retry.connected()
                case Drawn():
                    self._retry.settled()
                case tsg.Switch(ticket, session, _):
                    self._elsewhere = Pass(session, ticket)
        self._happened(told)

    async def _run(self, given: Pass) -> None:
        try:
            over = await self._connection(given)
            while (delay := self._delay(over.code)) is not None:
                if delay:
                    self._happened([Retrying(delay, over.reason)])
                    await asyncio.sleep(delay)
                try:
                    over = await self._connection(await self._next())
                except ClientError as error:
                    over = Over(close_code(error), str(error))
            self._ended(over.code, over.reason, None)
        except ClientError as error:
            self._ended(close_code(error), str(error), error)
        finally:
            self._access.close()

    async def _next(self) -> Pass:
        """Return what the next connection begins with."""
        elsewhere, self._elsewhere = self._elsewhere, None
        if elsewhere is None:
            return await self._access.again(self.session)
        self._access.look = None  # it is a session of one's own
        return elsewhere

    def _delay(self, code: int | None) -> float | None:
        if self._elsewhere is not None:
            return 0.0
        if not self._reconnect:
            return None
        return self._retry.delay(code, asyncio.get_running_loop().time() - self._lost_at)

    async def _connection(self, given: Pass) -> Over:
        """See one connection through to its end. Raises ClientError where there is none."""
        self.session = given.session
        line = await self.carrier.open(self._access.address)
        talk = self._converse(given.ticket)
        self.talk, self.line = talk, line
        self.flush()
        ticking = asyncio.create_task(self._tick(talk, line))
        try:
            while talk.over is None:
                self.take(await self._heard(line, talk))
                self.flush()
            return talk.over
        finally:
            ticking.cancel()
            if talk.hello is not None:
                self._lost_at = asyncio.get_running_loop().time()
            self.talk = self.line = None
            await line.close()

    async def _heard(self, line: Line, talk: Conversation) -> list[Event]:
        try:
            message = await line.receive()
        except ProtocolError as error:
            return talk.fault(error)
        if message is None:
            return talk.cut()
        self.received += len(message)
        return talk.receive(message)

    async def _tick(self, talk: Conversation, line: Line) -> None:
        while talk.over is None:
            wait, events = talk.tick()
            self.take(events)
            self.flush()
            if talk.over is not None:
                line.abort()  # `receive` waits on it
            await asyncio.sleep(wait)
