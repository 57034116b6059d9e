"""The real commands with real session hosts: what helpers do while people work."""

from __future__ import annotations

import json
import re
import signal
import subprocess

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sessions.wire import tsg
from tests.tsgateway.admin.shell import PATIENCE, Shell, Terminal
from tests.tsgateway.support import World, running, until
from tests.tsgateway.test_live import DESKTOPS as HELPED
from tests.tsgateway.test_live import Watcher
from tests.tsgateway.test_with_testcard import DESKTOPS as CARDS
from tests.tsgateway.test_with_testcard import Typist
from tsgateway.admin import latency
from tsgateway.admin.gauge import Gauge
from tsgateway.api.hub import Events
from tsgateway.client import Client


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops={**CARDS, **HELPED}):
        yield made


def meanwhile(coroutine):
    """Begin something that takes until the test does its part."""
    return Deferred.fromCoroutine(coroutine)


@pytest_twisted.ensureDeferred
async def test_where_the_time_of_a_session_goes(world: World, shell: Shell):
    assert "there are no sessions" in (await shell.run("session", "stats", status=1)).err
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    session, ticket = await bob.ticket("still")
    typist = await Typist.attach(world, ticket)
    await typist.type(3)
    text = (await shell.run("session", "stats")).out
    assert f"Still card of bob, session {session}" in text
    for name in (*latency.STAGES, "total"):
        assert f"\n  {name} " in text
    assert "round trip" in text
    assert (await shell.json("session", "stats", session[:6]))["stages"]["total"]["count"] >= 3
    await ada.ticket("still")
    assert "say which session" in (await shell.run("session", "stats", status=2)).err
    assert "Nothing was shown" in (await shell.run("session", "stats", "ada")).out
    rows = {row["user"]: row for row in await shell.json("top")}
    assert rows["bob"]["total"] > 0
    assert set(rows["bob"]["parts"]) == {"guest", "gateway", "line", "viewer"}
    assert rows["ada"]["total"] is None
    head, *lines = (await shell.run("top")).lines
    assert head.split()[5:] == ["TOTAL", "GUEST", "GATE", "LINE", "VIEWER", "SLOW"]
    assert len(lines) == 2


@pytest_twisted.ensureDeferred
async def test_watching_goes_on_until_it_is_interrupted_or_the_session_ends(world: World, shell: Shell):
    bob = await world.sign_in("bob")
    session, _ = await bob.ticket("still")

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            shell.command("session", "stats", "--watch", *words), env=shell.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip

    watching = start("--json")
    for _ in range(2):
        assert json.loads(await deferToThread(watching.stdout.readline))["session"] == session
    watching.send_signal(signal.SIGINT)
    _, err = await deferToThread(watching.communicate, None, PATIENCE)
    assert (watching.returncode, err) == (130, "")
    watching = start()
    await deferToThread(watching.stdout.readline)
    await bob.post(f"/api/v1/sessions/{session}/reset")
    _, err = await deferToThread(watching.communicate, None, PATIENCE)
    assert watching.returncode == 1
    assert "has ended" in err


@pytest_twisted.ensureDeferred
async def test_a_message_is_read(world: World, shell: Shell):
    bob = await world.sign_in("bob")
    _, ticket = await bob.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    asking = meanwhile(shell.run("msg", "bob", "--wait", "--title", "Maintenance", "Save", "your work."))
    dialog = await viewer.until(tsg.Dialog)
    assert (dialog.title, dialog.text) == ("Maintenance", "Save your work.")
    viewer.say(tsg.Answer(dialog.id, 1))
    assert re.fullmatch(r"Session 1 \(bob, ask, \w+ at web#\d+\): read\.\n", (await asking).out)
    ran = await shell.run("msg", "1", "--wait", "--time", "1", "Anybody?", status=1)
    assert "not read in time" in ran.out
    assert (await shell.run("msg", "*", given="From a file.\nTwo lines.\n")).out == "Sent to 1 session.\n"
    await viewer.until(tsg.Dialog)
    assert (await viewer.until(tsg.Dialog)).text == "From a file.\nTwo lines."
    assert "nothing to say" in (await shell.run("msg", "*", status=2)).err
    assert "at most 4096 bytes" in (await shell.run("msg", "1", "é" * 2100, status=2)).err
    assert "no session 9; 1 session: 1" in (await shell.run("msg", "9", "Hello", status=1)).err
    await shell.run("msg", "1", "--wait", "--time", "0", "Hello", status=2)


