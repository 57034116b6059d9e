"""`python -m bench.api`: what the API's list of sessions costs the gateway, with 1,000 of them.

The time from a request to its answer, in this process, without network and TLS: who asks is looked up, every
session is asked about with authorize(), and the list is written as JSON. The least of several runs: other
programs disturb upwards only. Beside it, as a measure of the machine: writing the same list as JSON alone.
"""

from __future__ import annotations

import argparse
import json
import time
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.defer import Deferred

from sessions.wire.tsg import SessionState
from tsgateway.api.api import Api
from tsgateway.api.counting import Counts
from tsgateway.api.hub import Events
from tsgateway.api.routes import ROUTES
from tsgateway.config import Config
from tsgateway.exchange import Request, Response
from tsgateway.hosts.directory import Session
from tsgateway.hosts.sessions import Sessions
from tsgateway.policy import Granted, Role, Subject

RUNS = 20


def directory(config: Config, count: int) -> Sessions:
    """A directory that this many sessions were told to."""
    sessions = Sessions(config.desktops, config.sessions)
    host: Any = SimpleNamespace(number=0)
    for number in range(1, count + 1):
        info = {
            "session": f"{number:032x}", "number": number, "user": f"person{number % 200}",
            "desktop": "desktop" if number % 3 else "testcard", "title": "Linux desktop", "kind": "qemu",
            "state": SessionState.ACTIVE, "viewers": 1, "started": 1.9e9, "since": 1.9e9 + number,
            "idle_since": 1.9e9 + number, "progress": 100, "text": "",
        }  # fmt: skip
        sessions.put(Session(info, host))
    return sessions


def measure(count: int) -> tuple[float, float, int]:
    """Return seconds for one list, seconds for writing it as JSON alone, and its bytes."""
    config = Config()
    who = Subject("ruth", frozenset({"users"}), frozenset({Granted(Role.HELPDESK)}))

    class Known:
        async def known(self, token: bytes) -> tuple[Subject, bool]:
            return who, False

    nothing = cast(Any, None)
    api = Api(
        routes=ROUTES, config=config, layout=nothing, store=nothing, access=nothing, files=nothing,
        sign_in=nothing, bearers=cast(Any, Known()), sessions=directory(config, count), opening=nothing,
        doorkeeper=nothing, origins=(), wall=time.time, events=cast(Events, nothing), desk=nothing,
        audit=nothing, clock=time.monotonic, counts=Counts(),
    )  # fmt: skip
    token = {"authorization": "Bearer tsg_" + "x" * 43}
    request = Request("GET", "/api/v1/sessions", token, b"", "192.0.2.1")
    best, floor, size = 1e9, 1e9, 0
    for _ in range(RUNS):
        begun = time.perf_counter()
        answered: Deferred[Response] = Deferred.fromCoroutine(api.answer(request))
        best = min(best, time.perf_counter() - begun)
        response = cast(Response, answered.result)
        listed = json.loads(response.body)
        if response.status != 200 or len(listed["sessions"]) != count:
            raise SystemExit(f"the list is wrong: {response}")
        begun = time.perf_counter()
        size = len(json.dumps(listed, separators=(",", ":")))
        floor = min(floor, time.perf_counter() - begun)
    return best, floor, size


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sessions", type=int, default=1000)
    count = parser.parse_args().sessions
    best, floor, size = measure(count)
    print(
        f"{count} sessions: {best * 1e3:.1f} ms, {size / 1e3:.0f} kB; "
        f"{best / floor:.1f} times what writing its JSON takes ({floor * 1e3:.1f} ms)"
    )


if __name__ == "__main__":
    main()
