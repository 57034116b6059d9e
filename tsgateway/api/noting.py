"""What the API notes in the audit: every act that needed a right, and every refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from tsgateway.api.route import Call, Route
from tsgateway.audit import Event, Journal
from tsgateway.policy import DesktopRight, Own, Owned, Target

TOLD = frozenset(
    {
        "anybody", "ask", "control", "desktop", "desktops", "display_name", "enabled", "expires", "groups",
        "level", "minutes", "mode", "name", "read_only", "role", "roles", "seconds", "session", "sessions",
        "title", "user", "users", "uses", "viewer", "weight",
    }
)  # fmt: skip
"""Members of a request's body that are noted; of others, which may be secrets, only that they were given."""


def acts(journal: Journal) -> Callable[[Call, Route, Target, int], None]:
    """Return what the API calls for every act and every refusal."""

    def noted(call: Call, route: Route, target: Target, status: int) -> None:
        refused, failed = status == 403, status >= 400
        outcome = "refused" if refused else "failed" if failed else "done"
        details: dict[str, Any] = {"status": status, "method": call.subject.method}
        if isinstance(target, Owned):
            details["user"] = target.user
        if isinstance(call.body, BaseModel):
            details["given"] = _told(call.body)
        whose = "own" if _is_own(call, target) else "admin"
        name = f"{whose}.{route.name.replace('_', '-')}"
        address = call.request.address
        journal.note(Event(name, call.subject.name, address, _target(call, route, target), outcome, details))

    return noted


def _is_own(call: Call, target: Target) -> bool:
    """Whether people act on what belongs to them."""
    return isinstance(target, Own | Owned) and target.user == call.subject.name


def _target(call: Call, route: Route, target: Target) -> str:
    match target:
        case Owned():
            return f"session:{call.id}" if call.id else "session"
        case DesktopRight():
            return f"desktop:{target.id}"
        case Own():
            return f"user:{target.user}"
    parts = "/".join(call.parts.values())
    return f"{route.topic}:{parts}" if parts else route.topic


def _told(body: BaseModel) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True)
    return {name: value if name in TOLD else "given" for name, value in given.items()}
