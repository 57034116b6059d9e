"""One D-Bus connection to QEMU on a socket: sign-on, messages, and replies to our calls."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from sessions.displays.base import DisplayError
from sessions.displays.sockets import Reactor, SocketLink
from sessions.wire import dbus
from sessions.wire.dbus import Message, MessageReader, SignOn, Target

_SIGN_ON_ROOM = 512


class DBusPeer:
    """The client's end of a connection whose other end QEMU has.

    called: is given each call that comes in; an error it raises ends the connection.
    lost: is told when the connection ends by itself. told: is given each signal.
    """

    def __init__(
        self,
        reactor: Reactor,
        connected: socket.socket,
        called: Callable[[Message], None],
        lost: Callable[[Exception], None],
        told: Callable[[Message], None] = lambda message: None,
    ) -> None:
        self._reactor = reactor
        self._called = called
        self._lost = lost
        self._told = told
        self._serial = 0
        self._calls: dict[int, Deferred[Message]] = {}
        self._sign_on = SignOn(os.geteuid())
        self._line = memoryview(bytearray(_SIGN_ON_ROOM))
        self._reader = MessageReader()
        self.signed_on: Deferred[None] = Deferred()
        self._link = SocketLink(reactor, connected, self, self._reader.add_descriptors)
        self._link.write(self._sign_on.first)

    def call(
        self,
        target: Target,
        member: str,
        signature: str = "",
        values: tuple[Any, ...] = (),
        descriptors: Sequence[int] = (),
    ) -> Deferred[Message]:
        """Call a method. The result's body is only valid at once. Fails with DisplayError."""
        self._serial += 1
        done: Deferred[Message] = Deferred()
        if not self._link.open:
            done.errback(DisplayError("The connection to the guest's screen is closed."))
            return done
        self._calls[self._serial] = done
        data = dbus.call(self._serial, target, member, signature, values)
        self._link.write(data, descriptors)
        return done

    def answer(self, message: Message, signature: str = "", values: tuple[Any, ...] = ()) -> None:
        """Reply to a call, if its caller waits for that."""
        if message.wants_reply:
            self._serial += 1
            self._link.write(dbus.answer(self._serial, message, signature, values))

    def close(self) -> None:
        """Close at once. Idempotent; `lost` is not called."""
        self._link.close()
        self._let_go(DisplayError("The connection to the guest's screen was closed."))

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._reader.buffer() if self._sign_on.done else self._line

    def received(self, count: int) -> None:
        """Take bytes. Raises ProtocolError."""
        if not self._sign_on.done:
            self._link.write(self._sign_on.receive(self._line[:count]))
            if self._sign_on.done:
                self.signed_on.callback(None)
            return
        for message in self._reader.received(count):
            try:
                self._dispatch(message)
            finally:
                for descriptor in message.descriptors:
                    os.close(descriptor)

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone, or broke the protocol."""
        self._let_go(DisplayError(f"The connection to the guest's screen has ended: {reason}"))
        self._lost(reason)

    def _dispatch(self, message: Message) -> None:
        if message.is_call:
            self._called(message)
        elif message.is_signal:
            self._told(message)
        elif message.reply_to and (waiting := self._calls.pop(message.reply_to, None)) is not None:
            if message.is_error:
                text = _first_string(message)
                waiting.errback(DisplayError(f"QEMU refused a call of its display: {message.error}: {text}"))
            else:
                waiting.callback(message)

    def _let_go(self, reason: DisplayError) -> None:
        for descriptor in self._reader.take_descriptors():
            os.close(descriptor)
        self._reader = MessageReader()  # the last one had room for whole pictures
        calls, self._calls = self._calls, {}
        for waiting in calls.values():
            waiting.errback(reason)
        if not self.signed_on.called:
            self.signed_on.addErrback(lambda _: None)
            self.signed_on.errback(reason)


def _first_string(message: Message) -> str:
    return str(message.values("s")[0])[:200] if message.signature == "s" else ""
