"""The gateways somebody has signed in to: ~/.config/tsgateway/tsadmin.toml, which `tsadmin login` writes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsgateway.admin.errors import WrongUse
from tsgateway.admin.files import read_toml, toml, write_private

MAX_SIZE = 64 * 1024


@dataclass(frozen=True)
class Profile:
    """A gateway. server: its address; token_file, ca_file: absolute, or ""; pin: see place.Wanted.

    token_id: what the gateway calls the token.
    """

    name: str
    server: str
    token_file: str = ""
    ca_file: str = ""
    pin: str = ""
    token_id: str = ""


@dataclass(frozen=True)
class Profiles:
    """Those there are. default: the name of the one that is asked unless told otherwise, or ""."""

    folder: Path
    all: Mapping[str, Profile]
    default: str = ""

    @classmethod
    def read(cls) -> Profiles:
        """Return what the file says, nothing where there is none. Raises WrongUse."""
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "tsgateway"
        path = folder / "tsadmin.toml"
        if not path.exists():
            return cls(folder, {})
        return cls._of(folder, path, read_toml(path, MAX_SIZE))

    @classmethod
    def _of(cls, folder: Path, path: Path, table: Mapping[str, Any]) -> Profiles:
        tables = table.get("profiles", {})
        default = table.get("default", "")
        if not isinstance(tables, dict) or not isinstance(default, str):
            raise WrongUse(f"{path}: it has `default` and tables [profiles.NAME]", code="bad_file")
        found = {name: _profile(folder, path, name, each) for name, each in tables.items()}
        if default and default not in found:
            raise WrongUse(f"{path}: default: there is no profile {default!r}", code="bad_file")
        return cls(folder, found, default)

    def default_profile(self) -> Profile | None:
        """Return the default, if there is one."""
        return self.all.get(self.default)

    def named(self, name: str) -> Profile:
        """Return the one of a name. Raises WrongUse."""
        if name in self.all:
            return self.all[name]
        known = ", ".join(self.all) or "none yet; `tsadmin login` makes one"
        raise WrongUse(f"no profile {name!r}; there are: {known}", code="no_such_profile")

    def of_server(self, server: str) -> Profile | None:
        """Return the first one of an address."""
        wanted = server.rstrip("/")
        return next((each for each in self.all.values() if each.server.rstrip("/") == wanted), None)

    def with_one(self, profile: Profile, *, default: bool) -> Profiles:
        """Return these with one more, or one in the place of that of its name."""
        chosen = profile.name if default or not self.default else self.default
        return dataclasses.replace(self, all={**self.all, profile.name: profile}, default=chosen)

    def without(self, name: str) -> Profiles:
        """Return these without one."""
        rest = {key: each for key, each in self.all.items() if key != name}
        return dataclasses.replace(self, all=rest, default="" if self.default == name else self.default)

    def save(self) -> Path:
        """Write the file, for this user only; return where. Raises WrongUse."""
        tables = {
            name: {key: value for key, value in dataclasses.asdict(each).items() if value and key != "name"}
            for name, each in self.all.items()
        }
        default = {"default": self.default} if self.default else {}
        lines = toml({**default, "profiles": tables})
        path = self.folder / "tsadmin.toml"
        write_private(path, "\n".join([*lines, ""]))
        return path


def _profile(folder: Path, path: Path, name: str, table: Any) -> Profile:
    known = {field.name for field in dataclasses.fields(Profile)} - {"name"}
    texts = isinstance(table, dict) and all(isinstance(each, str) for each in table.values())
    if not texts or not set(table) <= known or "server" not in table:
        raise WrongUse(
            f"{path}: [profiles.{name}] needs server, and may have {', '.join(sorted(known - {'server'}))}; "
            "all are texts",
            code="bad_file",
        )
    files = {
        key: str(folder / Path(table[key]).expanduser())
        for key in ("token_file", "ca_file")
        if table.get(key)
    }
    return Profile(name, **{**table, **files})
