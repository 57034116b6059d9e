"""Directories: LDAP (RFC 4511) and Active Directory. People type the name and the password they have there.

Somebody is searched for, as `bind_dn` or anonymously, and then bound as with the password; or, with
`user_dn`, bound as at once. The entry and its groups are read on the connection that was bound as that
person, or as `bind_dn` where there is one. Passwords go over TLS only, unless `insecure` says otherwise. Each
step has its time, and answers have a largest size.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel
from twisted.logger import Logger

from tsgateway.auth.authenticators.base import Identity, SettingsWrong, Surroundings, Unavailable
from tsgateway.config.authenticators import LdapSection

try:
    import ldap3
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.conv import escape_filter_chars
    from ldap3.utils.dn import escape_rdn
except ImportError as missing:
    raise ImportError("it needs the package ldap3: pip install 'tsgateway[ldap]'") from missing

MAX_ANSWER = 4 << 20
"""Bytes that one sign-in may take from a server."""
MAX_FOUND = 2000
"""Groups of one person that a search may find."""
WRONG_PASSWORD = 49
"""RFC 4511, appendix A: invalidCredentials; also what servers say of an entry that is none."""
_DISABLED = re.compile(r"data (525|52e|530|531|532|533|701|773|775)\b")
"""What Active Directory adds: no such person, disabled, expired, locked …; all of them a wrong password."""


class _Bounded:
    """A socket from which so much can be read, until then."""

    def __init__(self, inner: socket.socket, until: float) -> None:
        self._inner = inner
        self._until = until
        self._left = MAX_ANSWER

    def recv(self, size: int) -> bytes:
        """Read; fails beyond the limits."""
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("it takes too long")
        self._inner.settimeout(remaining)
        data = self._inner.recv(size)
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"it sent more than {MAX_ANSWER} bytes")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Tls(ldap3.Tls):  # type: ignore[misc]
    """TLS as Python does it: the name is sent and compared, whether it is a name or an address."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Shake hands."""
        host = connection.server.host
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=host)


class Ldap:
    """One directory."""

    Settings: ClassVar[type[BaseModel]] = LdapSection
    log = Logger()

    def __init__(self, name: str, settings: LdapSection, around: Surroundings) -> None:
        self._settings = settings
        self._threads = around.threads
        self._title = settings.title or name
        parts = urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "ldaps"
        self._port = parts.port or (636 if self._secure else 389)
        self._context = None if settings.insecure else _tls(settings)
        self._password = _first_line(settings)
        if settings.insecure:
            self.log.warn(
                "[authenticators.{name}] insecure: passwords go to {host} as they are; whoever is on the way "
                "reads them", name=name, host=self._host,
            )  # fmt: skip

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is. Raises Unavailable."""
        if not password or not name or "\0" in password:
            return None  # an empty password would bind as nobody, and be right for everybody
        return await self._threads(self._check, name, password)

    def close(self) -> None:
        """There is nothing to let go of: each sign-in has connections of its own."""

    def _check(self, name: str, password: str) -> Identity | None:
        try:
            return self._check_on(name, password)
        except (LDAPException, OSError, ssl.SSLError) as error:
            where = f"{self._settings.url}: {type(error).__name__}: {error}"
            raise Unavailable(
                f"{self._title} cannot be reached at the moment, so nobody can be signed in by it. "
                "Try again later.",
                where,
            ) from error

    def _check_on(self, name: str, password: str) -> Identity | None:
        settings = self._settings
        if settings.user_dn:
            who = settings.user_dn.replace("{name}", escape_rdn(name) if "=" in settings.user_dn else name)
            with self._connection() as mine:
                if not _bind(mine, who, password):
                    return None
                return self._identity(mine, self._entry(mine, name, who), name)
        with self._connection() as searching:
            if not _bind(searching, settings.bind_dn, self._password):
                raise OSError(f"it refuses {settings.bind_dn or 'anonymous searches'}")
            entry = self._entry(searching, name, "")
            if entry is None or not entry["dn"]:
                return None  # without a DN one would bind as nobody, with any password
            with self._connection() as theirs:
                if not _bind(theirs, entry["dn"], password):
                    return None
            return self._identity(searching, entry, name)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Open a connection, over TLS unless that is not wanted."""
        seconds = self._settings.timeout_seconds
        tls = None if self._context is None else _Tls(self._context)
        server = ldap3.Server(
            self._host, self._port, use_ssl=self._secure, tls=tls, connect_timeout=seconds,
            get_info=ldap3.NONE,
        )  # fmt: skip
        connection = ldap3.Connection(
            server, receive_timeout=math.ceil(seconds), auto_referrals=False, raise_exceptions=False,
            check_names=False, read_only=True,
        )  # fmt: skip
        try:
            connection.open()
            connection.socket.settimeout(seconds)
            if tls is not None and not self._secure and not connection.start_tls():
                raise OSError(f"it does not speak TLS: {connection.result.get('description')}")
            connection.socket = _Bounded(connection.socket, time.monotonic() + 3 * seconds)
            yield connection
        finally:
            if connection.socket is not None:
                connection.socket.close()

    def _entry(self, connection: Any, name: str, who: str) -> dict[str, Any] | None:
        """Return the one entry of a name; None when there is none. who: its DN, where that is known."""
        settings = self._settings
        wanted = {settings.name_attribute, settings.display_attribute, settings.key_attribute}
        wanted |= {settings.group_attribute}
        by_name = f"({settings.name_attribute}={escape_filter_chars(name)})"
        if who and "=" in who and not settings.user_base:
            found = _search(connection, who, by_name, wanted, scope=ldap3.BASE)
        else:
            filled = settings.user_filter.replace("{attribute}", settings.name_attribute)
            filled = filled.replace("{name}", escape_filter_chars(name))
            found = _search(connection, settings.user_base, filled, wanted)
        if len(found) > 1:
            raise OSError(f"more than one entry has the name {name}; make user_filter narrower")
        return found[0] if found else None

    def _identity(self, connection: Any, entry: dict[str, Any] | None, name: str) -> Identity | None:
        settings = self._settings
        if entry is None:
            return None
        if name not in [each.strip().lower() for each in _texts(entry, settings.name_attribute)]:
            raise OSError(f"{entry['dn']} has no {settings.name_attribute} {name}; see name_attribute")
        groups = set(_texts(entry, settings.group_attribute)) if settings.group_attribute else set()
        if settings.group_base:
            filled = settings.group_filter.replace("{dn}", escape_filter_chars(entry["dn"]))
            filled = filled.replace("{name}", escape_filter_chars(name))
            found = _search(connection, settings.group_base, filled, {"1.1"}, most=MAX_FOUND)
            groups |= {each["dn"] for each in found}
        shown = _texts(entry, settings.display_attribute)
        return Identity(self._key(entry), name, shown[0] if shown else "", frozenset(groups))

    def _key(self, entry: dict[str, Any]) -> str:
        attribute = self._settings.key_attribute
        if not attribute:
            return str(entry["dn"]).lower()
        values = _raw(entry, attribute)
        if not values:
            raise OSError(f"{entry['dn']} has no {attribute}; see key_attribute")
        if attribute.lower() == "objectguid" and len(values[0]) == 16:
            return str(uuid.UUID(bytes_le=values[0]))
        return values[0].decode(errors="backslashreplace")


