"""What is noted, and where to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth knowing later. All texts are clipped to the limits of `tsgateway/audit/chain.py`.

    kind: dotted, as in `session.began`; who: the person, "" when nobody knows; address: the client's;
    target: what it was done to, as in `session:ID` or `desktop:NAME`; outcome: one word, as in `allowed`.
    details: what else there is; values that JSON has no word for are written as text. Never a secret.
    """

    kind: str
    who: str = ""
    address: str = ""
    target: str = ""
    outcome: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Journal(Protocol):
    """Takes events in.

    Called on the reactor's thread by whoever has something to note, in the order in which it happened.
    """

    def note(self, event: Event) -> None:
        """Note an event, now. Never raises and never blocks: it is written a moment later."""
