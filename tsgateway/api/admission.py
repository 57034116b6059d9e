"""Policies at the way in: a desktop is opened only where they allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsgateway.access.desk import context_of
from tsgateway.api.route import Call
from tsgateway.exchange import ApiError, Response

if TYPE_CHECKING:
    from tsgateway.api.api import Api

DENIED = (
    "You may not open this desktop from here or at this time. An administrator can tell why; reference {}."
)


class PolicyDenied(ApiError):
    """Policies do not allow it; an administrator can look the reference number up."""

    def __init__(self, reference: str) -> None:
        super().__init__(403, "policy_denied", DENIED.format(reference))
        self._reference = reference

    def response(self, reference: str | None = None) -> Response:
        """Return the answer."""
        return super().response(reference or self._reference)


async def admit(api: Api, call: Call, desktop: str) -> None:
    """Let policies decide whether who asks gets a desktop. Raises PolicyDenied, StoreUnavailable.

    It is decided again when the viewer attaches, which may be elsewhere and through another door.
    """
    door = "web" if "origin" in call.request.headers else "tsg"
    context = context_of(call.subject, call.request.address, door)
    decision = await api.desk.decide(context, desktop, again=True)
    if not decision.allowed:
        raise PolicyDenied(decision.reference)
