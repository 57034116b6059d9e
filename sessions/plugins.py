"""Plug-ins: in-tree variants and third parties' load the same way, by entry points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUPS = {
    "guest": "tsgateway.guests",
    "encoder": "tsgateway.encoders",
    "video": "tsgateway.videos",
    "authenticator": "tsgateway.authenticators",
}
"""Entry-point group of each kind of plug-in."""


class PluginError(Exception):
    """A plug-in is not installed or does not load; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One installed plug-in. error: why it does not load, or empty."""

    kind: str
    name: str
    origin: str
    error: str


@cache  # looking through every installed distribution is nothing to do for each viewer
def load(kind: str, name: str) -> Any:
    """Return the object that a plug-in's entry point names. Raises PluginError."""
    found = [point for point in entry_points(group=GROUPS[kind]) if point.name == name]
    if not found:
        known = ", ".join(sorted(point.name for point in entry_points(group=GROUPS[kind])))
        raise PluginError(f"there is no {kind} plug-in named {name!r}; installed are: {known or 'none'}")
    return _load(kind, found[0])


def installed() -> Iterator[Plugin]:
    """Yield every plug-in that is installed, having tried to load it."""
    for kind, group in GROUPS.items():
        for point in sorted(entry_points(group=group), key=lambda point: point.name):
            try:
                _load(kind, point)
                error = ""
            except PluginError as reason:
                error = str(reason)
            yield Plugin(kind, point.name, point.value, error)


def _load(kind: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # a third party's module may raise anything
        sentence = f"the {kind} plug-in {point.name!r} ({point.value}) does not load: {error}"
        raise PluginError(sentence) from error
