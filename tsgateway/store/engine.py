"""Connections to the database, SQLite or PostgreSQL, and what its errors mean here.

    StoreError
    └── StoreUnavailable    the database cannot be reached or does not answer now
        ├── StoreBusy       somebody else writes, and takes long
        └── DiskFull        there is no room for what was to be kept

Each engine has one connection, since the service calls the store on one thread. A write begins with the
right to write, so that it waits for other writers at its beginning and not in its middle, where SQLite
cannot wait.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import DisconnectionError

from tsgateway.errors import StartError, StoreError

LITTLE = 1 << 20
"""With less room than that, bytes, an I/O error is put down to a full disk."""
SQLITE_WAIT_MILLISECONDS = 2000
"""For another process that writes."""
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 5
_GATEWAY_LOCK = 0x7467_6777
"""The advisory lock in PostgreSQL that a gateway holds for as long as its connection lasts."""
_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)


class StoreUnavailable(StoreError):
    """The database cannot be used now; what was asked may be asked again later."""


class StoreBusy(StoreUnavailable):
    """Another process writes to the database and takes long."""


class DiskFull(StoreUnavailable):
    """The disk that holds the database is full."""


def sqlite_engine(path: Path) -> Engine:
    """Return an engine for a file, which is made when it is missing. Raises StartError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StartError(f"the database {path} cannot be used: {error.strerror}") from None
    # Read and write, but do not make: a file that has gone must be missed, not be replaced by an empty one.
    place = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    engine = create_engine(place, pool_size=1, max_overflow=0, pool_timeout=CONNECT_SECONDS)

    def connecting(*_: object) -> None:
        _file(path)

    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, tables' making included
        settings = (f"busy_timeout={SQLITE_WAIT_MILLISECONDS}", "journal_mode=WAL", "synchronous=NORMAL")
        for pragma in (*settings, "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        record.info["file"] = _file(path)

    def checked_out(_connection: object, record: Any, _proxy: object) -> None:
        if _file(path) != record.info["file"]:
            raise DisconnectionError("another file is there now")

    def failed(context: ExceptionContext) -> None:
        error = context.original_exception
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its finer part
        # Where it cannot map its index of the log for want of room, SQLite speaks of an I/O error.
        is_full = code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < LITTLE
        if code == sqlite3.SQLITE_FULL or is_full:
            raise DiskFull(f"no room is left on the disk of {path}; make room there, then try again")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusy(f"the database {path} is in use by another process that takes too long")
        if code in _UNAVAILABLE:
            raise StoreUnavailable(f"the database {path} cannot be used: {error}")

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", checked_out)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", failed)
    return engine


def postgresql_engine(url: URL, password_file: Path | None, alone: bool) -> Engine:
    """Return an engine for a PostgreSQL database. Raises StartError when psycopg is missing.

    password_file: its first line is the password, read at every connection. alone: keep other gateways out.
    """
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=1,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            connect_args=_patience(url),
        )
    except ImportError:
        raise StartError(
            "PostgreSQL needs the package psycopg: pip install 'tsgateway[postgresql]'"
        ) from None

    def connecting(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
        if password_file is not None:
            parameters["password"] = _password(password_file)

    def connected(connection: Any, _record: object) -> None:
        if alone and not _locked(connection):
            connection.close()
            raise StoreUnavailable(f"another gateway is using the database {shown(url)}")

    def failed(context: ExceptionContext) -> None:
        error = context.original_exception
        state = getattr(error, "sqlstate", None) or ""
        why = " ".join(str(error).split())
        if context.is_pre_ping:
            return
        if state == "53100":
            raise DiskFull(f"the disk of the database {shown(url)} is full; make room there, then try again")
        if (
            context.is_disconnect
            or type(error).__name__ in ("OperationalError", "ConnectionTimeout")
            or state[:2] in _CLASSES
        ):
            raise StoreUnavailable(f"the database {shown(url)} cannot be used: {why}")

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "handle_error", failed)
    return engine


_CLASSES = frozenset({"08", "25", "28", "40", "53", "55", "57", "58", "XX"})
"""SQLSTATE classes of what is wrong with the server and not with the statement (PostgreSQL, appendix A)."""


def shown(url: URL) -> str:
    """Return a URL as it may be seen: without a password and without options."""
    return url.set(query={}).render_as_string(hide_password=True)


def interrupt(connection: Any) -> None:
    """End what a connection does, from another thread: whoever waits there gets an error."""
    if isinstance(connection, sqlite3.Connection):
        connection.interrupt()
    elif not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _file(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StoreUnavailable(f"the database {path} cannot be used: {why}; put it back") from None
    return status.st_dev, status.st_ino


def _patience(url: URL) -> dict[str, Any]:
    """Return what makes a server that is gone or hangs noticed within seconds, on both sides."""
    given = url.query.get("options", "")
    options = [
        given if isinstance(given, str) else " ".join(given),
        f"-c statement_timeout={STATEMENT_SECONDS}s",
    ]
    options += [
        f"-c {name}"
        for name in ("tcp_keepalives_idle=10", "tcp_keepalives_interval=5", "tcp_keepalives_count=3")
    ]
    return {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 2000 * CONNECT_SECONDS,
        "application_name": "tsgateway",
        "options": " ".join(options).strip(),
    }


def _password(path: Path) -> str:
    try:
        with path.open() as file:
            return file.readline(1024).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not UTF-8"
        raise StoreUnavailable(f"[data] database_password_file {path} cannot be read: {why}") from None


def _locked(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_GATEWAY_LOCK})")
        is_ours = bool(cursor.fetchone()[0])
    connection.commit()
    return is_ours
