"""Writes the typed client's operations: `python -m tsgateway.api.client_source > FILE`."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from tsgateway.api.description import openapi
from tsgateway.api.route import Route
from tsgateway.api.routes import ROUTES

HEAD = '''"""The operations of the API, made from its routes (api/client_source). Not to be edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast
from urllib.parse import quote

from tsgateway.client.unset import UNSET, Unset


def _segment(text: object) -> str:
    return quote(str(text), safe="")
'''
CLASS = '''

class Operations:
    """One method for each route; a subclass knows how to ask. Every one raises ClientError."""

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        raise NotImplementedError

    def _read(self, method: str, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        raise NotImplementedError

    def _put(self, method: str, path: str, data: bytes, query: Mapping[str, Any] | None = None) -> Any:
        raise NotImplementedError

    def _lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        raise NotImplementedError
'''
LINES = ("text/event-stream", "application/x-ndjson", "application/jsonl", "text/plain")
"""Streams that are read by lines."""
_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def source(routes: Sequence[Route]) -> str:
    """Return the module."""
    described = openapi(tuple(routes))
    schemas = described["components"]["schemas"]
    needed = _needed(routes, schemas)
    parts = [HEAD, *(_typed_dict(name, schemas[name]) for name in sorted(needed)), CLASS]
    parts += [_method(route, described) for route in routes]
    return "".join(parts)


def _needed(routes: Sequence[Route], schemas: Mapping[str, Any]) -> set[str]:
    """Return the models that answers and bodies have in them."""
    found: set[str] = set()

    def add(about: Any) -> None:
        for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(about)):
            if name not in found:
                found.add(name)
                add(schemas[name])

    for route in routes:
        if route.answer is not None:
            add({"$ref": f"#/components/schemas/{route.answer.__name__}"})
        if route.body is not None:
            add(schemas[route.body.__name__].get("properties", {}))
    return found


def _typed_dict(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    lines = [f"\n\nclass {name}(TypedDict):", *_doc(schema.get("description", name), 4)]
    for key, about in schema.get("properties", {}).items():
        kind = _type(about)
        lines.append(f"    {key}: {kind if key in required else f'NotRequired[{kind}]'}")
    return "\n".join(lines) + "\n"


def _type(about: Mapping[str, Any]) -> str:
    match about:
        case {"$ref": str(name)}:
            kind = name.rpartition("/")[2]
        case {"const": value}:
            kind = f"Literal[{value!r}]"
        case {"enum": values}:
            kind = f"Literal[{', '.join(map(repr, values))}]"
        case {"anyOf": kinds}:
            kind = " | ".join(dict.fromkeys(map(_type, kinds)))
        case {"type": "array"}:
            kind = f"list[{_type(about.get('items', {}))}]"
        case {"type": "object"}:
            extra = about.get("additionalProperties")
            kind = f"dict[str, {_type(extra) if isinstance(extra, Mapping) else 'Any'}]"
        case {"type": str(simple)}:
            kind = _SIMPLE[simple]
        case _:
            kind = "Any"
    return kind


def _method(route: Route, described: Mapping[str, Any]) -> str:
    about = described["paths"][route.path][route.method.lower()]
    places = [each["name"] for each in about["parameters"] if each["in"] == "path"]
    queries = {each["name"]: each for each in about["parameters"] if each["in"] == "query"}
    body = {} if route.body is None else described["components"]["schemas"][route.body.__name__]
    arguments = [f"{name}: object" for name in places] + ["data: bytes"] * route.raw
    named = [_argument(name, each["schema"], each["required"]) for name, each in queries.items()]
    required = body.get("required", ())
    named += [_argument(key, each, key in required) for key, each in body.get("properties", {}).items()]
    arguments += ["*", *sorted(named, key=lambda each: "=" in each)] if named else []
    path = re.sub(r"\{(\w+)\}", r"{_segment(\1)}", route.path)
    call = [f'{"f" if places else ""}"{path}"', *["data"] * route.raw]
    if queries:
        call.append(f"query={{{', '.join(f'{json.dumps(name)}: {name}' for name in queries)}}}")
    if body:
        names = ", ".join(f"{json.dumps(name)}: {name}" for name in body.get("properties", {}))
        call.append(f"body={{{names}}}")
    answer, does = _does(route, ", ".join(call))
    lines = [
        f"\n    def {route.name}({', '.join(['self', *arguments])}) -> {answer}:",
        *_doc(about["description"], 8),
        f"        {does}",
    ]
    return "\n".join(lines) + "\n"


def _argument(name: str, about: Mapping[str, Any], is_required: bool) -> str:
    kind = _type(about)
    return f"{name}: {kind}" if is_required else f"{name}: {kind} | Unset = UNSET"


def _does(route: Route, call: str) -> tuple[str, str]:
    if route.stream in LINES:
        return "Iterator[str]", f"return self._lines({call})"
    if route.stream == "application/json":
        return "dict[str, Any]", f'return cast("dict[str, Any]", self._ask("{route.method}", {call}))'
    if route.stream:
        return "bytes", f'return self._read("{route.method}", {call})'
    if route.answer is None:
        return "None", f'self._ask("{route.method}", {call})'
    name, ask = route.answer.__name__, "_put" if route.raw else "_ask"
    return name, f'return cast("{name}", self.{ask}("{route.method}", {call}))'


def _doc(text: str, indent: int) -> list[str]:
    lines = textwrap.dedent(text).strip().splitlines()
    space = " " * indent
    if len(lines) == 1:
        return [f'{space}"""{lines[0]}"""']
    return [f'{space}"""{lines[0]}', *(f"{space}{line}".rstrip() for line in lines[1:]), f'{space}"""']


if __name__ == "__main__":
    sys.stdout.write(source(ROUTES))
