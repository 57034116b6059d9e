"""`tsadmin whoami`, `login` and `logout`."""

from __future__ import annotations

from tsgateway.admin.command import Gateway, Said, command
from tsgateway.admin.place import Near
from tsgateway.admin.text import facts


@command("whoami", examples=(("tsadmin whoami", "who you are there, and what you may do"),))
def whoami(gateway: Gateway) -> Said:
    """Say which gateway is asked, as whom it knows you, and which roles you have."""
    where = gateway.place
    user = gateway.client.who_am_i()["user"]
    gateway_is = str(where.socket) if isinstance(where, Near) else where.server
    told = {"gateway": gateway_is, "user": user}
    if user is None:
        return Said(told, facts((("gateway", gateway_is), ("you are", "nobody it knows"))), status=5)
    roles = [
        f"{each['role']} of {each['desktop']}" if each["desktop"] else each["role"] for each in user["roles"]
    ]
    lines = facts(
        (
            ("gateway", gateway_is),
            ("you are", user["name"]),
            ("groups", ", ".join(user["groups"])),
            ("roles", ", ".join(roles)),
        )
    )
    return Said(told, lines)
