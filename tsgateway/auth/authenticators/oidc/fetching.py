"""Requests to a provider by Twisted's HTTP client, bounded in size and time.

There are no redirects: an address that a provider names is asked, or it is wrong.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, FileBodyProducer
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH

from tsgateway.auth.authenticators.base import SettingsWrong
from tsgateway.config.authenticators import is_loopback

MAX_ANSWER = 512 * 1024
"""Bytes."""
SECONDS = 8.0
"""For one request, from its beginning to the end of its answer."""


class FetchError(Exception):
    """There is no answer, or none that can be used; the text is for the log. status: the answer's, or 0."""

    def __init__(self, message: str, status: int = 0, said: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class Fetcher:
    """Sends requests. ca_file: whom to trust; None: whom the system trusts. Raises SettingsWrong."""

    def __init__(self, reactor: Any, ca_file: Path | None) -> None:
        policy: Any = BrowserLikePolicyForHTTPS(trustRoot=_trusted(ca_file))  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._agent: Any = Agent(reactor, policy, connectTimeout=SECONDS)  # type: ignore[no-untyped-call]

    async def get(self, url: str) -> dict[str, Any]:
        """Return the JSON object at an address. Raises FetchError."""
        return await self._json(b"GET", url, {}, None)

    async def post(self, url: str, fields: dict[str, str], authorization: str) -> dict[str, Any]:
        """Send a form, and return the JSON object that answers it. Raises FetchError."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if authorization:
            headers["Authorization"] = authorization
        return await self._json(b"POST", url, headers, urlencode(fields).encode())

    async def _json(
        self, method: bytes, url: str, headers: dict[str, str], body: bytes | None
    ) -> dict[str, Any]:
        parts = urlsplit(url)
        if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            raise FetchError(f"{url}: not https")
        asked = Deferred.fromCoroutine(self._bytes(method, url, headers, body))
        asked.addTimeout(SECONDS, self._reactor)
        try:
            status, data = await asked
        except FetchError:
            raise
        except Exception as error:  # many kinds: names, sockets, TLS, HTTP, time
            raise FetchError(f"{url}: {_why(error)}") from None
        found = _parsed(data)
        if status != 200:
            said = f"{found.get('error', '')} {found.get('error_description', '')}".strip()[:300]
            raise FetchError(f"{url}: status {status} {said}".rstrip(), status, said)
        if not found:
            raise FetchError(f"{url}: the answer is no JSON object")
        return found

    async def _bytes(
        self, method: bytes, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        fields = Headers({"Accept": ["application/json"], "User-Agent": ["tsgateway"]})
        for name, value in headers.items():
            fields.setRawHeaders(name, [value])
        producer = None if body is None else _producer(body)
        response = await self._agent.request(method, url.encode(), fields, producer)
        if response.length is not UNKNOWN_LENGTH and response.length > MAX_ANSWER:
            response._transport.abortConnection()
            raise FetchError(f"{url}: the answer is larger than {MAX_ANSWER} bytes")
        collected = _Collected(url)
        response.deliverBody(collected)
        return response.code, await collected.done


class _Collected(Protocol):
    """Keeps a body up to its largest size."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._parts: list[bytes] = []
        self._size = 0
        self.done: Deferred[bytes] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:
        """Twisted: a part has come."""
        self._size += len(data)
        if self._size > MAX_ANSWER:
            self._abort()
            if not self.done.called:
                self.done.errback(FetchError(f"{self._url}: the answer is larger than {MAX_ANSWER} bytes"))
            return
        self._parts.append(data)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # type: ignore[no-untyped-call] # noqa: B008
        """Twisted: that was all."""
        if not self.done.called:
            self.done.callback(b"".join(self._parts))  # JSON that was cut off is none

    def _abort(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            getattr(transport, "abortConnection", transport.loseConnection)()


def _producer(body: bytes) -> Any:
    return FileBodyProducer(io.BytesIO(body))  # type: ignore[no-untyped-call]


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _why(error: Exception) -> str:
    """Return what went wrong; the HTTP client wraps it in lists of failures."""
    inner = getattr(error, "reasons", None)
    if inner:
        return "; ".join(_why(each.value) for each in inner)
    return f"{type(error).__name__} {error}".strip()[:300]


def _trusted(ca_file: Path | None) -> Any:
    if ca_file is None:
        return platformTrust()  # type: ignore[no-untyped-call]
    try:
        text = ca_file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"ca_file {ca_file} cannot be read: {error}") from None
    end = "-----END CERTIFICATE-----"
    pems = [part + end for part in text.split(end) if "-----BEGIN CERTIFICATE-----" in part]
    if not pems:
        raise SettingsWrong(f"ca_file {ca_file} has no certificate")
    load: Any = Certificate.loadPEM
    trust: Any = trustRootFromCertificates
    return trust([load(pem) for pem in pems])
