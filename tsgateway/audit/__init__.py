"""The audit: what happened, who did it and where from, in files that show whether they were tampered with."""

from tsgateway.audit.base import Event, Journal

__all__ = ["Event", "Journal"]
