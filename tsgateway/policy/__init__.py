"""Who may do what."""

from tsgateway.policy.roles import ROLES, Action, Granted, Role
from tsgateway.policy.rules import DesktopRight, Gateway, Own, Owned, Subject, Target, authorize, covers

__all__ = [
    "ROLES", "Action", "DesktopRight", "Gateway", "Granted", "Own", "Owned", "Role", "Subject", "Target",
    "authorize", "covers",
]  # fmt: skip
