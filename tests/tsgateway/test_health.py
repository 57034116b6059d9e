"""GET /healthz and /readyz: what programs that watch the gateway are told, and what strangers are not."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from tests.tsgateway.support import World, until
from tsgateway.api.health import KEEP, WRONG, Readiness
from tsgateway.exchange import Request
from tsgateway.hosts.placement import HostState


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_runs_says_so_to_anybody(world: World):
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = await world.request("GET", path)
        assert (answer.status, answer.json["status"]) == (200, status)
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await world.request("POST", path, {})).status == 405


@pytest_twisted.ensureDeferred
async def test_what_is_wrong_is_told_and_no_more(world: World, monkeypatch):
    monkeypatch.setattr("tsgateway.api.health.KEEP", 0)
    monkeypatch.setattr("tsgateway.api.health.MIN_FREE", 1 << 60)
    trail = world.gateway.audit.trail
    trail._writing.stop()  # which would find that it can be written
    trail.trouble = f"The audit in {world.folder} cannot be written: full."
    answer = await world.request("GET", "/readyz")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert [each["what"] for each in answer.json["problems"]] == ["disk", "audit"]
    assert {each["message"] for each in answer.json["problems"]} <= set(WRONG.values())
    assert str(world.folder).encode() not in answer.body
    assert (await world.request("GET", "/healthz")).status == 200


@pytest_twisted.ensureDeferred
async def test_a_gateway_without_hosts_is_not_ready():
    world = World(host_command=("false",))
    world.gateway.layout.prepare()
    try:
        await world.gateway.start()
        await until(lambda: all(host.state is HostState.DOWN for host in world.hosts), "the hosts' failure")
        answer = await world.request("GET", "/readyz")
        assert [each["what"] for each in answer.json["problems"]] == ["hosts"]
    finally:
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_a_database_that_is_away_is_told(world: World, monkeypatch):
    monkeypatch.setattr("tsgateway.api.health.KEEP", 0)
    world.gateway._store.close()
    (world.gateway.layout.database).unlink()
    world.gateway.layout.database.mkdir()
    answer = await world.request("GET", "/readyz")
    assert [each["what"] for each in answer.json["problems"]] == ["database"]


ASKED = Request("GET", "/readyz", {}, b"", "192.0.2.1")


@pytest.mark.parametrize("fault", [OSError("full"), RuntimeError("a mistake"), None])
@pytest_twisted.ensureDeferred
async def test_a_check_that_fails_counts_and_is_not_made_for_everybody_anew(fault):
    clock, made = Clock(), []

    def check() -> bool:
        made.append(1)
        if fault is not None:
            raise fault
        return False

    readiness = Readiness({"disk": check}, clock)
    for _ in range(5):
        assert (await readiness.answer(ASKED)).status == 503
    assert len(made) == 1
    clock.advance(KEEP)
    await readiness.answer(ASKED)
    assert len(made) == 2
