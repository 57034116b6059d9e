"""The gateway, put together: the only place where its parts are joined."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.files import raise_open_files
from sessions.wire.tsg import SUBPROTOCOL, Capability, ClientHello, CloseCode
from tsgateway.access.desk import PolicyDesk, context_of
from tsgateway.access.watch import OVER, PolicyWatch, Present
from tsgateway.api.api import Api, desktop_right
from tsgateway.api.counting import Counted, Counts
from tsgateway.api.headers import security_headers
from tsgateway.api.health import Check, Readiness, has_room
from tsgateway.api.hub import Events
from tsgateway.api.metrics import Metrics, read_token
from tsgateway.api.noting import acts
from tsgateway.api.routes import ROUTES
from tsgateway.api.sessions import running
from tsgateway.api.site import Site
from tsgateway.api.static import StaticFiles
from tsgateway.audit import Event, Journal
from tsgateway.audit.desk import AuditDesk
from tsgateway.auth.assembly import make_sign_in
from tsgateway.auth.bearers import Bearers
from tsgateway.auth.passwords import Passwords
from tsgateway.auth.sign_in import SignIn
from tsgateway.auth.tokens import Grant, Tickets
from tsgateway.certificates import Identity, load_identity
from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.hosts.attachment import Attachment, Shadowing, Who
from tsgateway.hosts.link import HostError
from tsgateway.hosts.local import LocalHosts
from tsgateway.hosts.noting import Noting
from tsgateway.hosts.opening import Opening, opening_of
from tsgateway.hosts.place import HOST_COMMAND
from tsgateway.hosts.placement import HostState, Pace
from tsgateway.hosts.placing import Placer
from tsgateway.hosts.recorder import DAY, Recorder
from tsgateway.hosts.sessions import NOT_RUNNING, Session, SessionOver, Sessions
from tsgateway.hosts.shadows import ShadowEvent
from tsgateway.layout import DataLock, Layout
from tsgateway.notify import Notifier
from tsgateway.policy import Action, Owned, Subject, authorize
from tsgateway.protocols.tsg.viewer import Refused, Viewer, Viewers
from tsgateway.steady import steady_time
from tsgateway.store import Store, StoreUnavailable, open_store
from tsgateway.store.access import Access
from tsgateway.threads import Threads
from tsgateway.transports.admission import Admission
from tsgateway.transports.door import DoorFactory
from tsgateway.transports.http import HttpConnection
from tsgateway.transports.local import LocalDoorFactory
from tsgateway.transports.native import NativeTransport
from tsgateway.transports.websocket import WebSocketTransport

_CertificateOptions: Any = CertificateOptions  # its types know only pyOpenSSL's deprecated values
CHECK_SIGN_INS_EVERY = 15.0
CLOSE_WITHIN = 1.0
"""Viewers get this long to hear why the gateway leaves, seconds."""

DATABASE_AWAY = "The server's database is away for the moment. Try again in a minute."
SIGN_IN_OVER = "Your sign-in is over. Sign in again."


class Gateway:
    """One running gateway.

    host_command: how a session host is started; passwords: the cost of hashing; checked: whether the API's
    answers are compared with what its description promises. Tests give their own.
    """

    log = Logger()

    def __init__(
        self,
        config: Config,
        reactor: Any,
        *,
        host_command: Sequence[str] = HOST_COMMAND,
        passwords: Passwords | None = None,
        checked: bool = False,
    ) -> None:
        self.config = config
        self.layout = Layout.of(config)
        self.address = ""
        self.identity: Identity | None = None
        self.sessions = Sessions(config.desktops, config.sessions)
        self._reactor = reactor
        self._host_command = tuple(host_command)
        self._passwords = passwords or Passwords()
        self._checked = checked
        self.sessions.placer = Placer(
            Pace(config.hosts.logons_at_once, config.hosts.logons_a_minute), reactor.seconds
        )
        self._database = Threads(reactor, "database", 1)
        self._hashing = Threads(reactor, "hashing", 2)
        self._files = Threads(reactor, "files", 1)
        self._directories = Threads(reactor, "directories", 8)
        self._tickets = Tickets()
        self._viewers = Viewers(self, reactor)
        self._checking = LoopingCall(self._check_sign_ins)
        self._checking.clock = reactor
        self._hosts: LocalHosts | None = None
        self._port: Any = None
        self._local: Any = None
        self._lock: DataLock | None = None
        self._store: Store | None = None
        self._sign_in: SignIn | None = None
        self._access: Access | None = None
        self._recorder: Recorder | None = None
        self._opening: Opening | None = None
        self.audit: AuditDesk | None = None
        self.counts = Counts()
        self._attached: set[int] = set()  # numbers of viewers whose leaving is to be noted
        self._desk: PolicyDesk | None = None
        self._watch: PolicyWatch | None = None

    # ---- life

    async def start(self) -> None:
        """Open everything and listen. Raises StartError; then call `stop` all the same."""
        self.layout.prepare()
        self._lock = DataLock(self.layout)
        audit = self._begin_audit()
        self.sessions.shadows.told.append(self._note_shadow)
        now = datetime.datetime.now(datetime.UTC)
        self.identity = load_identity(self.config, self.layout, now)
        self._store = open_store(self.config.data, self.layout.database, alone=True)
        self._store.hosts.restarted(None, time.time())
        self._database.start()
        self._hashing.start()
        self._files.start()
        self._directories.start()
        access = self._access = Access(self._store, self._database, self._reactor)
        self._sign_in = self._make_sign_in(self._store, access, Counted(audit, self.counts))
        self._recorder = Recorder(
            self.sessions,
            self._store.history,
            access,
            self._reactor,
            wall=time.time,
            keep=self.config.sessions.keep_days * DAY,
        )
        self._opening = opening_of(
            self.config, self.sessions, self._recorder, self._reactor, hosts=self._store.hosts, access=access
        )
        await self._opening.refresh()
        desk = self._desk = PolicyDesk(self._store.policies, access, time.time, audit)
        with contextlib.suppress(StoreUnavailable):  # then the first who asks waits for it
            await desk.policies()
        self._watch = PolicyWatch(
            desk, self._reactor, time.time, self._sign_in.known, lambda: self._viewers.numbers
        )
        events = Events(self._reactor, lambda session: running(session, self.sessions.seats.latest()))
        self.sessions.watchers.append(events)
        make_api = functools.partial(
            Api,
            routes=ROUTES,
            config=self.config,
            layout=self.layout,
            store=self._store,
            access=access,
            files=self._files,
            sign_in=self._sign_in,
            bearers=Bearers(self._store, access, time.time),
            sessions=self.sessions,
            opening=self._opening,
            desk=desk,
            doorkeeper=self,
            wall=time.time,
            events=events,
            audit=audit,
            clock=self._reactor.seconds,
            counts=self.counts,
            noted=acts(audit),
            checked=self._checked,
        )
        await self._listen(make_api, self.identity)
        self._hosts = LocalHosts(self.config, self.layout, self.sessions, self._reactor, self._host_command)
        self._hosts.start()
        self._recorder.start()
        self._opening.start()
        self._viewers.start()
        self._watch.start()
        self._checking.start(CHECK_SIGN_INS_EVERY, now=False)
        for name, desktop in self.config.desktops.items():
            if not desktop.users and not desktop.groups:
                self.log.warn('desktop "{name}" names no user and no group: nobody sees it', name=name)

    async def stop(self) -> None:
        """Close everything; session hosts leave their guests running."""
        for port in filter(None, (self._port, self._local)):
            await port.stopListening()
        self._port = self._local = None
        if self._watch is not None:
            self._watch.stop()
        self._viewers.stop("The gateway is being stopped.")
        if len(self._viewers):
            await deferLater(self._reactor, CLOSE_WITHIN)
        if self._checking.running:
            self._checking.stop()
        hosts, self._hosts = self._hosts, None
        if hosts is not None:
            await hosts.stop()
        if self._opening is not None:
            self._opening.stop()
        if self._recorder is not None:
            await self._recorder.stop()
        if self._sign_in is not None:
            self._sign_in.close()
        self._directories.stop()
        self._hashing.stop()
        self._files.stop()
        self._database.stop()
        if self._store is not None:
            self._store.close()
        if self.audit is not None:
            self.audit.note(Event("gateway.stopped", target="gateway"))
            await self.audit.stop()
        if self._lock is not None:
            self._lock.release()

    def _begin_audit(self) -> AuditDesk:
        audit = AuditDesk(self.layout.audit, self.config.audit, self._reactor, wall=time.time)
        self.audit = audit
        Noting(self.sessions, audit)
        audit.start()
        loaded = hashlib.sha256(self.config.model_dump_json().encode()).hexdigest()
        audit.note(Event("gateway.started", target="gateway", details={"version": self.version}))
        audit.note(Event("configuration.loaded", target="configuration", details={"sha256": loaded}))
        return audit

    def _make_sign_in(self, store: Store, access: Access, journal: Journal) -> SignIn:
        return make_sign_in(
            self.config,
            store=store,
            passwords=self._passwords,
            seal=self.layout.seal,
            journal=journal,
            database=access,
            hashing=self._hashing,
            directories=self._directories,
            reactor=self._reactor,
            wall=steady_time(self.layout.clock),
        )

    async def _listen(self, make_api: Callable[..., Api], identity: Identity) -> None:
        server = self.config.server
        options: Any = _CertificateOptions(
            privateKey=identity.key,
            certificate=identity.chain[0],
            extraCertChain=list(identity.chain[1:]),
            acceptableProtocols=[SUBPROTOCOL.encode(), b"http/1.1"],
        )
        factory = _LateFactory()
        endpoint: Any = SSL4ServerEndpoint(  # type: ignore[no-untyped-call]
            self._reactor, server.port, options, interface=server.listen
        )
        try:
            self._port = await endpoint.listen(factory)
        except CannotListenError as error:
            why = getattr(error.socketError, "strerror", None) or error.socketError
            raise StartError(
                f"cannot listen on {server.listen} port {server.port}: {why}; stop what is there, or choose "
                "another with --port or [server] port"
            ) from None
        port = self._port.getHost().port
        origins = self._origins(port)
        api = make_api(origins=origins)
        factory.door = self._make_door(api, origins)
        self._listen_locally(api)
        shown = "localhost" if server.listen in ("127.0.0.1", "::1", "localhost") else server.listen
        shown = socket.gethostname() if shown in ("0.0.0.0", "::", "") else shown
        self.address = f"https://{_in_url(shown)}:{port}/"

    def _listen_locally(self, api: Api) -> None:
        """Open the gateway's own socket, for commands on this machine."""
        path = self.layout.api
        path.unlink(missing_ok=True)  # a killed gateway's; the lock says that there is no other
        users = frozenset({0, os.geteuid()})
        factory = LocalDoorFactory(users, api.answer, security_headers(()), self._reactor)
        self._local = self._reactor.listenUNIX(os.fspath(path), factory, mode=0o600)

    def _origins(self, port: int) -> tuple[str, ...]:
        names = ["localhost", "127.0.0.1"]
        listen = self.config.server.listen
        names += [socket.gethostname()] if listen in ("0.0.0.0", "::", "") else [_in_url(listen)]
        suffix = "" if port == 443 else f":{port}"
        ours = [f"https://{name.lower()}{suffix}" for name in names]
        return tuple(dict.fromkeys([*ours, *self.config.server.origins]))

    def _make_door(self, api: Api, origins: tuple[str, ...]) -> DoorFactory:
        server = self.config.server
        headers = security_headers(origins)
        token = read_token(self.config.metrics.token_file)
        metrics = None if token is None else Metrics(token, self)
        site = Site(api, StaticFiles(web_client_folder()), metrics, self._readiness(api))
        opened = self._viewers.opened
        return DoorFactory(
            reactor=self._reactor,
            admission=Admission(server.max_connections, server.max_connections_per_address),
            native=functools.partial(NativeTransport, opened=opened),
            websocket=functools.partial(WebSocketTransport, opened=opened, origins=origins, headers=headers),
            http=functools.partial(
                HttpConnection, answer=site.answer, headers=headers, reactor=self._reactor
            ),
            headers=headers,
        )

    def _readiness(self, api: Api) -> Readiness:
        async def database() -> bool:
            await api.access(api.store.user, "")  # nobody is called so; that it answers is enough
            return True

        checks: dict[str, Check] = {
            "database": database,
            "hosts": lambda: any(host <= HostState.ASLEEP for host in self.sessions.host_states),
            "disk": lambda: has_room(self.layout.root),
            "audit": lambda: not api.audit.trail.trouble,
        }
        return Readiness(checks, self._reactor)

    # ---- api.figures.Measured

    @property
    def waiting(self) -> int:
        """People whose session waits for its turn."""
        return 0 if self._opening is None else self._opening.waiting

    version = importlib.metadata.version("tsgateway")

    @property
    def viewers(self) -> int:
        """Viewers attached now."""
        return len(self._viewers.of(lambda grant: True))

    @property
    def database_away(self) -> bool:
        """Whether the database could not be used when it was asked last."""
        return self._access is not None and self._access.away

    @property
    def sign_ins(self) -> Mapping[str, int]:
        """Sign-ins so far, by how they went."""
        return {} if self._sign_in is None else self._sign_in.outcomes

    # ---- api.routes.Doorkeeper

    def ticket(
        self, subject: Subject, sign_in: bytes, session: str, shadow: Shadowing | None = None
    ) -> bytes:
        """Issue a ticket. shadow: for somebody who looks on at another's session."""
        grant = Grant(subject, session, sign_in)
        if shadow is not None:
            grant = Grant(subject, session, sign_in, shadow.way, shadow.by, shadow.consent)
        return self._tickets.issue(grant, self._reactor.seconds())

    def may_view(self, viewer: int, session: Owned) -> bool:
        """Tell whether the person of a viewer may use a session."""
        found = self._viewers.attached(viewer)
        return bool(found and found.grant and authorize(found.grant.subject, Action.VIEW, session))

    def switch(self, viewer: int, session: str, title: str) -> None:
        """Let a viewer go to another session, as far as it can."""
        found = self._viewers.attached(viewer)
        if found is not None and found.grant is not None:
            found.switch(self.ticket(found.grant.subject, found.grant.sign_in, session), session, title)

    async def signed_out(self, sign_in: bytes) -> None:
        """A sign-in ended: close its viewers, drop its tickets."""
        self._sign_in_is_over(sign_in, "You have signed out.")

    def _sign_in_is_over(self, sign_in: bytes, reason: str) -> None:
        self._tickets.revoke(sign_in)
        for viewer in self._viewers.of(lambda grant: grant.sign_in == sign_in):
            viewer.close(CloseCode.SIGNED_OUT, reason)

    async def _check_sign_ins(self) -> None:
        """Close viewers whose sign-in is over; a viewer counts as use of it."""
        if self._sign_in is None:
            return
        attached = self._viewers.of(lambda grant: True)
        try:
            for sign_in in {viewer.grant.sign_in for viewer in attached if viewer.grant is not None}:
                subject = await self._sign_in.known(sign_in)
                if subject is None:
                    self._sign_in_is_over(sign_in, SIGN_IN_OVER)
                else:
                    self._check_shadows(sign_in, subject)
            await self._sign_in.forget_old()
        except StoreUnavailable as error:  # whoever is there stays
            self.log.debug("sign-ins are not checked now: {error}", error=error)
        except Exception:  # a full disk must not end the checks for good
            self.log.failure("sign-ins cannot be checked now")

    def _check_shadows(self, sign_in: bytes, subject: Subject) -> None:
        """Close viewers of somebody who looks on and may not any more."""
        for viewer in self._viewers.of(lambda grant: grant.sign_in == sign_in and bool(grant.shadow)):
            grant = viewer.grant
            session = None if grant is None else self.sessions.get(grant.session)
            if grant is None or session is None:
                continue  # it is about to go anyway
            if not authorize(subject, attaching(grant), self._owned(session)):
                viewer.close(CloseCode.SHADOW_OVER, "You may not look on at this session any more.")

    def _note_shadow(self, event: ShadowEvent) -> None:
        if self.audit is not None:
            details = {
                "user": event.user,
                "desktop": event.desktop,
                "control": event.control,
                "asked": event.asked,
                **({"reason": event.reason} if event.reason else {}),
            }
            target = f"session:{event.session}"
            self.audit.note(Event(f"shadow.{event.state}", event.who, event.address, target, details=details))

    def _owned(self, session: Session) -> Owned:
        published = self.config.desktops.get(session.info["desktop"])
        right = None if published is None else desktop_right(session.info["desktop"], published)
        return Owned(session.info["user"], right, session.info["desktop"])

    # ---- protocols.tsg.viewer.Gate

    async def redeem(self, ticket: bytes) -> Grant:
        """Take a ticket in, if the sign-in it was given for still stands. Raises Refused."""
        grant = self._tickets.redeem(ticket, self._reactor.seconds())
        if grant is None or self._sign_in is None:
            raise Refused(CloseCode.TICKET, "The ticket is not good: each is for one use within 30 seconds.")
        # Another process may have ended it a moment ago: `tsgateway user passwd`.
        try:
            is_known = await self._sign_in.known(grant.sign_in) is not None
        except StoreUnavailable:
            raise Refused(CloseCode.SERVER_ERROR, DATABASE_AWAY) from None
        if not is_known:
            raise Refused(CloseCode.SIGNED_OUT, SIGN_IN_OVER)
        return grant

    async def attach(self, grant: Grant, hello: ClientHello, viewer: Viewer) -> Attachment:
        """Attach to the session. Raises Refused."""
        session = self.sessions.get(grant.session)
        if session is None:
            ending = self.sessions.ending(grant.session, grant.user)
            raise Refused(CloseCode.SESSION_ENDED, ending or NOT_RUNNING)
        if not authorize(grant.subject, attaching(grant), self._owned(session)):
            raise Refused(CloseCode.TICKET, "This session is not yours.")
        limits = None if grant.shadow else await self._admit(grant, hello, viewer, session.info["desktop"])
        shadow = Shadowing(grant.shadow, grant.by, grant.consent) if grant.shadow else None
        try:
            who = Who(grant.user, viewer.address, viewer.door, hello.client)
            attachment = await self.sessions.attach(
                grant.session, hello, viewer, who, shadow=shadow, limits=limits
            )
            self._attached.add(viewer.number)
            self._note_viewer("viewer.attached", grant, viewer, hello.client)
            return attachment
        except SessionOver as error:
            raise Refused(CloseCode.SESSION_ENDED, str(error)) from None
        except HostError as error:
            raise Refused(CloseCode.SERVER_ERROR, str(error)) from None

    async def _admit(
        self, grant: Grant, hello: ClientHello, viewer: Viewer, desktop: str
    ) -> Mapping[str, float]:
        """Let policies decide; return the limits that hold for this viewer. Raises Refused."""
        if self._desk is None or self._watch is None:
            raise Refused(CloseCode.SHUTDOWN, "The gateway is being started.")
        context = context_of(grant.subject, viewer.address, viewer.door)
        try:
            decision = await self._desk.decide(context, desktop)
        except StoreUnavailable:
            raise Refused(CloseCode.SERVER_ERROR, DATABASE_AWAY) from None
        if not decision.allowed:
            raise Refused(CloseCode.DISCONNECTED, OVER.format(reference=decision.reference))
        viewer.grant = dataclasses.replace(grant, redirections=decision.redirections)
        takes_notices = Capability.NOTICES in hello.capabilities
        self._watch.came(viewer.number, Present(viewer, context, desktop, grant.sign_in, takes_notices))
        return {
            "idle_minutes": decision.limits.idle_minutes,
            "active_minutes": decision.limits.session_minutes,
        }

    def left(self, grant: Grant, viewer: Viewer) -> None:
        """A viewer has gone."""
        if viewer.number in self._attached:
            self._attached.discard(viewer.number)
            self._note_viewer("viewer.left", grant, viewer)

    def _note_viewer(self, kind: str, grant: Grant, viewer: Viewer, client: str = "") -> None:
        if self.audit is not None:
            details = {"viewer": viewer.number, **({"client": client} if client else {})}
            target = f"session:{grant.session}"
            self.audit.note(Event(kind, grant.user, viewer.address, target, details=details))


