"""One attached viewer: carries out what the core commands, between a transport and the session host."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from sessions.wire.fields import clip
from sessions.wire.tsg import Capability, ClientHello, CloseCode, Switch
from tsgateway.auth.tokens import Grant
from tsgateway.protocols.tsg.connection import Abort, Attach, Command, Phase, Relay, Send, Shut, TsgConnection

TICK = 0.5
MAX_EARLY = 256 * 1024
"""Bytes of messages that wait until the session host is there."""


class Transport(Protocol):
    """Carries whole tsg messages, over WebSocket or plain TLS."""

    peer: str
    door: str

    def send(self, message: bytes) -> bool:
        """Send one message; False when the viewer takes data too slowly to go on."""

    def shut(self, code: CloseCode, reason: str) -> None:
        """Close when everything is out."""

    def abort(self) -> None:
        """Cut now."""

    def admitted(self, person: str) -> None:
        """The person behind it is known: it no longer counts as a stranger's connection."""


class Attachment(Protocol):
    """The session host's end."""

    def send(self, message: bytes) -> None:
        """Hand over a message of the viewer."""

    def detach(self) -> None:
        """The viewer has left."""


class Refused(Exception):
    """A viewer is not let in; the text is for the person."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Gate(Protocol):
    """Lets viewers in."""

    async def redeem(self, ticket: bytes) -> Grant:
        """Take a ticket in, if the sign-in it was given for still stands. Raises Refused."""

    async def attach(self, grant: Grant, hello: ClientHello, viewer: Viewer) -> Attachment:
        """Attach to the session; what fails later closes the viewer. Raises Refused."""

    def left(self, grant: Grant, viewer: Viewer) -> None:
        """A viewer that was let in has gone."""


class Viewers:
    """All viewers of this gateway, and the clock that drives them."""

    def __init__(self, gate: Gate, reactor: Any) -> None:
        self._gate = gate
        self._clock: Callable[[], float] = reactor.seconds
        self._open: set[Viewer] = set()
        self._numbers = itertools.count(1)
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = reactor

    def start(self) -> None:
        """Start the clock."""
        self._ticking.start(TICK, now=False)

    def stop(self, reason: str) -> None:
        """Close every viewer; the clock stops."""
        for viewer in list(self._open):
            viewer.close(CloseCode.SHUTDOWN, reason)
        if self._ticking.running:
            self._ticking.stop()

    def opened(self, transport: Transport) -> Viewer:
        """A transport stands: return the viewer that takes its messages."""
        viewer = Viewer(next(self._numbers), transport, self._gate, self._clock, self._open.discard)
        self._open.add(viewer)
        return viewer

    def of(self, wanted: Callable[[Grant], bool]) -> list[Viewer]:
        """Return the attached viewers whose grant is wanted."""
        return [viewer for viewer in self._open if viewer.grant is not None and wanted(viewer.grant)]

    def attached(self, number: int) -> Viewer | None:
        """Return the viewer of this number that is attached."""
        found = [viewer for viewer in self._open if viewer.number == number and viewer.grant is not None]
        return found[0] if found else None

    @property
    def numbers(self) -> set[int]:
        """The numbers of all viewers, attached or about to be."""
        return {viewer.number for viewer in self._open}

    def __len__(self) -> int:
        return len(self._open)

    def _tick(self) -> None:
        for viewer in list(self._open):
            viewer.tick()


class Viewer:
    """One viewer. number: its channel on the session link.

    No method raises: a fault costs this viewer and never its caller, which serves others as well (the
    session link carries everybody's messages, one clock drives all viewers).
    """

    log = Logger()

    def __init__(
        self,
        number: int,
        transport: Transport,
        gate: Gate,
        clock: Callable[[], float],
        gone: Callable[[Any], None],
    ) -> None:
        self.number = number
        self.grant: Grant | None = None
        self._transport = transport
        self._gate = gate
        self._clock = clock
        self._gone = gone
        self._core = TsgConnection(clock())
        self._attachment: Attachment | None = None
        self._early: list[bytes] = []  # what came before there was an attachment
        self._left = False
        self._capabilities: tuple[int, ...] = ()

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self._transport.peer

    @property
    def door(self) -> str:
        """By which door it has come: "web" or "tsg"."""
        return self._transport.door

    # ---- from the transport

    def received(self, message: bytes) -> None:
        """Take one message."""
        with self._kept_here():
            self._run(self._core.received(message, self._clock()))

    def disconnected(self) -> None:
        """The transport is gone."""
        self._left = True
        with self._kept_here():
            self._detach()
        self._gone(self)
        if self.grant is not None:
            self.log.info("viewer {number} of {user} left", number=self.number, user=self.grant.user)
            with self._kept_here():
                self._gate.left(self.grant, self)

    # ---- from the session host

    def deliver(self, message: bytes) -> None:
        """Send a message of the session host, untouched."""
        with self._kept_here():
            if self._core.phase is Phase.ATTACHED and not self._transport.send(message):
                self.close(CloseCode.LIMIT, "the connection is too slow for this desktop")

    # ---- from the service

    def close(self, code: CloseCode, reason: str) -> None:
        """Say goodbye with a sentence for the person."""
        with self._kept_here():
            self._run(self._core.close(code, reason, self._clock()))

    def switch(self, ticket: bytes, session: str, title: str) -> None:
        """Let it go to another session. One that cannot by itself is told what to do."""
        with self._kept_here():
            if Capability.SWITCH in self._capabilities:
                if self._core.phase is Phase.ATTACHED:
                    self._transport.send(Switch(ticket, session, clip(title, 256)).encode())
                reason = "You are shown another session."
            else:
                reason = (
                    f"An administrator shows you another session. Open “{title}” in your list of desktops."
                )
            self.close(CloseCode.DISCONNECTED, clip(reason))

    def tick(self) -> None:
        """Let time pass."""
        with self._kept_here():
            self._run(self._core.tick(self._clock()))

    @contextlib.contextmanager
    def _kept_here(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.log.failure("viewer {number} is closed: a fault of the gateway", number=self.number)
            self._give_up()

    def _give_up(self) -> None:
        """Say goodbye if that still can be done; the connection and the session's end of it go anyway."""
        try:
            self._run(self._core.close(CloseCode.SERVER_ERROR, "An internal error.", self._clock()))
        except Exception:
            self.log.failure("viewer {number} is cut", number=self.number)
            self._detach()
            self._transport.abort()

    def _run(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Send(data):
                    self._transport.send(data)
                case Relay(data):
                    if self._attachment is not None:
                        self._attachment.send(data)
                    else:
                        self._wait(data)
                case Attach(hello):
                    Deferred.fromCoroutine(self._attach(hello))
                case Shut(code, reason):
                    self._shut(code, reason)
                case Abort():
                    self._transport.abort()

    async def _attach(self, hello: ClientHello) -> None:
        self._capabilities = hello.capabilities
        with self._kept_here():
            try:
                grant = await self._gate.redeem(hello.ticket)
                if self._is_gone:
                    return
                self.grant = grant
                self._transport.admitted(grant.user)
                self._attachment = await self._gate.attach(grant, hello, self)
            except Refused as refusal:
                self.close(refusal.code, str(refusal))
                return
            if self._is_gone:
                self._detach()
                return
            self.log.info(
                "viewer {number}: {user} from {peer} ({client!r}) attaches to session {session}",
                number=self.number,
                user=grant.user,
                peer=self._transport.peer,
                client=hello.client,
                session=grant.session,
            )
            early, self._early = self._early, []
            for message in early:
                self._attachment.send(message)

    @property
    def _is_gone(self) -> bool:
        return self._left or self._core.phase is not Phase.ATTACHED

    def _wait(self, message: bytes) -> None:
        self._early.append(message)
        if sum(map(len, self._early)) > MAX_EARLY:
            self.close(CloseCode.LIMIT, "too many messages before the session is there")

    def _shut(self, code: CloseCode, reason: str) -> None:
        if code is not CloseCode.NORMAL:
            self.log.info(
                "viewer {number} from {peer} is closed: {code} {reason!r}",
                number=self.number,
                peer=self._transport.peer,
                code=code.name,
                reason=reason,
            )
        self._detach()
        self._transport.shut(code, reason)

    def _detach(self) -> None:
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.detach()
