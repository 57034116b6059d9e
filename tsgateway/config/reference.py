"""docs/configuration.md, written from the models.

`python -m tsgateway.config.reference > docs/configuration.md`
"""

from __future__ import annotations

import sys
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tsgateway.config.authenticators import LdapSection, OidcSection
from tsgateway.config.models import Config, Desktop, QemuSection
from tsgateway.config.pools import PoolSection

_INTRODUCTION = """\
# Configuration

The gateway needs no configuration file: every option has a default. To change something, write one TOML
file and start with `tsgateway serve --config FILE`. Relative paths are relative to the file. A key that is
not listed here is refused, with its line and the nearest known name.

This page is generated from the models in `tsgateway/config/`.
"""

_EXAMPLE = """\
## Example

```toml
[server]
listen = "0.0.0.0"
origins = ["https://desk.example.org:8443"]
certificate = "/etc/tsgateway/fullchain.pem"
key = "/etc/tsgateway/key.pem"

[desktops.linux]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
groups = ["users"]

[desktops.office-pc]
title = "Office PC"
description = "The machine under the desk, through its VNC server"
kind = "rfb"
host = "192.0.2.7"
port = 5900
password_file = "/etc/tsgateway/office-pc.password"
users = ["ada"]
```
"""


def markdown() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for name, field in Config.model_fields.items():
        if name == "desktops":
            parts.append(_section("desktops.ID", Desktop, _DESKTOPS))
            parts.append(_section("desktops.ID.pool", PoolSection))
        elif name == "authenticators":
            parts.append(_section("authenticators.NAME (ldap)", LdapSection, _AUTHENTICATORS))
            parts.append(_section("authenticators.NAME (oidc)", OidcSection))
        elif name == "guests":
            parts.append(_section("guests.qemu", QemuSection))
        else:
            parts.append(_section(name, _model(field)))
    return "\n".join([*parts, _EXAMPLE])


_DESKTOPS = """
`ID` is the name the desktop has in addresses: small letters, digits and `-`. A desktop that names no user
and no group is shown to nobody. Every account is in the group `users`; those made with `--admin` are in
`administrators` too. When the file has no desktop at all, there are two: `desktop` (kind `qemu`, template
`desktop`, for the group `users`) and `testcard` (for the group `administrators`).
"""


_AUTHENTICATORS = """
`NAME` is one that you choose: small letters, digits and `-`. [sign-in.md](sign-in.md) has examples for
Active Directory, Keycloak and Entra ID.
"""


def _model(field: FieldInfo) -> type[BaseModel]:
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return field.annotation
    raise TypeError(f"not a section: {field.annotation}")


def _section(name: str, model: type[BaseModel], more: str = "") -> str:
    rows = [
        f"| `{key}` | {_default(field)} | {_limits(field)}{field.description} |"
        for key, field in model.model_fields.items()
    ]
    about = (model.__doc__ or "").strip()
    return "\n".join(
        [f"## [{name}]", "", about, more, "| key | default | meaning |", "|---|---|---|", *rows, ""]
    )


def _default(field: FieldInfo) -> str:
    extra: Any = field.json_schema_extra
    if extra:
        return str(extra["shown_default"])
    if field.is_required():
        return "(required)"
    default = field.get_default()
    if default is None:
        return "–"
    if isinstance(default, str):
        return f'`"{default!s}"`'
    return "`[]`" if default == () else f"`{default}`"


def _limits(field: FieldInfo) -> str:
    low = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    if low is not None and high is not None:
        return f"{low} to {high}. "
    return f"At most {high}. " if high is not None else ""


if __name__ == "__main__":
    sys.stdout.write(markdown())
