"""`tsadmin desktop` and `pool`: what is published, and what stands ready for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsgateway.admin.command import Gateway, Group, Said, command
from tsgateway.admin.text import table


@command(
    "list", examples=(("tsadmin desktop list", "desktops, whom they are given to, and who has sessions"),)
)
def list_desktops(gateway: Gateway) -> Said:
    """List the desktops that are published, and whom they are given to."""
    found = gateway.client.list_pools()["desktops"]
    if not found:
        return Said([], ["No desktop is published that you may see."])
    rows = [
        (each["desktop"], each["title"], each["kind"], each["in_use"], ", ".join(_given(each)) or "nobody")
        for each in found
    ]
    return Said(found, table("DESKTOP|TITLE|KIND|>SESSIONS|GIVEN TO", rows), head=True)


@command(
    "list", examples=(("tsadmin pool list", "how many guests stand ready, and what keeps them from it"),)
)
def list_pools(gateway: Gateway) -> Said:
    """List the desktops that have a pool.

    WANTED: guests that shall stand ready now; IN USE: sessions.
    """
    found = [
        each
        for each in gateway.client.list_pools()["desktops"]
        if each["wanted"] or each["max"] or each["ready"] or each["starting"] or each["trouble"]
    ]
    if not found:
        return Said([], ["No desktop has a pool."])
    rows = [
        (
            each["desktop"], each["wanted"], each["ready"], each["starting"], each["in_use"],
            each["max"] or "–", each["trouble"] or "none",
        )
        for each in found
    ]  # fmt: skip
    return Said(found, table("DESKTOP|>WANTED|>READY|>STARTING|>IN USE|>MAX|TROUBLE", rows), head=True)


def _given(desktop: Mapping[str, Any]) -> list[str]:
    return [*desktop["users"], *(f"group {name}" for name in desktop["groups"])]


desktop = Group("desktop", list_desktops, help="List the desktops that are published.")
pool = Group("pool", list_pools, help="See how many guests stand ready, and what keeps them from it.")
