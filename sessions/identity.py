"""What does not change about a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sessions.rules import Rules


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change about a session. spec: the desktop's table, see guests/base."""

    session: str
    desktop: str
    user: str
    title: str
    spec: Mapping[str, Any]
    rules: Rules = field(default_factory=Rules)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Identity:
        """Take it from a JSON table; one without rules has the usual ones.

        Raises KeyError, TypeError, ValueError.
        """
        return cls(
            str(table["session"]),
            str(table["desktop"]),
            str(table["user"]),
            str(table["title"]),
            dict(table["spec"]),
            Rules.read(table.get("rules", {})),
        )

    def info(self) -> dict[str, Any]:
        """Return what the SessionInfo of the session link says of it."""
        who = {"session": self.session, "desktop": self.desktop, "user": self.user, "title": self.title}
        return {**who, "kind": self.spec["kind"]}

    def table(self) -> dict[str, Any]:
        """Return it as a JSON table, which `read` takes."""
        return {**asdict(self), "rules": self.rules.table()}
