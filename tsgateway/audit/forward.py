"""Sends every record on as syslog (RFC 5424): by TLS or TCP (RFC 5425, 6587), UDP (5426) or a Unix socket.

What waits is the audit itself: `forwarded.json` says how far it was sent, and a receiver that was away gets
all that it has missed. What was handed to a connection counts as sent when the connection has stood for a
few seconds more (without an acknowledgement by TCP it would not have); when it ends sooner, that is sent
again. So nothing is lost over a connection, and some may come twice: `seq` tells.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections import deque
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.files import write_whole
from tsgateway.audit.chain import decode
from tsgateway.audit.follow import Follower, Line
from tsgateway.audit.syslog import message
from tsgateway.threads import Threads

SENT = "forwarded.json"
LOOK_EVERY = 1.0
BATCH = 200
SURE_AFTER = 5.0
"""Seconds that a connection has to stand on, so that what was handed to it counts as sent."""
BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0)
MAX_DATAGRAM = 8192
PORTS = {"tls": 6514, "tcp": 601, "udp": 514}


class Forwarder:
    """Keeps a receiver up to date. where: [audit] syslog; authorities: PEM file that TLS trusts."""

    log = Logger()

    def __init__(
        self, folder: Path, where: str, authorities: Path | None, reactor: Any, threads: Threads
    ) -> None:
        self._folder = folder
        self._where = where
        self._authorities = authorities
        self._reactor = reactor
        self._threads = threads
        self._host = socket.gethostname()
        self._line: _Stream | _Datagrams | None = None
        self._follower: Follower | None = None
        self._handed: deque[tuple[float, int]] = deque()
        self._next_try = 0.0
        self._tries = 0
        self._is_busy = False
        self._looking = LoopingCall(self.look)
        self._looking.clock = reactor
        self.sent = self._kept()
        """The number of the last record that certainly went out."""
        self.trouble = ""
        """Why nothing can be sent now; a sentence for the operator."""

    def start(self) -> None:
        """Begin."""
        self._looking.start(LOOK_EVERY, now=True)

    async def stop(self) -> None:
        """Send what there is, if the receiver is there, and end."""
        if self._looking.running:
            self._looking.stop()
        if self._line is not None:
            await self.look()
            line, self._line = self._line, None
            if line is not None:
                line.close()

    def wake(self) -> None:
        """There is something new."""
        if self._line is not None and not self._is_busy:
            Deferred.fromCoroutine(self.look())

    async def look(self) -> None:
        """Connect if that is due, send what there is. Never raises."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            if self._line is None and self._reactor.seconds() >= self._next_try:
                await self._connect()
            if self._line is not None:
                await self._send()
                self._settle()
        except OSError as error:
            self._lost(error.strerror or str(error))
        except Exception as error:
            self._lost(str(error) or type(error).__name__)
        finally:
            self._is_busy = False

    # ---- the line

    async def _connect(self) -> None:
        scheme, _, rest = self._where.partition(":")
        if scheme == "unix":
            self._line = _Datagrams(socket.AF_UNIX, rest)
        else:
            host, port = _address(rest.removeprefix("//"), PORTS[scheme])
            self._line = await (
                self._udp(host, port) if scheme == "udp" else self._stream(scheme, host, port)
            )
        self._follower = Follower(self._folder, self.sent)
        self._handed.clear()
        if self.trouble:
            self.log.info("the audit is sent to {where} again", where=self._where)
        self.trouble = ""

    async def _udp(self, host: str, port: int) -> _Datagrams:
        found = await self._threads(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM))
        family, _, _, _, address = found[0]
        return _Datagrams(family, address)

    async def _stream(self, scheme: str, host: str, port: int) -> _Stream:
        endpoint: Any = HostnameEndpoint(self._reactor, host, port, timeout=10)
        if scheme == "tls":
            endpoint = wrapClientTLS(optionsForClientTLS(host, trustRoot=self._trusted()), endpoint)
        factory: Any = Factory.forProtocol(_Stream)
        line: _Stream = await endpoint.connect(factory)
        line.lost = self._line_lost
        return line

    def _trusted(self) -> Any:
        if self._authorities is None:
            return platformTrust()  # type: ignore[no-untyped-call]
        blocks = re.findall(
            rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", self._authorities.read_bytes(), re.S
        )
        load: Any = Certificate.loadPEM
        return trustRootFromCertificates([load(block) for block in blocks])  # type: ignore[no-untyped-call]

    def _line_lost(self, why: str) -> None:
        if self._line is not None:
            self._lost(why)

    def _lost(self, why: str) -> None:
        if isinstance(self._line, _Datagrams):
            self._settle()
        line, self._line = self._line, None
        if line is not None:
            line.close()
        self._handed.clear()
        self._next_try = self._reactor.seconds() + BACK_OFF[min(self._tries, len(BACK_OFF) - 1)]
        self._tries += 1
        if not self.trouble:
            self.log.error("the audit cannot be sent to {where}: {why}", where=self._where, why=why)
        self.trouble = f"The audit cannot be sent to {self._where}: {why}."

    # ---- sending

    async def _send(self) -> None:
        while self._line is not None and self._follower is not None and self._line.is_ready:
            found = await self._threads(self._follower.take, BATCH)
            if not found:
                return
            try:
                self._hand_over(found)
            except BlockingIOError:  # it takes no more now; the rest goes with the next look
                after = self._handed[-1][1] if self._handed else self.sent
                self._follower = Follower(self._folder, after)
                return

    def _hand_over(self, found: list[Line]) -> None:
        now = self._reactor.seconds()
        for each in found:
            if self._line is None:
                return
            self._line.send(message(decode(each.data), self._host, os.getpid()))
            self._handed.append((now, each.seq))

    def _settle(self) -> None:
        """What went over a line that still stands has arrived."""
        now, sent = self._reactor.seconds(), self.sent
        wait = 0.0 if isinstance(self._line, _Datagrams) else SURE_AFTER
        is_out = self._line is not None and self._line.is_ready
        while is_out and self._handed and now - self._handed[0][0] >= wait:
            self.sent = self._handed.popleft()[1]
            self._tries = 0
        if self.sent != sent:
            write_whole(self._folder / SENT, json.dumps({"seq": self.sent}).encode(), sync=False)

    def _kept(self) -> int:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return int(json.loads((self._folder / SENT).read_bytes())["seq"])
        return 0


