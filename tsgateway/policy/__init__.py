"""Who may do what."""

from tsgateway.policy.rules import Action, DesktopRight, Owned, Subject, authorize

__all__ = ["Action", "DesktopRight", "Owned", "Subject", "authorize"]
