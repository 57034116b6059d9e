"""From a TOML file to a `Config`, with errors that name the file, the line, the key and what is right."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tsgateway.config.authenticators import KINDS, Authenticator, OtherSection
from tsgateway.config.models import Config

MAX_SIZE = 1024 * 1024
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_.\- ]|"[^"]*"|'[^']*')+?)\s*=""")
_PASSWORD = re.compile(r"(://[^/@]*?:|password=)[^/@&]*(@|&|$)")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and what would be right."""


def load(path: Path | None) -> Config:
    """Read the file (None: only defaults). Raises ConfigError."""
    if path is None:
        return Config()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {os.strerror(error.errno or 0)}") from None
    if len(data) > MAX_SIZE:
        raise ConfigError(f"{path}: more than {MAX_SIZE} bytes; this is not a configuration file")
    try:
        text = data.decode()
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    _resolve_paths(table, path.parent)
    return _validate(table, path, text)


def _resolve_paths(table: dict[str, Any], folder: Path) -> None:
    """Take relative paths in the file as relative to the file."""
    places = [
        ("server", "certificate"),
        ("server", "key"),
        ("data", "directory"),
        ("data", "images"),
        ("data", "database_password_file"),
        ("metrics", "token_file"),
        ("audit", "syslog_ca"),
    ]
    desktops = table.get("desktops")
    sections = [(table.get(section), key) for section, key in places]
    if isinstance(desktops, dict):
        sections += [(desktop, "password_file") for desktop in desktops.values()]
    authenticators = table.get("authenticators")
    if isinstance(authenticators, dict):
        files = ("ca_file", "bind_password_file", "client_secret_file")
        sections += [(each, key) for each in authenticators.values() for key in files]
    for section, key in sections:
        if isinstance(section, dict) and isinstance(section.get(key), str) and section[key][:1] != "~":
            section[key] = str(folder / section[key])


def _validate(table: dict[str, Any], path: Path, text: str) -> Config:
    try:
        config = Config.model_validate(table)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(detail, path, text) for detail in error.errors())) from None
    if (config.server.certificate is None) != (config.server.key is None):
        line = _line(text, ("server", "certificate")) or _line(text, ("server", "key"))
        raise ConfigError(
            f"{path}, line {line}: server.certificate and server.key belong together: "
            "give both, or neither for a self-signed certificate"
        )
    return config


def _sentence(detail: ErrorDetails, path: Path, text: str) -> str:
    location = _without_kind(detail["loc"])
    keys = tuple(str(part) for part in location if part != "[key]")
    line = _line(text, keys)
    where = f"{path}, line {line}" if line else str(path)
    name = ".".join(keys)
    if detail["type"] == "extra_forbidden":
        known = _names_at(Config, detail["loc"][:-1])
        near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
        return f'{where}: unknown key "{name}"; {hint}'
    if detail["type"] == "missing":
        return f'{where}: "{name}" is missing'
    if detail["type"] == "string_pattern_mismatch":
        return f'{where}: "{name}": use small letters, digits and "-", at most 32 characters'
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{where}: {name} = {_shown(detail['input'])}: {message}"


def _shown(value: Any) -> str:
    if isinstance(value, str) and "://" in value:
        value = _PASSWORD.sub(r"\1…\2", value)
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= 80 else text[:77] + "…"


def _without_kind(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Leave out what tells one kind of authenticator from another: no key of the file."""
    return location[:2] + location[3:] if location[:1] == ("authenticators",) else location


def _names_at(model: type[BaseModel], location: Iterable[int | str]) -> list[str]:
    parts = iter(location)
    for part in parts:
        field = model.model_fields.get(str(part))
        kind: Any = None if field is None else field.annotation
        if get_origin(kind) is dict:  # by names that people choose
            kind = get_args(kind)[1]
            next(parts, None)
            kind = KINDS.get(str(next(parts, None)), OtherSection) if kind is Authenticator else kind
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return list(model.model_fields)


def _line(text: str, keys: tuple[str, ...]) -> int | None:
    """Find where a dotted key is set: the longest part of it that the text names.

    A plain scan for tables and assignments; multi-line strings may fool it into a wrong line, no more.
    """
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            here = table = _parts(found[1])
        elif found := _KEY.match(line):
            here = table + _parts(found[1])
        else:
            continue
        if here == keys[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple("".join(groups) for groups in _PART.findall(dotted))