def attaching(grant: Grant) -> Action:
    """Return what somebody does who attaches with this grant."""
    if not grant.shadow:
        return Action.VIEW
    return Action.SHADOW_CONTROL if grant.shadow == "control" else Action.SHADOW


class _LateFactory(DoorFactory):
    """Listens before it knows its port, on which the allowed origins depend."""

    door: DoorFactory

    def __init__(self) -> None:
        """Nothing is known yet."""

    def buildProtocol(self, addr: Any) -> Any:
        """Twisted: somebody connected."""
        return self.door.buildProtocol(addr)


class GatewayService(Service):
    """The gateway as a Twisted service: for `twistd`, and for `tsgateway serve`.

    started: called when it listens. failed: the error that ended it, for the exit status.
    """

    log = Logger()

    def __init__(self, gateway: Gateway, reactor: Any, started: Callable[[], object] = lambda: None) -> None:
        self.gateway = gateway
        self._told = started
        self.failed: BaseException | None = None
        self._reactor = reactor
        self._notifier = Notifier.ours()
        self._alive = LoopingCall(self._notifier.tell, "WATCHDOG=1")
        self._alive.clock = reactor

    def startService(self) -> None:
        """Twisted: start once the reactor runs."""
        super().startService()  # type: ignore[no-untyped-call]
        raise_open_files()
        self._reactor.callWhenRunning(self._start)

    def stopService(self) -> Deferred[None]:
        """Twisted: stop; the reactor waits."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._notifier.tell("STOPPING=1")
        return Deferred.fromCoroutine(self.gateway.stop())

    def _start(self) -> None:
        starting = Deferred.fromCoroutine(self.gateway.start())
        starting.addCallbacks(self._started, self._not_started)

    def _started(self, _: None) -> None:
        self.log.info("listening: {address}", address=self.gateway.address)
        self._notifier.tell("READY=1", f"STATUS=Serving {self.gateway.address}")
        if self._notifier.interval is not None:
            self._alive.start(self._notifier.interval)
        self._told()

    def _not_started(self, failure: Failure) -> None:
        self.failed = failure.value
        if isinstance(self.failed, StartError):
            self.log.critical("{error}", error=self.failed)
        else:
            self.log.failure("the gateway cannot start", failure)
        self._reactor.stop()


def web_client_folder() -> Path:
    """Return where the browser client's files are. Raises StartError."""
    spec = importlib.util.find_spec("webclient")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("the browser client is not installed; install the whole tsgateway package")
    return Path(next(iter(spec.submodule_search_locations)))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
