"""Asks a gateway: over its own socket on its machine, or over HTTPS with a token."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from tsgateway.client.address import Address, away
from tsgateway.client.download import Download
from tsgateway.client.errors import ClientError, ServerAway, error_of
from tsgateway.client.operations import Operations
from tsgateway.client.proxy import named, proxy_for
from tsgateway.client.unset import Unset

PATIENCE = 30.0
"""Seconds for an answer to begin."""
MAX_ANSWER = 64 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024


class Event(NamedTuple):
    """Something that has happened. kind: its name; told: its JSON object."""

    kind: str
    told: dict[str, Any]


class Client(Operations):
    """One gateway, asked by one thread at a time. The connection stays open until `close`.

    connect: makes a connection, open or not; where: its address, for people; address: of one elsewhere.
    """

    def __init__(
        self,
        connect: Callable[[], http.client.HTTPConnection],
        where: str,
        token: str = "",
        address: Address | None = None,
    ) -> None:
        self.address = address
        self._connect = connect
        self._connection = connect()
        self._is_abandoned = False
        self._where = where
        self._headers = {"Accept": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )

    @classmethod
    def local(cls, path: str | os.PathLike[str], patience: float = PATIENCE) -> Client:
        """Return a client of the gateway whose own socket (`api.sock` in its data directory) this is."""
        return cls(lambda: _Local(os.fspath(path), patience), os.fspath(path))

    @classmethod
    def remote(
        cls,
        url: str,
        token: str = "",
        *,
        authority: str | None = None,
        fingerprint: str = "",
        patience: float = PATIENCE,
    ) -> Client:
        """Return a client of the gateway at https://NAME[:PORT].

        authority: a PEM file with the certificates to trust instead of the system's; fingerprint: SHA-256 of
        the gateway's certificate in hex, which is then trusted instead. Raises ValueError for another kind of
        address.
        """
        address = Address.parse(url, authority, fingerprint)
        context = address.context()
        return cls(lambda: _Remote(address, timeout=patience, context=context), url, token, address)

    def twin(self, patience: float | None = None) -> Client:
        """Return another client of this gateway, signed in as this one is now: for another thread.

        patience: seconds that it waits for an answer, None for as many as this one.
        """

        def connect() -> http.client.HTTPConnection:
            made = self._connect()
            if patience is not None:
                made.timeout = patience
            return made

        twin = Client(connect, self._where, address=self.address)
        twin._headers = dict(self._headers)
        return twin

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def abandon(self) -> None:
        """Hang up for good, from any thread: who waits for an answer waits no more."""
        self._is_abandoned = True
        if (line := self._connection.sock) is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def follow(self) -> Iterator[Event]:
        """Yield what happens: see GET /api/v1/events. Ends when the gateway ends it. Raises ClientError."""
        kind, data = "", []
        for line in self._lines("/api/v1/events"):
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                yield Event(kind, json.loads("\n".join(data)))
                kind, data = "", []

    def problems(self) -> list[str]:
        """Return why people cannot be served now, a sentence each; none when they can. Raises ClientError."""
        try:
            self._ask("GET", "/readyz")
        except ClientError as error:
            found = error.answer.get("problems")
            if not isinstance(found, list):
                raise
            return [str(each.get("message", "")) for each in found if isinstance(each, dict)]
        return []

    def download(self, session: str, path: str, *, first: int = 0, tag: str = "") -> Download:
        """Begin to read a file that a session's desktop shares, whatever its size; see `Download`.

        first: the byte to begin with, tag: of a former download, which that byte follows on; if the file is
        another one now, all of it comes. Raises ClientError, with status 416 where it has no such byte.
        """
        target = f"/api/v1/sessions/{quote(session, safe='')}/files/content"
        asked = {"Range": f"bytes={first}-", "If-Range": tag} if first else {}
        response = self._send("GET", target, {"path": path}, None, asked)
        return Download(response, first, self._told, self.close)

    # ---- what the operations are made of

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Return the answer's JSON, None where there is none. Raises ClientError."""
        return self._json(self._send(method, path, query, body))

    def _put(self, method: str, path: str, data: bytes, query: Mapping[str, Any] | None = None) -> Any:
        """Send bytes; return the answer's JSON. Raises ClientError."""
        return self._json(self._send(method, path, query, data))

    def _json(self, response: http.client.HTTPResponse) -> Any:
        with self._told():
            raw = response.read(MAX_ANSWER + 1)
        if len(raw) > MAX_ANSWER:
            self.close()
            raise ServerAway(f"{self._where} sends more than {MAX_ANSWER >> 20} MiB.")
        return _json(raw) if raw else None

    def _read(self, method: str, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """Return an answer that is no JSON. Raises ClientError."""
        response = self._send(method, path, query, None)
        with self._told():
            return response.read(MAX_ANSWER)

    def _lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Yield the lines of an answer that comes piece by piece. Raises ClientError."""
        response = self._send("GET", path, query, None)
        try:
            while True:
                with self._told():
                    line = response.readline(MAX_LINE)
                if not line:
                    return
                yield line.decode(errors="replace").rstrip("\r\n")
        finally:
            self.close()  # what is left of the stream is of no use

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        more: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        asked = {key: _text(value) for key, value in (query or {}).items() if not _is_unset(value)}
        target = path + (f"?{urlencode(asked)}" if asked else "")
        headers, data = self._headers | dict(more or {}), None
        if isinstance(body, bytes):
            headers["Content-Type"], data = "application/octet-stream", body
        elif method != "GET":
            headers["Content-Type"] = "application/json"
            given = {key: value for key, value in (body or {}).items() if not _is_unset(value)}
            data = json.dumps(given).encode()
        response = self._response(method, target, data, headers)
        if response.status < 300:
            self._keep(response.getheader("Set-Cookie"))
            return response
        with self._told():
            raw = response.read(MAX_ANSWER)
        answer = _json(raw) if raw else {}
        raise error_of(
            response.status, answer if isinstance(answer, dict) else {}, response.getheader("Retry-After")
        )

    def _keep(self, cookie: str | None) -> None:
        """Stay signed in, for as long as this client is used; the gateway asks where a cookie is used."""
        if cookie is not None:
            parts = urlsplit(self._where)
            self._headers |= {"Cookie": cookie.partition(";")[0], "Origin": f"https://{parts.netloc.lower()}"}

    def _response(
        self, method: str, target: str, data: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        was_open = self._connection.sock is not None
        try:
            with self._told():
                self._connection.request(method, target, data, headers)
                return self._connection.getresponse()
        except _Hung:
            # The gateway closes connections that were quiet for long; what it has not read it has not done.
            if not was_open or self._is_abandoned:
                raise
            self.close()
            with self._told():
                self._connection.request(method, target, data, headers)
                return self._connection.getresponse()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong on the line into errors with a sentence."""
        try:
            yield
        except (
            http.client.RemoteDisconnected,
            BrokenPipeError,
            ConnectionResetError,
            ssl.SSLEOFError,
        ) as error:
            self.close()
            raise _Hung(f"{self._where} hung up.") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise away(self._where, error) from error


class _Hung(ServerAway):
    """The other end closed the connection before it answered."""


class _Local(http.client.HTTPConnection):
    def __init__(self, path: str, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(self.timeout)
        try:
            line.connect(self._path)
        except BaseException:
            line.close()
            raise
        self.sock = line


class _Remote(http.client.HTTPSConnection):
    def __init__(self, address: Address, **options: Any) -> None:
        super().__init__(address.host, address.port, **options)
        self._address = address

    def connect(self) -> None:
        proxy = proxy_for(self._address.host, self._address.port)
        if proxy is not None:
            self.host, self.port = proxy.host, proxy.port
            self.set_tunnel(self._address.host, self._address.port, proxy.headers)
        try:
            super().connect()
        except ConnectionRefusedError:
            if proxy is None:
                raise
            raise ConnectionError(f"{named(proxy)} does not listen") from None
        try:
            self._address.check(self.sock.getpeercert(binary_form=True))
        except BaseException:
            self.close()
            raise


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise ServerAway("What answers there is not a gateway.") from None


def _is_unset(value: object) -> bool:
    return value is Unset.UNSET


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
