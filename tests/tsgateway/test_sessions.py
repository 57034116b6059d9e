"""Desktops, sessions and tickets: whose they are, and what happens when the host fails."""

import json
import os
import signal

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import eventAsText, globalLogPublisher

from sessions.wire.tsg import CloseCode, SessionState
from tests.tsgateway.support import World, hello, http_request, until
from tsgateway.hosts.directory import MAX_ENDINGS
from tsgateway.hosts.link import HostError
from tsgateway.transports import http


async def refused(world: World, ticket: bytes) -> int:
    """The close code a ClientHello with this ticket gets."""
    viewer = await world.websocket()
    viewer.send(hello(ticket))
    return (await viewer.closing()).code


@pytest_twisted.ensureDeferred
async def test_a_person_has_one_session_of_a_desktop(world: World):
    ada = await world.sign_in()
    session, _ = await ada.ticket()
    again, _ = await ada.ticket()
    assert again == session
    [shown] = [d for d in (await ada.get("/api/v1/desktops")).json["desktops"] if d["session"]]
    assert shown["session"]["id"] == session
    assert shown["session"]["state"] == "active"
    bob = await world.sign_in("bob")
    other, _ = await bob.ticket()
    assert other != session
    starts = world.host_requests("start")
    assert [(start["user"], start["width"], start["spec"]) for start in starts] == [
        ("ada", 800, {"kind": "fake"}),
        ("bob", 800, {"kind": "fake"}),
    ]


@pytest_twisted.ensureDeferred
async def test_what_is_not_given_does_not_exist(world: World):
    bob = await world.sign_in("bob")
    for desktop in ("mine", "nobody", "missing"):
        answer = await bob.post(f"/api/v1/desktops/{desktop}/connect", {"width": 1, "height": 1})
        assert (answer.status, answer.code) == (404, "no_such_desktop")


