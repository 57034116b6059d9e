"""GET /healthz and /readyz: whether the gateway lives, and whether people can be served. For programs.

Strangers may ask, so nothing is told beyond what kind of thing is wrong; the log and the metrics tell more.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tsgateway.exchange import Request, Response, json_response

HEALTH, READY = "/healthz", "/readyz"
KEEP = 2.0
"""Seconds that an answer holds: who asks more often hears the same."""
MIN_FREE = 64 * 1024 * 1024
"""Bytes that have to be free where the data directory is."""

WRONG = {
    "database": "The database cannot be used: nobody can sign in.",
    "hosts": "No session host takes sessions: one that is down is started again and again.",
    "disk": "The disk of the data directory is nearly full.",
    "audit": "The audit cannot be written: events wait, and will be lost when there are too many.",
}
"""What can be wrong, in words for whoever asks."""


Check = Callable[[], Awaitable[bool] | bool]
"""Whether one thing is as it should be; may raise when it is not."""


class Readiness:
    """Answers both. checks: by their names in `WRONG`; reactor: for its clock."""

    def __init__(self, checks: dict[str, Check], reactor: Any) -> None:
        self._checks = checks
        self._seconds: Callable[[], float] = reactor.seconds
        self._asked = float("-inf")
        self._wrong: list[str] = []

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises."""
        if request.path == HEALTH:
            return json_response({"status": "ok"})
        wrong = await self.wrong()
        if not wrong:
            return json_response({"status": "ready", "problems": []})
        problems = [{"what": each, "message": WRONG[each]} for each in wrong]
        return json_response({"status": "not ready", "problems": problems}, 503, {"Retry-After": "5"})

    async def wrong(self) -> list[str]:
        """Return what is wrong now, or was a moment ago."""
        now = self._seconds()
        if now - self._asked >= KEEP:
            self._asked = now
            self._wrong = [name for name, check in self._checks.items() if not await _holds(check)]
        return self._wrong


async def _holds(check: Check) -> bool:
    try:
        found = check()
        return found if isinstance(found, bool) else await found
    except Exception:  # whatever it is, it is not as it should be
        return False


def has_room(folder: Path) -> bool:
    """Tell whether there is room on a folder's disk. Raises OSError."""
    return shutil.disk_usage(folder).free >= MIN_FREE
