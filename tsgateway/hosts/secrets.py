"""What a session host is told of a desktop, its password included."""

from __future__ import annotations

import os
from typing import Any

from twisted.logger import Logger

from tsgateway.config import Desktop
from tsgateway.hosts.link import HostError

log = Logger()


def spec_with_secrets(desktop: Desktop) -> dict[str, Any]:
    """Return what the host is told. Passwords go over the link only, not in its settings or arguments."""
    if desktop.password_file is None:
        return desktop.spec
    try:
        with desktop.password_file.open() as file:
            password = file.readline(1024).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not UTF-8"
        log.error("{path}: cannot be read: {why}", path=desktop.password_file, why=why)
        raise HostError("This desktop's password file cannot be read. Ask the administrator.") from None
    return {**desktop.spec, "password": password}
