"""Run a session host: `python -m sessions.host --settings FILE`."""

from __future__ import annotations

import fcntl
import functools
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from sessions import plugins
from sessions.clock import keep_time
from sessions.files import raise_open_files
from sessions.host import load
from sessions.host import settings as host_settings
from sessions.host.registry import Registry
from sessions.host.server import HostServer
from sessions.host.timekeeping import Timekeeper

log = Logger()

UFUNC_BUFFER = 512
"""NumPy's buffer, elements. A part of a screen is no contiguous array, and where several of its rows fit into
the buffer, NumPy copies them there first: comparing is then nearly twice as dear."""

FLUSH_SECONDS = 0.2
"""For the last answers to reach the gateway."""
LOCK_SECONDS = 3.0
"""For a predecessor, which has said that it leaves, to be gone."""


@click.command()
@click.option("--settings", "path", type=click.Path(path_type=Path), required=True, help="A JSON file.")
def main(path: Path) -> None:
    """Run a session host until its gateway asks it to quit."""
    try:
        settings = host_settings.read(path)
        begin_log(settings.log_level)
        raise_open_files()
        os.umask(0o077)
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = take_lock(settings.state / "lock")
        run(settings)
    except (host_settings.SettingsError, OSError) as error:
        click.echo(f"session host: {error}", err=True)
        sys.exit(1)
    os.close(lock)


def begin_log(level: str) -> None:
    """Log to stderr from now on."""
    predicate: Any = LogLevelFilterPredicate(LogLevel.levelWithName(level))
    writer: Any = textFileLogObserver(sys.stderr)
    observer: Any = FilteringLogObserver(writer, [predicate])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def take_lock(path: Path) -> int:
    """Lock the state folder for this process. Raises OSError when another host has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise OSError(f"{path.parent} belongs to another session host that is running") from None
        time.sleep(0.01)


def run(settings: host_settings.Settings) -> None:
    """Listen, adopt what an earlier process left, and serve. Raises OSError when it cannot listen."""
    reactor = keep_time(installed_reactor)
    np.setbufsize(UFUNC_BUFFER)
    in_thread = functools.partial(deferToThreadPool, reactor, reactor.getThreadPool())
    server = HostServer(lambda changed: Registry(settings, reactor, changed, in_thread), os.getpid())
    settings.socket.unlink(missing_ok=True)  # the lock says that nobody answers there
    try:
        port = reactor.listenUNIX(str(settings.socket), server, mode=0o600)
    except CannotListenError as error:
        raise OSError(f"cannot listen on {settings.socket}: {error.socketError}") from None

    async def leave() -> None:
        port.stopListening()  # who comes now is meant for the next host
        await server.registry.leave()
        for each in list(server.links):
            each.transport.loseConnection()  # sends what is still to be sent first
        reactor.callLater(FLUSH_SECONDS, reactor.stop)

    telling = LoopingCall(server.turn)
    telling.clock = reactor
    telling.start(load.EVERY, now=False)
    server.quit.addCallback(lambda _: reactor.callLater(0, Deferred.fromCoroutine, leave()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: reactor.callFromThread(_ask_to_quit, server))
    reactor.callWhenRunning(server.registry.adopt_all)
    reactor.callWhenRunning(load_plugins)
    Timekeeper(reactor, server.registry.services, time.time).begin()
    reactor.run(installSignalHandlers=False)


def load_plugins() -> None:
    """Load every plug-in now, so that the first session need not wait for it."""
    for plugin in plugins.installed():
        if plugin.error:
            log.warn("{error}", error=plugin.error)


def _ask_to_quit(server: HostServer) -> None:
    if not server.quit.called:
        server.quit.callback(None)


if __name__ == "__main__":
    main()
