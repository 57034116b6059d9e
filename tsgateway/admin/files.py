"""Files of whoever runs the commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tsgateway.admin.errors import WrongUse


def read_toml(path: Path, most: int) -> Mapping[str, Any]:
    """Return what a TOML file of at most so many bytes says. Raises WrongUse."""
    import tomllib  # slow to import

    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise WrongUse(f"{path}: more than {most} bytes", code="bad_file")
        return tomllib.loads(data.decode())
    except OSError as error:
        raise WrongUse(f"{path}: {os.strerror(error.errno or 0)}", code="bad_file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongUse(f"{path}: not valid TOML: {error}", code="bad_file") from None


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
