"""Where a gateway's files are, for those who read its whole configuration and those who must be quick."""

from __future__ import annotations

import os
from pathlib import Path

MAX_SOCKET_PATH = 107
"""Longest path of a Unix socket, bytes (unix(7): sun_path holds 108 with its end)."""


def default_data_directory() -> Path:
    """Return the data directory of a configuration that names none."""
    if os.geteuid() == 0 and "XDG_DATA_HOME" not in os.environ:
        return Path("/var/lib/tsgateway")
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "tsgateway"


def short_path(root: Path, path: Path, name: str, user: int) -> Path:
    """Return where a socket of a data directory is that belongs into `path`: elsewhere, if that is too long.

    name: what it is called then; user: the id of the user the gateway runs as.
    """
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    import hashlib  # slow to import, seldom needed
    import tempfile

    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tsgateway-{user}-{digest}" / name
