"""The session host's end of the session link (wire/link)."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.channels import EVERYTHING
from sessions.guests.base import GuestError
from sessions.host import guest_services
from sessions.host.load import LoadGauge
from sessions.host.processes import Processes
from sessions.host.registry import Registry, SessionMissing, SessionRefused
from sessions.host.spare import Wish
from sessions.identity import Identity
from sessions.latency import BOUNDS
from sessions.lifecycle import EndReason
from sessions.messages import MessageRefused, Note
from sessions.pixels.geometry import Size
from sessions.session import Session
from sessions.shadows import ShadowWish
from sessions.wire import link, tsg
from sessions.wire.errors import ProtocolError
from sessions.wire.tsg import CloseCode

log = Logger()

LEAVING = "The session host is restarting. Try again in a moment."
INTERNAL = "An internal error; the session host's log has more."

LOGGED_OFF = {
    EndReason.LOGGED_OFF: "You have logged off.",
    EndReason.ADMINISTRATOR: "An administrator has logged this session off.",
}
RESET = {
    EndReason.RESET: "You have reset this session.",
    EndReason.ADMINISTRATOR: "An administrator has reset this session.",
}
DISCONNECTED = {
    False: "You have disconnected this session. It goes on.",
    True: "An administrator has disconnected this session. It goes on.",
}
"""By whether an administrator did it."""


class HostServer(Factory):
    """Answers gateways; every open link hears of every session's changes."""

    def __init__(self, make_registry: Callable[[Callable[[Session], None]], Registry], pid: int) -> None:
        self.registry = make_registry(self._session_changed)
        self.registry.load_changed = self.tell_load
        self.registry.told = self._told
        self.gauge = LoadGauge(self.registry)
        self.pid = pid
        self.links: set[HostLink] = set()
        self.quit: Deferred[None] = Deferred()
        """Fires when a gateway has asked the host to exit."""

    def buildProtocol(self, addr: object) -> HostLink:
        """Make the protocol of one link."""
        return HostLink(self)

    def _session_changed(self, session: Session) -> None:
        self._told("session", session.info())

    def _told(self, event: str, params: Mapping[str, Any]) -> None:
        for each in list(self.links):
            each.event(event, params)

    def tell_run(self, told: dict[str, Any]) -> None:
        """Tell every gateway of a command that is run in a guest."""
        for each in list(self.links):
            each.event("ran", told)

    def turn(self) -> None:
        """Measure the load and tell it; to be called every `load.EVERY` seconds."""
        self.gauge.turn()
        self.tell_load()

    def tell_load(self) -> None:
        """Tell every gateway how loaded this host is."""
        if self.links:
            told = self.gauge.told()
            for each in list(self.links):
                each.event("load", told)


