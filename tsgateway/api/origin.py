"""Which of the gateway's addresses a client uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsgateway.api.route import Call

if TYPE_CHECKING:
    from tsgateway.api.api import Api


def origin(api: Api, call: Call) -> str:
    """Return the origin that the client uses, if it is one of ours; else the first that is configured."""
    used = f"https://{call.request.headers.get('host', '').lower()}"
    return used if used in api.origins else [*api.config.server.origins, *api.origins][0]
