"""What a session tells beside its state: events of the session link (wire/link)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Told = Callable[[str, Mapping[str, Any]], None]
"""Takes an event's name and its params."""
