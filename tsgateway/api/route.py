"""What a route of the JSON API is: an address, a function, and what one needs to call it.

Every topic has a module with its routes in a tuple `ROUTES`; `tsgateway/api/routes.py` joins them. A route
says what it needs: nothing asks less by leaving something out.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, ValidationError

from tsgateway.exchange import ApiError, Request, Response
from tsgateway.policy import Action, Gateway, Own, Subject, Target

if TYPE_CHECKING:
    from tsgateway.api.api import Api

NOBODY = Subject("", frozenset())
MAX_SEGMENT = 256
"""Characters of one {name} of a path."""


class Model(BaseModel):
    """What a request or an answer carries; members it does not name are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """What may stand behind a path: text, read as what each member is."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Call:
    """One request, checked.

    parts: what stood for each {name} of the path; subject: who asks; sign_in: by which sign-in, b"" where
    there is none (a token, a local process).
    """

    request: Request
    body: Any = None
    query: Any = None
    parts: Mapping[str, str] = field(default_factory=dict)
    subject: Subject = NOBODY
    sign_in: bytes = b""

    @property
    def id(self) -> str:
        """The {id} of the path."""
        return self.parts.get("id", "")


class Open(NamedTuple):
    """Anybody may call; who it is does not matter."""


class Stranger(NamedTuple):
    """Anybody may call; who has signed in is known."""


class SignedIn(NamedTuple):
    """One must have signed in. The function itself asks authorize() about everything it shows."""


class May(NamedTuple):
    """One must be allowed to do `action` to what `target` finds.

    target raises ApiError where there is nothing of that name.
    """

    action: Action
    target: Callable[[Api, Call], Awaitable[Target]]


Needs = Open | Stranger | SignedIn | May
Answer = Response | BaseModel | Mapping[str, Any] | None
"""A model or a mapping is sent as JSON with status 200, None as 204."""


class Route(NamedTuple):
    """One route. path: {name} stands for one segment; summary: a line for people.

    body, query, answer: what they have to be; answer is also what the generated client returns.
    stream: the answer's type of content where it is no JSON. raw: whether the request's body is bytes, one
    piece of many: the audit has no line for each.
    """

    method: str
    path: str
    function: Callable[[Api, Call], Awaitable[Answer]]
    summary: str
    needs: Needs
    body: type[Model] | None = None
    query: type[Query] | None = None
    answer: type[BaseModel] | None = None
    stream: str = ""
    raw: bool = False

    @property
    def name(self) -> str:
        """What it is called in the description and in the client."""
        return self.function.__name__

    @property
    def topic(self) -> str:
        """Its module, a chapter of the description."""
        return self.function.__module__.rpartition(".")[2]


async def on_gateway(api: Api, call: Call) -> Target:
    """Act on the gateway as a whole."""
    return Gateway()


async def on_own_account(api: Api, call: Call) -> Target:
    """Act on the account of who asks."""
    return Own(call.subject.name)


class Table:
    """Finds the route of a request."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._patterns = [(_pattern(route.path), route) for route in routes]

    def find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """Return the route and what its path names. Raises ApiError."""
        allowed = set()
        for pattern, route in self._patterns:
            if found := pattern.fullmatch(request.path):
                if request.method == route.method:
                    return route, {key: _segment(value) for key, value in found.groupdict().items()}
                allowed.add(route.method)
        if allowed:
            names = ", ".join(sorted(allowed))
            raise ApiError(405, "wrong_method", f"Use {names} here.", headers={"Allow": names})
        raise ApiError(404, "not_found", "There is nothing at this address.")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", rf"(?P<\1>[^/]{{1,{MAX_SEGMENT}}})", path))


def _segment(text: str) -> str:
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:
        value = ""
    if not value.isprintable() or not value:
        raise ApiError(404, "not_found", "There is nothing at this address.")
    return value


def parsed(model: type[Model], body: bytes) -> Model:
    """Return a body as its model. Raises ApiError."""
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise wrong(error, "the body") from None


def asked(model: type[Query], query: Mapping[str, str]) -> Query:
    """Return what stands behind a path as its model. Raises ApiError."""
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise wrong(error, "the query") from None


def wrong(error: ValidationError, whole: str) -> ApiError:
    """Return the answer to what a model refuses: where, and why."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return ApiError(400, "bad_request", f"{where}: {first['msg']}")
