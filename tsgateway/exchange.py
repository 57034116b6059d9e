"""HTTP requests and responses as plain values, between the transport that carries them and the API.

ApiError    ends a request; becomes {"error": {"code", "message", "reference"}}
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

COOKIE = "__Host-tsgateway"
"""The sign-in's cookie."""
RAW = "application/octet-stream"
"""The type of bodies that are pieces of files; only these may be large."""


@dataclass(frozen=True)
class Request:
    """One request.

    headers: by small-letter name, the first of each; address: the client's; cookie: the value of `COOKIE`.
    query: what follows the path, the first of each name; local: the system's name of who runs the process at
    the other end of the gateway's own socket, None for whoever comes over the network.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    address: str
    cookie: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    local: str | None = None


@dataclass(frozen=True)
class Response:
    """One answer. Headers that every answer has are added by the transport.

    person: who has signed in and sent the request; "" for a stranger. stream: what follows the body, piece by
    piece, until it ends or the client goes; the length is not told then.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    person: str = ""
    stream: AsyncIterator[bytes] | None = None


class ApiError(Exception):
    """The request ends with this status; `message` is a sentence for the person.

    code: snake_case, for programs; more: further members of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.more = more

    def response(self, reference: str | None = None) -> Response:
        """Return the answer."""
        error = {"code": self.code, "message": str(self)}
        if reference is not None:
            error["reference"] = reference
        return json_response({"error": error, **self.more}, self.status, self.headers)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `value` as JSON, not to be cached."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    kind = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return Response(status, body, {**kind, **(headers or {})})
