"""Which gateway is asked, and with what: its own socket on its machine, or its address and a token.

What is given on the command line comes first, then the environment, then the profile that `tsadmin login`
made the default, then the gateway of this machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tsgateway.admin.errors import SignedOut
from tsgateway.admin.files import read_toml
from tsgateway.admin.profiles import Profile, Profiles
from tsgateway.places import default_data_directory, short_path

MAX_SIZE = 1024 * 1024
"""Bytes of the gateway's configuration."""
MAX_TOKEN = 1024
DEFAULT_PORT = 8443


@dataclass(frozen=True)
class Wanted:
    """What the command line and the environment say; "" for nothing.

    server: an address; profile: the name of one; token_file, ca_file: files; pin: SHA-256 of the gateway's
    certificate; config: the gateway's configuration, on its machine.
    """

    server: str = ""
    profile: str = ""
    token_file: str = ""
    ca_file: str = ""
    pin: str = ""
    config: str = ""


@dataclass(frozen=True)
class Near:
    """The gateway on this machine. socket: its own."""

    socket: Path


@dataclass(frozen=True)
class Far:
    """A gateway elsewhere. token: "" without one; ca_file: None for the system's; pin: "" for none."""

    server: str
    token: str = ""
    ca_file: str | None = None
    pin: str = ""


def place(wanted: Wanted) -> Near | Far:
    """Return whom to ask. Raises WrongUse, and SignedOut where a token is named that is not there."""
    if wanted.server or wanted.profile:
        return _far(wanted, _profile(wanted))
    if not wanted.config and (found := Profiles.read().default_profile()) is not None:
        return _far(wanted, found)
    return Near(local_socket(wanted.config))


def _profile(wanted: Wanted) -> Profile:
    profiles = Profiles.read()
    if wanted.profile:
        found = profiles.named(wanted.profile)
    else:
        found = profiles.of_server(wanted.server) or Profile("", wanted.server)
    return found


def _far(wanted: Wanted, profile: Profile) -> Far:
    token_file = wanted.token_file or profile.token_file
    return Far(
        server=wanted.server or profile.server,
        token=read_token(Path(token_file).expanduser()) if token_file else "",
        ca_file=wanted.ca_file or profile.ca_file or None,
        pin=wanted.pin or ("" if wanted.ca_file else profile.pin),
    )


def read_token(path: Path) -> str:
    """Return the first line of a token's file. Raises SignedOut where it cannot be read."""
    try:
        with path.open() as file:
            token = file.readline(MAX_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not a text"
        raise SignedOut(f"the token's file {path} cannot be read: {why}", code="no_token") from None
    if not token.isascii() or not token:
        raise SignedOut(f"there is no token in {path}", code="no_token")
    return token


def local_socket(config: str) -> Path:
    """Return the socket of the gateway with this configuration ("": all defaults). Raises WrongUse."""
    root = _data_directory(Path(config)) if config else default_data_directory()
    try:
        owner = root.stat().st_uid
    except OSError:
        owner = os.geteuid()
    return short_path(root, root / "api.sock", "api.sock", owner)


def local_address(config: str) -> str:
    """Return where a browser finds the gateway with this configuration. Raises WrongUse."""
    table = read_toml(Path(config), MAX_SIZE) if config else {}
    server = table.get("server")
    server = server if isinstance(server, dict) else {}
    origins = server.get("origins")
    if isinstance(origins, list) and origins and isinstance(origins[0], str):
        return origins[0]
    return f"https://localhost:{server.get('port', DEFAULT_PORT)}"


def local_certificate(config: str) -> Path:
    """Return the file of the certificate that the gateway with this configuration has. Raises WrongUse."""
    table = read_toml(Path(config), MAX_SIZE) if config else {}
    server = table.get("server")
    chosen = server.get("certificate") if isinstance(server, dict) else None
    if isinstance(chosen, str):
        return Path(config).parent / Path(chosen).expanduser()
    return (_data_directory(Path(config)) if config else default_data_directory()) / "certificate.pem"


def _data_directory(config: Path) -> Path:
    table = read_toml(config, MAX_SIZE)
    data = table.get("data")
    chosen = data.get("directory") if isinstance(data, dict) else None
    if not isinstance(chosen, str):
        return default_data_directory()
    return Path(os.path.abspath(config.parent / Path(chosen).expanduser()))
