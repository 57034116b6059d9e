"""`tsgateway session`, beside a gateway with the real session host and the test card; and its sentences."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from sessions.wire.tsg import CloseCode
from tests.tsgateway.support import World, hello, running, until
from tests.tsgateway.test_with_testcard import DESKTOPS, Typist
from tsgateway.cli import stats

ROOT = Path(__file__).parents[2]


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS):
        yield made


class Shell:
    """Runs the command with the configuration of a world."""

    def __init__(self, world: World) -> None:
        self.config = world.folder / "c.toml"
        self.config.write_text(f'data.directory = "{world.folder / "data"}"\n')

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tsgateway.cli.main", "session", *arguments, "--config", str(self.config)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    async def run(self, *arguments: str, status: int = 0) -> str:
        process = self.start(*arguments)
        text, _ = await deferToThread(process.communicate, None, 180)
        assert process.returncode == status, text
        assert "Traceback" not in text
        return text


@pytest_twisted.ensureDeferred
async def test_a_session_is_found_and_its_time_told(world: World):
    shell = Shell(world)
    assert "No sessions run" in await shell.run("list")
    assert "no sessions run" in await shell.run("stats", status=1)
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    session, ticket = await bob.ticket("still")
    typist = await Typist.attach(world, ticket)
    await typist.type(3)
    [listed] = json.loads(await shell.run("list", "--json"))
    assert (listed["session"], listed["user"]) == (session, "bob")
    text = await shell.run("stats")
    assert f"Still card of bob, session {session}" in text
    for name in (*stats.STAGES, "total"):
        assert f"\n  {name} " in text
    assert "round trip" in text
    raw = json.loads(await shell.run("stats", "--json", session[:6]))
    assert raw["stages"]["total"]["count"] >= 3
    other, _ = await ada.ticket("still")
    text = await shell.run("stats", status=2)
    assert session in text
    assert other in text
    assert "which of these" in text
    assert "Nothing was shown" in await shell.run("stats", other)
    assert "session list" in await shell.run("stats", "nonsense", status=1)


@pytest_twisted.ensureDeferred
async def test_without_a_gateway_one_is_told_so(world: World):
    shell = Shell(world)
    await world.gateway.stop()
    for command in ("list", "stats"):
        text = await shell.run(command, status=1)
        assert "no session host runs" in text
        assert str(world.folder) in text


@pytest_twisted.ensureDeferred
async def test_watching_goes_on_until_it_is_interrupted_or_the_session_ends(world: World):
    shell = Shell(world)
    bob = await world.sign_in("bob")
    session, _ = await bob.ticket("still")
    watching = shell.start("stats", "--watch", "--json")
    for _ in range(2):
        line = await deferToThread(watching.stdout.readline)
        assert json.loads(line)["session"] == session
    watching.send_signal(signal.SIGINT)
    assert (await deferToThread(watching.communicate, None, 180))[0].count("Traceback") == 0
    assert watching.returncode == 0
    watching = shell.start("stats", "--watch")
    await deferToThread(watching.stdout.readline)
    await bob.post(f"/api/v1/sessions/{session}/reset")
    text, _ = await deferToThread(watching.communicate, None, 180)
    assert watching.returncode == 1
    assert "the session has ended" in text


@pytest_twisted.ensureDeferred
async def test_sessions_are_steered(world: World):
    shell = Shell(world)
    bob = await world.sign_in("bob")
    session, ticket = await bob.ticket("still")
    viewer = await world.websocket()
    viewer.send(hello(ticket))
    text = await shell.run("disconnect", session[:8])
    assert text == f"Disconnected: Still card of bob ({session}).\n"
    close = await viewer.closing()
    assert (close.code, "administrator" in close.reason) == (CloseCode.DISCONNECTED, True)
    assert world.gateway.sessions.get(session) is not None
    assert "Logged off" in await shell.run("log-off", session)
    await until(lambda: world.gateway.sessions.get(session) is None, "the end")
    assert "administrator" in world.gateway.sessions.ending(session, "bob")
    again, _ = await bob.ticket("still")
    assert "Reset" in await shell.run("reset", again)
    assert "no sessions run" in await shell.run("reset", again, status=1)


# ---- what is slow, in words


def times(p50: float, share: float | None = None, p95: float | None = None) -> dict:
    p95 = p95 or 2 * p50
    return {"p50": p50, "p95": p95, "p99": p95, "count": 9, "share": share}


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ({}, "Nothing was shown in the last minute."),
        (
            {"wait": times(0.005), "encode": times(0.001), "line": times(0.04)},
            "Nobody has typed or clicked in the last minute. Of a picture's time most is the line: 40.0 ms.",
        ),
        (
            {"guest": times(0.4, 0.8), "line": times(0.1, 0.2), "total": times(0.5)},
            "The guest takes 80 % of the time.",
        ),
        (
            {"guest": times(0.01, 0.25), "line": times(0.03, 0.75), "total": times(0.04)},
            "Nothing is slow: 95 of 100 inputs are seen within 80.0 ms; the line takes 75 % of the time.",
        ),
        (
            {"client": times(3, 1.0), "total": times(3), "unheard": times(9, 5.0)},
            "The viewer's computer takes 100 % of the time.",
        ),
    ],
)
def test_what_is_slow_is_said_in_words(stages, sentence):
    assert stats.verdict(stages) == sentence


def test_the_table_has_the_stages_in_order_with_their_bars():
    stages = {"line": times(0.0401, 0.75), "guest": times(1.5, 0.25), "total": times(1.6, None, 2.5)}
    lines = stats.table(stages)
    assert [line.split()[0] for line in lines] == ["stage", "guest", "line", "total"]
    assert "1,500 ms" in lines[1]
    assert lines[2].endswith("75 % " + "█" * 15)
    assert len({line.index("ms") for line in lines[1:]}) == 1
