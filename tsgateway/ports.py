"""Where the gateway listens: the TLS port for everybody, and a socket for commands on its machine."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.ssl import CertificateOptions

from sessions.wire.tsg import SUBPROTOCOL
from tsgateway.api.headers import security_headers
from tsgateway.certificates import Identity
from tsgateway.config.models import ServerSection
from tsgateway.errors import StartError
from tsgateway.layout import Layout
from tsgateway.transports.admission import Admission
from tsgateway.transports.door import DoorFactory
from tsgateway.transports.http import Answer, HttpConnection
from tsgateway.transports.local import LocalDoorFactory
from tsgateway.transports.native import NativeTransport
from tsgateway.transports.websocket import WebSocketTransport

_CertificateOptions: Any = CertificateOptions  # its types know only pyOpenSSL's deprecated values


class Ports:
    """Opens and closes them. opened: makes the viewer of a transport that stands."""

    def __init__(
        self, server: ServerSection, layout: Layout, opened: Callable[..., Any], reactor: Any
    ) -> None:
        self._server = server
        self._layout = layout
        self._opened = opened
        self._reactor = reactor
        self._doors = _LateFactory()
        self._local: Any = None
        self.tls: Any = None
        self.origins: tuple[str, ...] = ()
        """The pages that may use the gateway; known once the port is."""

    async def open(self, identity: Identity) -> str:
        """Take the TLS port; nobody is answered before `answer_with`. Return the address people open.

        Raises StartError.
        """
        server = self._server
        options: Any = _CertificateOptions(
            privateKey=identity.key,
            certificate=identity.chain[0],
            extraCertChain=list(identity.chain[1:]),
            acceptableProtocols=[SUBPROTOCOL.encode(), b"http/1.1"],
        )
        endpoint: Any = SSL4ServerEndpoint(  # type: ignore[no-untyped-call]
            self._reactor, server.port, options, interface=server.listen
        )
        try:
            self.tls = await endpoint.listen(self._doors)
        except CannotListenError as error:
            why = getattr(error.socketError, "strerror", None) or error.socketError
            raise StartError(
                f"cannot listen on {server.listen} port {server.port}: {why}; stop what is there, or choose "
                "another with --port or [server] port"
            ) from None
        port = self.tls.getHost().port
        self.origins = self._allowed(port)
        shown = "localhost" if server.listen in ("127.0.0.1", "::1", "localhost") else server.listen
        shown = socket.gethostname() if shown in ("0.0.0.0", "::", "") else shown
        return f"https://{_in_url(shown)}:{port}/"

    def answer_with(self, answer: Answer) -> None:
        """Answer requests from now on, over TLS and on the machine's own socket."""
        server, headers = self._server, security_headers(self.origins)
        self._doors.door = DoorFactory(
            reactor=self._reactor,
            admission=Admission(server.max_connections, server.max_connections_per_address),
            native=functools.partial(NativeTransport, opened=self._opened),
            websocket=functools.partial(
                WebSocketTransport, opened=self._opened, origins=self.origins, headers=headers
            ),
            http=functools.partial(HttpConnection, answer=answer, headers=headers, reactor=self._reactor),
            headers=headers,
        )
        path = self._layout.api
        path.unlink(missing_ok=True)  # a killed gateway's; the lock says that there is no other
        users = frozenset({0, os.geteuid()})
        factory = LocalDoorFactory(users, answer, security_headers(()), self._reactor)
        self._local = self._reactor.listenUNIX(os.fspath(path), factory, mode=0o600)

    async def close(self) -> None:
        """Let nobody in any more."""
        for port in filter(None, (self.tls, self._local)):
            await port.stopListening()
        self.tls = self._local = None

    def _allowed(self, port: int) -> tuple[str, ...]:
        names = ["localhost", "127.0.0.1"]
        listen = self._server.listen
        names += [socket.gethostname()] if listen in ("0.0.0.0", "::", "") else [_in_url(listen)]
        suffix = "" if port == 443 else f":{port}"
        ours = [f"https://{name.lower()}{suffix}" for name in names]
        return tuple(dict.fromkeys([*ours, *self._server.origins]))


class _LateFactory(DoorFactory):
    """Listens before it knows its port, on which the allowed origins depend."""

    door: DoorFactory

    def __init__(self) -> None:
        """Nothing is known yet."""

    def buildProtocol(self, addr: Any) -> Any:
        """Twisted: somebody connected."""
        return self.door.buildProtocol(addr)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