@pytest_twisted.ensureDeferred
async def test_nobody_reaches_anothers_session(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await ada.ticket()
    for action in ("ticket", "disconnect", "log-off", "reset"):
        theirs = await bob.post(f"/api/v1/sessions/{session}/{action}")
        missing = await bob.post(f"/api/v1/sessions/{'0' * 32}/{action}")
        assert theirs.status == missing.status == 404
        assert theirs.body == missing.body
    assert (await ada.post(f"/api/v1/sessions/{session}/ticket")).status == 200


@pytest_twisted.ensureDeferred
async def test_a_ticket_is_good_once(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    assert await refused(world, ticket) == CloseCode.TICKET
    assert await refused(world, b"") == CloseCode.TICKET
    assert await refused(world, os.urandom(32)) == CloseCode.TICKET
    viewer.send(b"\x18")
    assert await viewer.message() == b"\xf0\x18"  # undisturbed


@pytest_twisted.ensureDeferred
async def test_a_ticket_never_reaches_the_host(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    await (await world.websocket()).welcome(ticket)  # the fake host refuses a hello with a ticket in it
    assert len(world.host_requests("attach")) == 1


@pytest_twisted.ensureDeferred
async def test_ending_a_session_tells_its_viewers(world: World):
    ada = await world.sign_in()
    session, ticket = await ada.ticket()
    _, late = await ada.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    assert (await ada.post(f"/api/v1/sessions/{session}/reset")).status == 204
    close = await viewer.closing()
    assert (close.code, close.reason) == (CloseCode.SESSION_ENDED, "The session was ended.")
    assert await refused(world, late) == CloseCode.SESSION_ENDED
    assert (await ada.post(f"/api/v1/sessions/{session}/ticket")).code == "no_such_session"
    assert (await ada.ticket())[0] != session


@pytest_twisted.ensureDeferred
async def test_a_session_is_disconnected_and_goes_on(world: World):
    ada = await world.sign_in()
    session, ticket = await ada.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    assert (await ada.post(f"/api/v1/sessions/{session}/disconnect")).status == 204
    assert (await viewer.closing()).code == CloseCode.DISCONNECTED
    assert world.host_requests("disconnect") == [{"session": session, "administrator": False}]
    again, ticket = await ada.ticket()
    assert again == session
    await (await world.websocket()).welcome(ticket)


@pytest_twisted.ensureDeferred
async def test_an_administrator_logs_off_who_is_not_there(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await bob.ticket()
    assert (await ada.post(f"/api/v1/sessions/{session}/ticket")).status == 403, "what he sees is his"
    assert (await ada.post(f"/api/v1/sessions/{session}/log-off")).status == 204
    assert world.host_requests("log_off") == [{"session": session, "administrator": True}]
    assert (await bob.ticket())[0] != session


@pytest_twisted.ensureDeferred
async def test_a_viewer_that_leaves_is_detached(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await world.native()
    await viewer.welcome(ticket)
    viewer.line.cut()
    await until(lambda: world.host_requests("detach"), "the host to be told")


@pytest_twisted.ensureDeferred
async def test_what_the_host_refuses_is_said_to_the_person(world: World):
    ada = await world.sign_in()
    answer = await ada.post("/api/v1/desktops/refused/connect", {"width": 1, "height": 1})
    assert (answer.status, answer.code) == (503, "host_unavailable")
    assert "such picture" in answer.json["error"]["message"]
    assert answer.json["error"]["reference"]
    shown = (await ada.get("/api/v1/desktops")).json["desktops"]
    assert all(desktop["session"] is None for desktop in shown)


@pytest_twisted.ensureDeferred
async def test_a_host_that_dies_is_started_again(world: World):
    ada = await world.sign_in()
    _, good = await ada.ticket("one")
    watcher = await world.websocket()
    await watcher.welcome(good)
    _, deadly = await ada.ticket("dying")
    viewer = await world.websocket()
    viewer.send(hello(deadly))
    for each in (viewer, watcher):
        close = await each.closing()
        assert close.code == CloseCode.SERVER_ERROR
        assert "session host" in close.reason
    await world.host_up()
    _, ticket = await ada.ticket("one")
    await (await world.websocket()).welcome(ticket)


@pytest_twisted.ensureDeferred
async def test_a_gateway_finds_the_host_and_its_sessions_again():
    world = World()
    await world.start()
    ada = await world.sign_in()
    session, _ = await ada.ticket()
    [host] = world.hosts
    pid = host.pid
    link = host._link
    link.transport.loseConnection()  # as when the gateway is killed
    await until(lambda: host.up and host._link is not link, "another link")
    assert host.pid == pid
    assert (await ada.ticket())[0] == session
    await world.stop()
    await until(lambda: not _alive(pid), "the end of the host")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest_twisted.ensureDeferred
async def test_settings_for_the_host_are_private_and_whole(world: World):
    path = world.gateway.layout.host(0) / "settings.json"
    assert path.stat().st_mode & 0o777 == 0o600
    settings = json.loads(path.read_text())
    assert settings["encoding"] == {"window_log": 24, "level": 3, "jpeg_quality": 80}
    assert settings["guests"]["qemu"]["accelerator"] == "auto"
    assert settings["idle_seconds"] == 600
    assert set(settings) == {
        "socket", "state", "images", "guests", "encoding", "idle_seconds", "log_level",
        "clipboard_bytes",
    }  # fmt: skip


@pytest_twisted.ensureDeferred
async def test_vnc_passwords_go_over_the_link_only():
    world = World(
        desktops={
            "pc": {
                "title": "PC",
                "kind": "rfb",
                "users": ["ada"],
                "password_file": "/nonexistent",
                "host": "h",
            }
        }
    )
    secret = world.folder / "secret"
    secret.write_text("hush\nmore\n")
    desktops = world.config.desktops
    desktops["pc"] = desktops["pc"].model_copy(update={"password_file": secret})
    try:
        await world.start()
        ada = await world.sign_in()
        await ada.ticket("pc")
        [start] = world.host_requests("start")
        assert start["spec"] == {"kind": "rfb", "host": "h", "password": "hush"}
        assert "hush" not in (world.gateway.layout.host(0) / "settings.json").read_text()
        secret.unlink()
        await ada.post(f"/api/v1/sessions/{start['session']}/reset")
        answer = await ada.post("/api/v1/desktops/pc/connect", {"width": 1, "height": 1})
        assert "password file" in answer.json["error"]["message"]
    finally:
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_a_session_is_not_over_because_its_host_has_not_told_yet(world: World):
    """A page that comes back to a gateway just started must try again, not give up."""
    ada = await world.sign_in()
    known = world.gateway.sessions._heard
    [host] = known
    known.clear()
    answer = await ada.post(f"/api/v1/sessions/{'0' * 32}/ticket")
    assert (answer.status, answer.code) == (503, "host_unavailable")
    world.gateway.sessions.host_up(host, [])
    answer = await ada.post(f"/api/v1/sessions/{'0' * 32}/ticket")
    assert (answer.status, answer.code) == (404, "no_such_session")


@pytest_twisted.ensureDeferred
async def test_who_comes_after_the_end_hears_why_and_nobody_else_does(world: World):
    """A guest may fail before the page that asked for it has attached."""
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    session, ticket = await ada.ticket()
    info = {**world.gateway.sessions.get(session).info, "state": SessionState.ENDED, "text": "It burnt."}
    [host] = world.hosts
    world.gateway.sessions.host_event(host, "session", info)
    viewer = await world.websocket()
    viewer.send(hello(ticket))
    close = await viewer.closing()
    assert (close.code, close.reason) == (CloseCode.SESSION_ENDED, "It burnt.")
    path = f"/api/v1/sessions/{session}/ticket"
    answer = await ada.post(path)
    assert (answer.status, answer.code) == (410, "session_ended")
    assert answer.json["error"]["message"] == "It burnt."
    answer = await bob.post(path)
    assert (answer.status, answer.code) == (404, "no_such_session")
    assert answer.json["error"]["message"] == "There is no such session, or it has ended."


@pytest_twisted.ensureDeferred
async def test_few_endings_are_remembered(world: World):
    [host] = world.hosts
    sessions = world.gateway.sessions
    for number in range(MAX_ENDINGS + 1):
        info = {"session": f"{number}", "user": "ada", "state": SessionState.ENDED, "text": "It burnt."}
        sessions.host_event(host, "session", info)
    assert sessions.ending("0", "ada") == ""
    assert sessions.ending("1", "ada") == "It burnt."


@pytest_twisted.ensureDeferred
async def test_a_start_that_fails_after_its_client_has_gone_is_forgotten(world: World, monkeypatch):
    """Or that desktop could not be opened any more."""
    ada = await world.sign_in()
    [host] = world.hosts
    asked, gone = [], []
    monkeypatch.setattr(host, "request", lambda method, params: asked.append(Deferred()) or asked[-1])
    lost = http._Request.connectionLost
    monkeypatch.setattr(http._Request, "connectionLost", lambda *a: (lost(*a), gone.append(1)))
    line = await world.knock()
    path, screen = "/api/v1/desktops/one/connect", {"width": 800, "height": 600}
    line.write(http_request(world.origin, "POST", path, screen, cookie=ada.cookie))
    await until(lambda: asked, "the host to be asked")
    line.transport.abortConnection()
    await until(lambda: gone, "the gateway to see that the client has gone")
    assert world.gateway.sessions.find("ada", "one") is not None
    asked[0].errback(HostError("No."))
    assert world.gateway.sessions.find("ada", "one") is None
    monkeypatch.undo()
    await ada.ticket("one")


@pytest_twisted.ensureDeferred
async def test_a_host_that_cannot_be_started_is_tried_again(world: World):
    """A full disk, say: here the settings cannot be written."""
    [host] = world.hosts
    said = []
    note = said.append
    globalLogPublisher.addObserver(note)
    settings = world.gateway.layout.host(0) / "settings.json"
    settings.write_text("{}")  # or it would not have to be written again
    obstacle = settings.with_suffix(".json.new")
    obstacle.mkdir()
    try:
        os.kill(host.pid, signal.SIGKILL)
        await until(lambda: any("cannot be started" in eventAsText(event) for event in said), "a word of it")
    finally:
        globalLogPublisher.removeObserver(note)
        obstacle.rmdir()
    await world.host_up()