def _bind(connection: Any, who: str, password: str) -> bool:
    """Bind, as nobody with an empty name; tell whether the password was right. Raises OSError."""
    if who and not password:
        return False
    connection.user, connection.password = who or None, password or None
    connection.authentication = ldap3.SIMPLE if who else ldap3.ANONYMOUS
    if connection.bind():
        return True
    result = connection.result
    said = f"{result.get('description')} {result.get('message')}".strip()
    if result.get("result") == WRONG_PASSWORD or _DISABLED.search(said):
        return False
    # No such object, invalid DN, unwilling (an account that may not bind): it is nobody who can sign in.
    if who and result.get("result") in (32, 34, 48, 50, 53):
        return False
    raise OSError(f"it answers a bind with: {said}")


def _search(
    connection: Any, base: str, query: str, wanted: set[str], *, most: int = 2, scope: str = ldap3.SUBTREE
) -> list[Any]:
    """Return up to `most` entries, no referrals. Raises OSError."""
    attributes = sorted(each for each in wanted if each)
    connection.search(base, query, scope, attributes=attributes, size_limit=most)
    code = connection.result.get("result")
    entries = [each for each in connection.response or () if each.get("type") == "searchResEntry"]
    if code == 32:  # no such object: nobody is there
        return []
    if code == 4:  # size limit
        raise OSError(f"{query} finds more than {most} entries")
    if code not in (0, 10):  # done; referral, which nobody follows
        raise OSError(f"it answers a search below {base} with: {connection.result.get('description')}")
    return entries


def _raw(entry: dict[str, Any], attribute: str) -> list[bytes]:
    raw = {key.lower(): values for key, values in entry["raw_attributes"].items()}
    return list(raw.get(attribute.lower(), ()))


def _texts(entry: dict[str, Any], attribute: str) -> list[str]:
    return [value.decode(errors="replace") for value in _raw(entry, attribute)]


def _tls(settings: LdapSection) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsWrong(f"ca_file {settings.ca_file} cannot be used: {error}") from None


def _first_line(settings: LdapSection) -> str:
    if settings.bind_password_file is None:
        return ""
    try:
        lines = settings.bind_password_file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"bind_password_file {settings.bind_password_file}: {error}") from None
    if not lines or not lines[0]:
        raise SettingsWrong(f"bind_password_file {settings.bind_password_file} is empty")
    return lines[0]