class HostLink(Protocol):
    """One gateway's link. Its viewers are let go when it ends."""

    transport: Any  # ITransport; zope interfaces are opaque to mypy

    def __init__(self, server: HostServer) -> None:
        self._server = server
        self._reader = link.LinkReader()
        self._viewers: dict[int, Session] = {}

    # ---- Twisted

    def connectionMade(self) -> None:
        """Begin to tell this gateway of changes."""
        self._server.links.add(self)

    def dataReceived(self, data: bytes) -> None:
        """Take what the gateway sends; a gateway that breaks the protocol is cut off."""
        try:
            messages = self._reader.receive(data)
        except ProtocolError as error:
            log.error("the gateway broke the session link: {error}", error=str(error))
            self.transport.abortConnection()
            return
        for message in messages:
            if message.kind is link.Kind.VIEWER:
                session = self._viewers.get(message.channel)
                if session is not None:
                    session.received(message.channel, message.body)
            elif message.kind is link.Kind.REQUEST:
                self._answer(message.body)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let this gateway's viewers go; their sessions go on."""
        self._server.links.discard(self)
        for number, session in list(self._viewers.items()):
            session.detach(number)

    # ---- requests

    def _answer(self, request: dict[str, Any]) -> None:
        """Answer a request, at once unless its method has to wait for something."""
        Deferred.fromCoroutine(self._answered(request))

    async def _answered(self, request: dict[str, Any]) -> None:
        name = request.get("method")
        try:
            method = self._METHODS.get(str(name))
            if method is None:
                raise SessionRefused(f"This session host knows no request {name!r}.")
            result: Any = method(self, request.get("params") or {})
            if isinstance(result, Coroutine):
                result = await result
            answer = {"result": result}
        except (SessionRefused, SessionMissing, MessageRefused, ProtocolError) as error:
            answer = {"error": str(error)}
        except GuestError as error:
            log.warn("{method}: {error} ({detail})", method=name, error=str(error), detail=error.detail)
            answer = {"error": str(error)}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.failure("request {method} is malformed", method=name)
            answer = {"error": f"The request is malformed: {error!r}."}
        except Exception:
            log.failure("request {method} failed", method=name)
            answer = {"error": INTERNAL}
        self._send(link.Kind.REPLY, 0, {"id": request.get("id"), **answer})

    def _hello(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["version"] != link.VERSION:
            raise SessionRefused(
                f"This session host speaks link version {link.VERSION}, the gateway {params['version']}."
            )
        self.event("load", self._server.gauge.told())  # before the first session is placed here
        return {"version": link.VERSION, "pid": self._server.pid, **self._list(params)}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"sessions": [session.info() for session in self._server.registry]}

    def _start(self, params: dict[str, Any]) -> dict[str, Any]:
        if self._server.quit.called:
            raise SessionRefused(LEAVING)  # it would be cut off half-way
        identity = Identity.read(params)
        size = Size(int(params["width"]), int(params["height"]))
        return self._server.registry.start(identity, size, int(params.get("number", 0))).info()

    def _number(self, params: dict[str, Any]) -> dict[str, Any]:
        self._server.registry[params["session"]].renumber(int(params["number"]))
        return {}

    def _activity(self, params: dict[str, Any]) -> dict[str, Any]:
        sessions = self._server.registry
        return {"sessions": {session.identity.session: session.idle_since for session in sessions}}

    def _attach(self, params: dict[str, Any]) -> dict[str, Any]:
        if self._server.quit.called:
            raise SessionRefused(LEAVING)
        session = self._server.registry[params["session"]]
        number = int(params["viewer"])
        try:
            hello = tsg.decode(base64.b64decode(params["hello"], validate=True), tsg.FROM_VIEWER)
        except binascii.Error as error:
            raise ProtocolError(f"hello is not base64: {error}") from None
        if not isinstance(hello, tsg.ClientHello) or number in self._viewers:
            raise ProtocolError("attach needs a ClientHello and a new viewer number")
        wish = None
        if params.get("shadow"):
            wish = ShadowWish.read(
                params["shadow"], params["by"], params["consent"], params.get("invited", False)
            )
        rules = session.identity.rules.limited(params["limits"]) if "limits" in params else None
        self._viewers[number] = session
        allowed = EVERYTHING.intersection(params.get("allow", ()))
        session.attach(number, hello, self._sender(number), self._goner(number), wish, allowed=allowed)
        if rules is not None and number in self._viewers:  # who was not let in changes nothing
            session.limit(rules)
        return {}

    def _detach(self, params: dict[str, Any]) -> dict[str, Any]:
        number = int(params["viewer"])
        session = self._viewers.get(number)
        if session is not None:
            session.detach(number)
        return {}

    def _processes_of(self, params: dict[str, Any]) -> Processes:
        services = guest_services.of(self._server.registry[params["session"]])
        return Processes(services, self._server.registry.clock)

    async def _processes(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"processes": await self._processes_of(params).all()}

    async def _kill(self, params: dict[str, Any]) -> dict[str, Any]:
        who = str(params["by"]) or guest_services.peer_name(self.transport.getHandle())
        return await self._processes_of(params).end(int(params["pid"]), who, str(params["session"]))

    async def _thumbnail(self, params: dict[str, Any]) -> dict[str, Any]:
        made = await self._server.registry[params["session"]].thumbnail(int(params["width"]))
        return {"jpeg": base64.b64encode(made.file).decode(), "at": made.at}

    def _message(self, params: dict[str, Any]) -> dict[str, Any]:
        self._server.registry[params["session"]].messages.show(Note.read(params))
        return {}

    def _end(self, params: dict[str, Any]) -> dict[str, Any]:
        session = self._server.registry[params["session"]]
        reason = params.get("reason") or "The session was ended."
        Deferred.fromCoroutine(session.end(str(reason), EndReason.ADMINISTRATOR))
        return {}

    def _log_off(self, params: dict[str, Any]) -> dict[str, Any]:
        session, how = self._server.registry[params["session"]], EndReason.LOGGED_OFF
        if params.get("administrator"):
            how = EndReason.ADMINISTRATOR
        Deferred.fromCoroutine(session.log_off(LOGGED_OFF[how], how))
        return {}

    def _reset(self, params: dict[str, Any]) -> dict[str, Any]:
        session, how = self._server.registry[params["session"]], EndReason.RESET
        if params.get("administrator"):
            how = EndReason.ADMINISTRATOR
        Deferred.fromCoroutine(session.end(RESET[how], how))
        return {}

    def _disconnect(self, params: dict[str, Any]) -> dict[str, Any]:
        reason = DISCONNECTED[bool(params.get("administrator"))]
        self._server.registry[params["session"]].disconnect(reason)
        return {}

    def _stats(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._server.registry[params["session"]].statistics()

    def _totals(self, params: dict[str, Any]) -> dict[str, Any]:
        totals = self._server.registry.figures.totals()
        return {"bounds": BOUNDS, **totals, "cpu_seconds": time.process_time()}

    async def _guest(self, params: dict[str, Any]) -> dict[str, Any]:
        return await guest_services.info(self._server.registry[params["session"]])

    async def _run(self, params: dict[str, Any]) -> dict[str, Any]:
        who = guest_services.peer_name(self.transport.getHandle())
        session = self._server.registry[params["session"]]
        return await guest_services.run(session, params, who, self._server.tell_run)

    def _share(self, params: dict[str, Any]) -> dict[str, Any]:
        share = self._server.registry[params["session"]].share
        return {"mounted": share is not None and share.mounted}

    def _pools(self, params: dict[str, Any]) -> dict[str, Any]:
        self._server.registry.wish([Wish.read(table) for table in params["pools"]])
        return self._server.registry.pools()

    def _spares(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._server.registry.pools()

    def _end_unused(self, params: dict[str, Any]) -> dict[str, Any]:
        self._server.registry.end_unused()
        return {}

    def _quit(self, params: dict[str, Any]) -> dict[str, Any]:
        if not self._server.quit.called:
            self._server.quit.callback(None)
        return {}

    _METHODS = {  # noqa: RUF012 - a table of this class's own functions, never written
        "hello": _hello,
        "list": _list,
        "start": _start,
        "number": _number,
        "activity": _activity,
        "attach": _attach,
        "detach": _detach,
        "message": _message,
        "thumbnail": _thumbnail,
        "processes": _processes,
        "kill": _kill,
        "end": _end,
        "log_off": _log_off,
        "reset": _reset,
        "disconnect": _disconnect,
        "stats": _stats,
        "totals": _totals,
        "guest": _guest,
        "run": _run,
        "share": _share,
        "pools": _pools,
        "spares": _spares,
        "end_unused": _end_unused,
        "quit": _quit,
    }

    # ---- to the gateway

    def event(self, name: str, params: Mapping[str, Any]) -> None:
        """Tell the gateway of something."""
        self._send(link.Kind.EVENT, 0, {"event": name, "params": params})

    def _sender(self, number: int) -> Callable[[bytes], None]:
        return lambda message: self._send(link.Kind.VIEWER, number, message)

    def _goner(self, number: int) -> Callable[[CloseCode, str], None]:
        def gone(code: CloseCode, reason: str) -> None:
            self._viewers.pop(number, None)
            self.event("detached", {"viewer": number, "code": int(code), "reason": reason})

        return gone

    def _send(self, kind: link.Kind, channel: int, body: Any) -> None:
        if self in self._server.links:
            self.transport.write(link.encode(kind, channel, body))
