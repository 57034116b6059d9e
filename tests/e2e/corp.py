"""A gateway whose people may sign in by a provider of OpenID Connect, which it calls `corp`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.gateway import RealGateway
from tests.openid import CLIENT, SECRET, OpenId

CORP = """
[authenticators.corp]
kind = "oidc"
title = "{title}"
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "{secret}"
ca_file = "{authority}"
create = true
"""


@contextmanager
def gateway_of_corp(desktops: str, title: str, folder: Path) -> Iterator[RealGateway]:
    """Run both. desktops: as for `RealGateway`; folder: for what the gateway is to know of the provider."""
    provider = OpenId()
    try:
        provider.start()
        secret = folder / "secret"
        secret.write_text(SECRET)
        corp = CORP.format(
            title=title,
            issuer=provider.issuer,
            client=CLIENT,
            secret=secret,
            authority=provider.authority.file,
        )
        made = RealGateway(desktops + corp)
        try:
            yield made
        finally:
            made.stop()
    finally:
        provider.remove()
