"""Files of whoever runs the commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tsgateway.admin.errors import WrongUse


def read_text(path: Path, most: int) -> str:
    """Return a file of UTF-8 of at most so many bytes. Raises WrongUse."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise WrongUse(f"{path}: more than {most} bytes", code="bad_file")
        return data.decode()
    except OSError as error:
        raise WrongUse(f"{path}: {os.strerror(error.errno or 0)}", code="bad_file") from None
    except UnicodeDecodeError as error:
        raise WrongUse(f"{path}: not UTF-8 text (byte {error.start})", code="bad_file") from None


def read_toml(path: Path, most: int) -> Mapping[str, Any]:
    """Return what a TOML file of at most so many bytes says. Raises WrongUse."""
    return read_toml_text(read_text(path, most), str(path))


def read_toml_text(text: str, where: str) -> Mapping[str, Any]:
    """Return what TOML says. where: it is from. Raises WrongUse."""
    import tomllib  # slow to import

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"{where}: not valid TOML: {error}", code="bad_file") from None


def toml(table: Mapping[str, Any], name: str = "") -> list[str]:
    """Return a table as lines of TOML: texts, numbers, lists of texts, and tables of those; no None."""
    import json  # a basic string of TOML, and a list of them, are written in the same way

    plain = {
        key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None
    }
    lines = [f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            inner = f"{name}.{_key(key)}" if name else _key(key)
            own = [line for line in toml(value, inner)]
            is_parent = bool(value) and all(isinstance(each, Mapping) for each in value.values())
            lines += own if is_parent else ["", f"[{inner}]", *own]
    return lines


def _key(name: str) -> str:
    import json

    return name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else json.dumps(name)


def write_private(path: Path, content: str) -> None:
    """Put a file in its place as a whole, readable for this user only. Raises WrongUse."""
    import tempfile  # slow to import, seldom needed

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # made with mode 0600
            file.write(content)
        os.replace(file.name, path)
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be written: {os.strerror(error.errno or 0)}", code="bad_file"
        ) from None