class _Stream(Protocol):
    """Octet counting (RFC 6587, 3.4.1)."""

    transport: Any
    is_ready = False

    def __init__(self) -> None:
        self.lost = _nobody

    def connectionMade(self) -> None:
        self.is_ready = True
        # What is not acknowledged by then ends the connection: so what was handed over earlier has arrived.
        below = getattr(self.transport, "transport", self.transport).getHandle()
        below.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int((SURE_AFTER - 1) * 1000))
        self.transport.setTcpKeepAlive(True)
        self.transport.registerProducer(self, True)

    def send(self, data: bytes) -> None:
        self.transport.write(b"%d %s" % (len(data), data))

    def pauseProducing(self) -> None:
        self.is_ready = False

    def resumeProducing(self) -> None:
        self.is_ready = True

    def stopProducing(self) -> None:
        self.is_ready = False

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_ready = False
        lost, self.lost = self.lost, _nobody
        lost(str(reason.value))

    def close(self) -> None:
        self.lost = _nobody
        self.transport.unregisterProducer()
        self.transport.loseConnection()


def _nobody(why: str) -> None:
    """Nobody hears why a line ended that was closed here."""


class _Datagrams:
    """One message a datagram; one that is too long is cut."""

    is_ready = True

    def __init__(self, family: int, address: Any) -> None:
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise

    def send(self, data: bytes) -> None:
        self._socket.send(data[:MAX_DATAGRAM])

    def close(self) -> None:
        self._socket.close()


def _address(text: str, port: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[^\]]+\]|[^:]+)(?::([0-9]+))?", text)
    if found is None:
        return text, port
    return found[1].strip("[]"), int(found[2] or port)
