"""The gateway, put together: the only place where its parts are joined."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.files import raise_open_files
from tsgateway.access.desk import PolicyDesk
from tsgateway.admittance import Admittance
from tsgateway.api.api import Api
from tsgateway.api.counting import Counted, Counts
from tsgateway.api.folders import SharedFolders
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
from tsgateway.certificates import Identity, load_identity
from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.hosts.local import LocalHosts
from tsgateway.hosts.noting import Noting
from tsgateway.hosts.opening import Opening, opening_of
from tsgateway.hosts.place import HOST_COMMAND
from tsgateway.hosts.placement import HostState, Pace
from tsgateway.hosts.placing import Placer
from tsgateway.hosts.recorder import DAY, Recorder
from tsgateway.hosts.sessions import Sessions
from tsgateway.inviting import Inviting
from tsgateway.layout import DataLock, Layout
from tsgateway.notify import Notifier
from tsgateway.ports import Ports
from tsgateway.steady import steady_time
from tsgateway.store import Store, StoreUnavailable, open_store
from tsgateway.store.access import Access
from tsgateway.threads import Threads

CLOSE_WITHIN = 1.0
"""Viewers get this long to hear why the gateway leaves, seconds."""


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
        self._folders = SharedFolders.of(config.files, self.layout.shares, reactor)
        self._hosts: LocalHosts | None = None
        self._ports: Ports | None = None
        self._lock: DataLock | None = None
        self._store: Store | None = None
        self._sign_in: SignIn | None = None
        self._access: Access | None = None
        self._recorder: Recorder | None = None
        self._opening: Opening | None = None
        self.audit: AuditDesk | None = None
        self.counts = Counts()
        self._admittance: Admittance | None = None

    # ---- life

    async def start(self) -> None:
        """Open everything and listen. Raises StartError; then call `stop` all the same."""
        self.layout.prepare()
        self._lock = DataLock(self.layout)
        audit = self._begin_audit()
        now = datetime.datetime.now(datetime.UTC)
        self.identity = load_identity(self.config, self.layout, now)
        self._store = open_store(self.config.data, self.layout.database, alone=True)
        self._store.hosts.restarted(None, time.time())
        self._database.start()
        self._hashing.start()
        self._files.start()
        self._directories.start()
        self._folders.start()
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
        desk = PolicyDesk(self._store.policies, access, time.time, audit)
        with contextlib.suppress(StoreUnavailable):  # then the first who asks waits for it
            await desk.policies()
        inviting = Inviting(self._store, access, self.sessions, desk, self.config, wall=time.time)
        admittance = self._admittance = Admittance(
            self.sessions,
            self._sign_in,
            desk,
            inviting,
            journal=audit,
            reactor=self._reactor,
            wall=time.time,
        )
        ports = self._ports = Ports(self.config.server, self.layout, admittance.viewers.opened, self._reactor)
        self.address = await ports.open(self.identity)
        events = Events(self._reactor, lambda session: running(session, self.sessions.seats.latest()))
        self.sessions.watchers.append(events)
        api = Api(
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
            doorkeeper=admittance,
            inviting=inviting,
            origins=ports.origins,
            wall=time.time,
            events=events,
            audit=audit,
            clock=self._reactor.seconds,
            counts=self.counts,
            folders=self._folders,
            noted=acts(audit),
            checked=self._checked,
        )
        token = read_token(self.config.metrics.token_file)
        metrics = None if token is None else Metrics(token, self)
        site = Site(api, StaticFiles(web_client_folder()), metrics, self._readiness(api))
        ports.answer_with(site.answer)
        self._hosts = LocalHosts(self.config, self.layout, self.sessions, self._reactor, self._host_command)
        self._hosts.start()
        self._recorder.start()
        self._opening.start()
        admittance.start()
        for name, desktop in self.config.desktops.items():
            if not desktop.users and not desktop.groups:
                self.log.warn('desktop "{name}" names no user and no group: nobody sees it', name=name)

    async def stop(self) -> None:
        """Close everything; session hosts leave their guests running. May be called again."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if self._ports is not None:
            await self._ports.close()
        if self._admittance is not None:
            self._admittance.stop("The gateway is being stopped.")
            if len(self._admittance.viewers):
                await deferLater(self._reactor, CLOSE_WITHIN)
        hosts, self._hosts = self._hosts, None
        if hosts is not None:
            await hosts.stop()
        if self._opening is not None:
            self._opening.stop()
        if self._recorder is not None:
            await self._recorder.stop()
        if self._sign_in is not None:
            self._sign_in.close()
        self._folders.stop()
        self._directories.stop()
        self._hashing.stop()
        self._files.stop()
        self._database.stop()
        if self._store is not None:
            self._store.close()
        if self.audit is not None:
            self.audit.note(Event("gateway.stopped", target="gateway"))
            await self.audit.stop()
        lock.release()

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

    def _readiness(self, api: Api) -> Readiness:
        async def database() -> bool:
            await api.access(api.store.user, "")  # nobody is called so; that it answers is enough
            return True

        checks: dict[str, Check] = {
            "database": database,
            "hosts": lambda: any(host.state <= HostState.ASLEEP for host in self.sessions.hosts.values()),
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
        return 0 if self._admittance is None else len(self._admittance.viewers.of(lambda grant: True))

    @property
    def database_away(self) -> bool:
        """Whether the database could not be used when it was asked last."""
        return self._access is not None and self._access.away

    @property
    def sign_ins(self) -> Mapping[str, int]:
        """Sign-ins so far, by how they went."""
        return {} if self._sign_in is None else self._sign_in.outcomes


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
