"""What a running gateway notes: the real one, with a fake session host."""

from __future__ import annotations

from pathlib import Path

import pytest_twisted

from sessions.wire.tsg import SessionState
from tests.tsgateway.audit.test_journal import written
from tests.tsgateway.support import World, until
from tsgateway.audit.verify import verify


async def seen(world: World) -> list[tuple]:
    """What is written by now."""
    await until(lambda: not world.gateway.audit.trail.waiting, "the audit to be written")
    return [
        (each["kind"], each["who"], each["target"].partition(":")[0], each["outcome"])
        for each in written(world.gateway.layout.audit)
    ]


def of(found: list[tuple], *begins: str) -> list[tuple]:
    return [each for each in found if each[0].startswith(begins)]


@pytest_twisted.ensureDeferred
async def test_a_session_and_its_viewers_are_noted(world: World):
    ada = await world.sign_in()
    session, ticket = await ada.ticket()
    viewer = await world.native()
    await viewer.welcome(ticket)
    await until(lambda: world.gateway.viewers == 1, "the viewer")
    viewer.line.cut()
    await until(lambda: world.gateway.viewers == 0, "the viewer's end")
    assert (await ada.post(f"/api/v1/sessions/{session}/reset")).status == 204
    await until(lambda: not len(world.gateway.sessions), "the session's end")
    found = await seen(world)
    assert of(found, "gateway", "configuration", "audit") == [
        ("audit.began", "", "audit", "new"),
        ("gateway.started", "", "gateway", ""),
        ("configuration.loaded", "", "configuration", ""),
    ]
    told = [each for each in of(found, "session", "viewer")]
    assert told[0] == ("session.began", "ada", "session", "")
    assert ("viewer.attached", "ada", "session", "") in told
    assert ("viewer.left", "ada", "session", "") in told
    assert told[-1][0] == "session.ended"
    records = written(world.gateway.layout.audit)
    [attached] = [each for each in records if each["kind"] == "viewer.attached"]
    assert attached["address"] == "127.0.0.1"
    assert attached["details"]["client"] == "test"
    assert attached["target"] == f"session:{session}"
    assert verify(world.gateway.layout.audit).is_good


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_is_stopped_signs_what_it_did(tmp_path: Path):
    world = await World().start()
    folder = world.gateway.layout.audit
    await world.gateway.stop()
    try:
        assert [each["kind"] for each in written(folder)][-2:] == ["gateway.stopped", "audit.checkpoint"]
        report = verify(folder)
        assert (report.is_good, report.unsigned) == (True, 0)
    finally:
        world._folder.cleanup()


@pytest_twisted.ensureDeferred
async def test_sessions_that_were_there_before_do_not_begin_again(world: World):
    ada = await world.sign_in()
    await ada.ticket()
    [host] = world.hosts
    info = world.gateway.sessions.of_user("ada")[0].info
    for _ in range(2):  # the link is lost and comes back
        world.gateway.sessions.host_up(host, [info])
    assert [each[0] for each in of(await seen(world), "session")] == ["session.began", "session.connected"]
    world.gateway.sessions.host_up(host, [])
    assert of(await seen(world), "session.ended") == [("session.ended", "ada", "session", "lost")]


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_comes_back_tells_of_changes_only(world: World):
    [host] = world.hosts
    info = {"session": "a" * 32, "user": "ada", "desktop": "one", "kind": "fake", "text": "", "reason": ""}
    steps = [SessionState.DISCONNECTED, SessionState.CONNECTED, SessionState.ACTIVE, SessionState.IDLE]
    world.gateway.sessions.host_up(host, [{**info, "state": SessionState.DISCONNECTED}])
    for state in [*steps, SessionState.DISCONNECTED, SessionState.ENDED]:
        reason = "LIMIT" if state is SessionState.ENDED else ""
        world.gateway.sessions.host_event(host, "session", {**info, "state": state, "reason": reason})
    assert [(each[0], each[3]) for each in of(await seen(world), "session")] == [
        ("session.connected", ""), ("session.disconnected", ""), ("session.ended", "limit"),
    ]  # fmt: skip


@pytest_twisted.ensureDeferred
async def test_commands_in_guests_are_noted(world: World):
    [host] = world.hosts
    told = {"session": "a" * 32, "user": "ada", "who": "root (user id 0)", "command": '["id"]', "code": None}
    for more in ({}, {"code": 3}, {"error": "It goes on."}):
        world.gateway.sessions.host_event(host, "ran", {**told, **more})
    found = of(await seen(world), "guest.ran")
    assert [each[3] for each in found] == ["begun", "code 3", "failed"]
    assert {each[1] for each in found} == {"root (user id 0)"}


@pytest_twisted.ensureDeferred
async def test_sign_ins_are_noted_whatever_comes_of_them(world: World):
    ada = await world.sign_in()
    for name in ("bob", "my secret passphrase"):
        wrong = {"name": name, "password": "wrong"}
        assert (await world.request("POST", "/api/v1/login", wrong)).status == 401
    assert (await ada.post("/api/v1/logout")).status == 204
    found = of(await seen(world), "sign-in")
    assert found == [
        ("sign-in.accepted", "ada", "gateway", "accepted"),
        ("sign-in.refused", "bob", "gateway", "refused"),
        ("sign-in.refused", "nobody's name", "gateway", "refused"),
        ("sign-in.ended", "ada", "gateway", "signed out"),
    ]
    for _ in range(10):
        answer = await world.request("POST", "/api/v1/login", {"name": "bob", "password": "wrong"})
    assert answer.status == 429
    assert of(await seen(world), "sign-in.throttled")[0][3] == "throttled"
    [first] = [each for each in written(world.gateway.layout.audit) if each["kind"] == "sign-in.accepted"]
    assert first["address"] == "127.0.0.1"
    assert first["details"] == {"method": "password"}


@pytest_twisted.ensureDeferred
async def test_acts_and_refusals_are_noted(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    session, _ = await ada.ticket()
    path = "/api/v1/hosts/0"
    for who, status in ((bob, 403), (ada, 204)):
        answer = await world.request(
            "PATCH", path, {"mode": "drain"}, cookie=who.cookie,
            headers={"Content-Type": "application/json", "Origin": world.origin},
        )  # fmt: skip
        assert answer.status == status, answer
    assert (await bob.post(f"/api/v1/sessions/{session}/reset")).status == 404
    assert (await ada.post(f"/api/v1/sessions/{session}/reset")).status == 204
    await seen(world)
    records = [
        each for each in written(world.gateway.layout.audit) if each["kind"].startswith(("admin", "own"))
    ]
    told = [(each["kind"], each["who"], each["target"], each["outcome"]) for each in records]
    assert told == [
        ("admin.set-host", "bob", "hosts:0", "refused"),
        ("admin.set-host", "ada", "hosts:0", "done"),
        ("admin.reset-session", "bob", f"session:{session}", "refused"),
        ("own.reset-session", "ada", f"session:{session}", "done"),
    ]
    assert records[1]["details"]["given"] == {"mode": "drain"}