@pytest_twisted.ensureDeferred
async def test_looking_on_and_moving(world: World, shell: Shell):
    bob = await world.sign_in("bob")
    one, ticket = await bob.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    link = (await shell.run("shadow", "1", "--control")).lines[1]
    assert link == f"https://localhost:8443/session/{one}?shadow=control"
    assert (await shell.json("shadow", "bob", "--server", "", "--view"))["url"].endswith("?shadow=view")
    await bob.ticket("open")
    assert "Nobody looks at" in (await shell.run("tscon", "1", "--dest", "2", status=1)).err
    ran = await shell.run("connect", "2", "--dest", "1")
    assert re.match(r"Shown to web#\d+: session 2 \(bob, open, ", ran.out)
    assert (await viewer.until(tsg.Switch)).title == "Card open"
    assert "say who is to see it" in (await shell.run("connect", "2", status=2)).err
    assert "no viewer 99" in (await shell.run("connect", "2", "--dest", "web#99", status=1)).err


@pytest_twisted.ensureDeferred
async def test_processes_of_guests_without_an_agent(world: World, shell: Shell):
    await (await world.sign_in("bob")).ticket("still")
    assert "No agent" in (await shell.run("qprocess", "1", status=1)).err
    ran = await shell.run("query", "process")
    assert ran.out == "No such processes run.\n"
    assert "session 1 (bob, still" in ran.err
    assert "no process firefox runs" in (await shell.run("tskill", "firefox", "-a", "-y", status=1)).err
    assert "No agent" in (await shell.run("guest", "info", "bob", status=1)).err
    assert "No agent" in (await shell.run("guest", "run", "1", "--", "ls", "-l", status=255)).err


def followers(world: World) -> int:
    return sum(len(each) for each in world.gateway.sessions.watchers if isinstance(each, Events))


@pytest_twisted.ensureDeferred
async def test_what_happens_is_told(world: World, shell: Shell):
    bob = await world.sign_in("bob")
    session, _ = await bob.ticket("still")
    process = await deferToThread(
        subprocess.Popen,
        shell.command("events", "--json"),
        env=shell.environment,
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        await until(lambda: followers(world), "somebody who follows")
        await bob.post(f"/api/v1/sessions/{session}/reset")
        line = await deferToThread(process.stdout.readline)
        told = json.loads(line)
        assert told["event"] in ("session", "ended")
        assert told["id"] == session
    finally:
        process.kill()
        process.communicate()


@pytest_twisted.ensureDeferred
async def test_top_follows_sorts_and_fits_the_terminal(world: World, shell: Shell):
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    _, ticket = await bob.ticket("still")
    typist = await Typist.attach(world, ticket)
    await typist.type(3)
    raw = []

    def script(terminal: Terminal) -> None:
        terminal.expect("1 session: 1 Active")
        terminal.expect("[q]uit")
        deferred = meanwhile_in_reactor(ada.ticket("card"))
        terminal.expect("2 sessions: 1 Active, 1 Disc")
        terminal.expect("[q]uit")
        terminal.type("u")
        terminal.wait(lambda screen: 0 < screen.find("ada") < screen.find("bob"))
        terminal.type("r")
        terminal.wait(lambda screen: 0 < screen.find("bob") < screen.find("ada"))
        terminal.resize(80, 24)
        terminal.expect("[q]uit")
        terminal.resize(40, 6)
        terminal.expect("sort:")
        terminal.type("\x1b[B\x1b[A")
        terminal.type("q")
        terminal.to_the_end()
        raw.append(terminal.raw)
        assert deferred is not None

    def meanwhile_in_reactor(coroutine):
        reactor.callFromThread(Deferred.fromCoroutine, coroutine)
        return True

    await shell.terminal("top", "--every", "0.5", script=script, size=(80, 24))
    assert raw[0].startswith("\x1b[?1049h")
    assert raw[0].rstrip().endswith("\x1b[?25h\x1b[?1049l")
    screens = raw[0].split("\x1b[H")[1:]
    assert all(len(line) <= 80 for screen in screens for line in plain(screen).split("\n"))
    assert all(screen.count("\r\n") <= 23 for screen in screens)


def plain(screen: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).replace("\r", "")


@pytest_twisted.ensureDeferred
async def test_many_sessions_are_measured_in_turn(world: World):
    viewers = []
    for name in ("ada", "bob"):
        typist = await Typist.attach(world, (await (await world.sign_in(name)).ticket("still"))[1])
        await typist.type(1)
        viewers.append(typist)

    def look() -> list[list[bool]]:
        with Client.local(world.gateway.layout.api) as client:
            gauge = Gauge(client)
            return [[row.total is not None for row in gauge.look(within=0)] for _ in range(2)]

    first, second = await deferToThread(look)
    assert sorted(first) == [False, True]
    assert second == [True, True]


@pytest_twisted.ensureDeferred
async def test_top_gives_the_terminal_back_when_it_is_interrupted(world: World, shell: Shell):
    def script(terminal: Terminal) -> None:
        terminal.expect("[q]uit")
        terminal.interrupt()

    shown = []

    def kept(terminal: Terminal) -> None:
        script(terminal)
        shown.append(terminal.raw)

    await shell.terminal("top", script=kept, status=130)
    assert shown[0].rstrip().endswith("\x1b[?1049l")
