"""Sessions and their times, for `tsadmin top`: asked for again and again, in turn where there are many."""

from __future__ import annotations

import math
import time
from typing import Any

from tsgateway.admin import asking, overview
from tsgateway.admin.overview import Row
from tsgateway.client import Client, ClientError, ServerAway


class Gauge:
    """Keeps what was told of each session last."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stages: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, float] = {}

    def look(self, within: float = math.inf) -> list[Row]:
        """Return all sessions, and their times as known. Raises ClientError.

        within: seconds for asking about times, of one session at least; the one that was not asked about for
        longest comes first.
        """
        sessions = asking.sessions(self._client, idle=True)
        seen = {each["id"] for each in sessions if each["viewers"]}
        self._stages = {key: stages for key, stages in self._stages.items() if key in seen}
        self._asked = {key: at for key, at in self._asked.items() if key in seen}
        end = time.monotonic() + within
        for session in sorted(seen, key=lambda each: self._asked.get(each, 0.0)):
            self._ask(session)
            if time.monotonic() >= end:
                break
        return [overview.row(each, self._stages.get(each["id"])) for each in sessions]

    def _ask(self, session: str) -> None:
        self._asked[session] = time.monotonic()
        try:
            self._stages[session] = self._client.session_statistics(session)["stages"]
        except ServerAway:
            raise
        except ClientError:  # it has ended, or one may not know
            self._stages.pop(session, None)
