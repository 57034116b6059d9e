"""The API described by itself: OpenAPI 3.1, made from the table of routes.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tsgateway.api.route import Answer, Call, May, Model, Open, Route, SignedIn, Stranger
from tsgateway.exchange import COOKIE, RAW, json_response

if TYPE_CHECKING:
    from tsgateway.api.api import Api

REF = "#/components/schemas/{model}"


class Error(Model):
    """What went wrong: code for programs, message for people, reference for the administrator's log."""

    code: str
    message: str
    reference: str | None = None


class Failed(BaseModel):
    """The answer to a request that was not carried out."""

    error: Error


async def describe(api: Api, call: Call) -> Answer:
    """Describe the API."""
    return json_response(openapi(api.routes))


@functools.lru_cache(maxsize=4)
def openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the description of these routes."""
    models = {
        model for route in routes for model in (route.body, route.query, route.answer) if model is not None
    }
    named = sorted(models | {Failed}, key=lambda model: (model.__name__, model.__module__))
    _check_names(named)
    refs, schemas = models_json_schema([(model, "validation") for model in named], ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tsgateway",
            "version": importlib.metadata.version("tsgateway"),
            "summary": "Terminal services: desktops, sessions, and who may do what.",
            "description": "Times are Unix times in seconds. Ids of sessions may be replaced by their "
            "numbers. Members that are added later do not change the version in the path.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": topic} for topic in dict.fromkeys(route.topic for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "signIn": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "token": {"type": "http", "scheme": "bearer", "description": "Made by POST /api/v1/tokens."},
            },
        },
    }


def _check_names(models: Sequence[type[BaseModel]]) -> None:
    names = [model.__name__ for model in models]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"several models are called {', '.join(sorted(twice))}")


def _operation(route: Route, refs: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.topic],
        "summary": route.summary,
        "description": inspect.getdoc(route.function) or route.summary,
        "parameters": [*_path(route), *_query(route)],
        "responses": _responses(route, refs),
        "security": [] if isinstance(route.needs, Open | Stranger) else [{"signIn": []}, {"token": []}],
    }
    if isinstance(route.needs, May):
        told["x-action"] = route.needs.action.value
    if route.body is not None:
        content = {"application/json": {"schema": refs[route.body, "validation"]}}
        told["requestBody"] = {"required": True, "content": content}
    if route.raw:
        bytes_only = {"schema": {"type": "string", "format": "binary"}}
        told["requestBody"] = {"required": True, "content": {RAW: bytes_only}}
    return told


def _path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": about}
        for name, about in schema["properties"].items()
    ]


def _responses(route: Route, refs: Mapping[Any, Any]) -> dict[str, Any]:
    if route.stream:
        good: dict[str, Any] = {"200": {"description": "A stream.", "content": {route.stream: {}}}}
    elif route.answer is None:
        good = {"204": {"description": "Done."}}
    else:
        content = {"application/json": {"schema": refs[route.answer, "validation"]}}
        about = inspect.getdoc(route.answer) or "The answer."
        good = {"200": {"description": about, "content": content}}
    failed = {"application/json": {"schema": refs[Failed, "validation"]}}
    bad = {"400": "The request is not as described here."} if route.body or route.query else {}
    if isinstance(route.needs, SignedIn | May):
        bad["401"] = "Nobody has signed in, or the token is not good."
    if isinstance(route.needs, May):
        bad["403"] = "One may not do this."
    if "{" in route.path:
        bad["404"] = "There is nothing of that name, or one may not know of it."
    return good | {
        status: {"description": text, "content": failed}
        for status, text in {**bad, "default": "It cannot be done; the message says why."}.items()
    }


ROUTES = (Route("GET", "/api/openapi.json", describe, "Describe the API", Open(), stream="application/json"),)
