"""The real commands beside a running gateway, by its own socket: sessions, hosts, desktops, tokens."""

from __future__ import annotations

import datetime
import json
import os
import re
import signal
import subprocess

import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.tsgateway.admin.shell import PATIENCE, Shell
from tests.tsgateway.support import World


async def two_sessions(world: World):
    """Bob's, with a viewer, and Ada's, with none. Returns what keeps the viewer alive."""
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    viewer = await world.native()
    await viewer.welcome((await bob.ticket())[1])
    await ada.ticket("mine")
    return viewer


@pytest_twisted.ensureDeferred
async def test_nobody_has_a_session(shell: Shell):
    assert (await shell.run("qwinsta")).out == "Nobody has a session.\n"
    assert (await shell.run("quser")).out == "Nobody has a session.\n"
    assert await shell.json("query", "session") == []


@pytest_twisted.ensureDeferred
async def test_sessions_are_listed_as_on_windows(world: World, shell: Shell):
    viewer = await two_sessions(world)
    head, bob, ada = (await shell.run("query", "session")).lines
    assert head == " SESSIONNAME       USERNAME                 ID  STATE   TYPE        DEVICE"
    name = bob.split()[0]
    assert re.fullmatch(r"tsg#\d+", name)
    state = {"active": "Active", "connected": "Conn"}[(await shell.json("qwinsta", "bob"))[0]["state"]]
    assert bob == " " + f"{name:18}{'bob':20}{1:>7}  {state:8}{'tsg':12}one"
    assert ada.split() == ["ada", "2", ada.split()[2], "mine"]
    for target in ("1", name, "bob", name.upper()):
        assert (await shell.run("qwinsta", target)).lines[1] == bob
    head, bob, ada = (await shell.run("quser")).lines
    assert head.split() == ["USERNAME", "SESSIONNAME", "ID", "STATE", "IDLE", "TIME", "LOGON", "TIME"]
    # The fake host says that nobody typed since 1970.
    idle, moment = r"\d{5,}\+\d\d:\d\d", r"\d\d\.\d\d\.\d{4} \d\d:\d\d"
    assert re.fullmatch(rf" bob                   {name:17}   1  {state:8} *{idle}  {moment}", bob)
    assert viewer is not None


@pytest_twisted.ensureDeferred
async def test_json_is_what_the_api_tells(world: World, shell: Shell):
    viewer = await two_sessions(world)
    ada = await world.sign_in("ada")
    told = (await ada.get("/api/v1/sessions")).json["sessions"]
    assert await shell.json("query", "session") == told
    assert await shell.json("qwinsta", "2") == [told[1]]
    assert viewer is not None


@pytest_twisted.ensureDeferred
async def test_wrong_targets_say_what_there_is(world: World, shell: Shell):
    await two_sessions(world)
    for words in (
        ("qwinsta", "99"),
        ("logoff", "99", "--yes"),
        ("session", "stats", "99"),
        ("rwinsta", "-y", "99"),
    ):
        ran = await shell.run(*words, status=1)
        assert ran.err == "tsadmin: no session 99; 2 sessions: 1, 2\n"
    ran = await shell.run("disconnect", "1", "99", status=1)
    assert not world.host_requests("disconnect"), "the first was not touched"
    ran = await shell.run("disconnect", "99", "--json", status=1)
    assert json.loads(ran.err) == {
        "error": {"code": "no_such_session", "message": "no session 99; 2 sessions: 1, 2"}
    }


@pytest_twisted.ensureDeferred
async def test_a_person_with_two_sessions_is_asked_about(world: World, shell: Shell):
    await two_sessions(world)
    await (await world.sign_in("ada")).ticket("one")
    ran = await shell.run("logoff", "ada", "--yes", status=1)
    assert re.fullmatch(
        r"tsadmin: ada means 2 sessions: 2 \(ada, mine, \w+\); 3 \(ada, one, \w+\)\. "
        r"Give the number of one\n",
        ran.err,
    )
    ran = await shell.run("logoff", "ada", "--all", "--yes")
    assert [line.split(" (")[0] for line in ran.lines] == ["Logged off: session 2", "Logged off: session 3"]
    assert len(world.host_requests("log_off")) == 2


@pytest_twisted.ensureDeferred
async def test_sessions_are_steered(world: World, shell: Shell):
    await two_sessions(world)
    assert (await shell.run("tsdiscon", "1")).out.startswith("Disconnected: session 1 (bob, one, ")
    assert [each["administrator"] for each in world.host_requests("disconnect")] == [True]
    await shell.run("reset", "1", status=2)  # nobody can be asked between pipes
    assert not world.host_requests("reset")
    assert (await shell.run("reset", "1", "--yes")).out.startswith("Reset: session 1 ")
    assert (await shell.run("reset", "session", "2", "--yes")).out.startswith("Reset: session 2 ")
    assert len(world.host_requests("reset")) == 2


@pytest_twisted.ensureDeferred
async def test_on_a_terminal_people_are_asked(world: World, shell: Shell):
    await two_sessions(world)

    def no(terminal):
        terminal.expect("Log off 1 session: 1 (bob, one, ")
        terminal.type("n\n")

    assert "nothing was done" in await shell.terminal("logoff", "bob", script=no, status=1)
    assert not world.host_requests("log_off")

    def yes(terminal):
        terminal.expect("[y/N]")
        terminal.type("y\n")

    assert "Logged off: session 1" in await shell.terminal("logoff", "bob", script=yes)

    def interrupted(terminal):
        terminal.expect("[y/N]")
        terminal.interrupt()

    await shell.terminal("logoff", "ada", script=interrupted, status=130)
    assert len(world.host_requests("log_off")) == 1


@pytest_twisted.ensureDeferred
async def test_colours_only_on_a_terminal_and_not_where_nobody_wants_them(shell: Shell):
    raw = []

    def keep(terminal):
        terminal.to_the_end()
        raw.append(terminal.raw)

    await shell.terminal("query", "host", script=keep)
    await shell.terminal("query", "host", script=keep, environment={"NO_COLOR": "1"})
    assert "\x1b[1m" in raw[0]
    assert "\x1b" not in raw[1]
    assert "\x1b" not in (await shell.run("query", "host")).out


@pytest_twisted.ensureDeferred
async def test_hosts_are_weighed_and_drained(world: World, shell: Shell):
    assert (await shell.run("host", "list")).lines[0].split()[:4] == ["HOST", "STATE", "MODE", "WEIGHT"]
    assert "from the next session on" in (await shell.run("host", "weight", "0", "50")).out
    assert (await shell.json("query", "host"))["hosts"][0]["weight"] == 50
    assert (await shell.run("logon", "--drain")).out == (
        "The gateway starts no new sessions; people may come back to those that run, from now on.\n"
    )
    bob = await world.sign_in("bob")
    assert (await bob.post("/api/v1/desktops/one/connect", {})).status == 503
    ran = await shell.run("logon", "--enable", "--host", "0")
    assert "The whole gateway is set to drain" in ran.out
    assert (await shell.json("logon"))[0] == {"host": "all", "mode": "drain"}
    assert (await shell.run("logon", "--query")).lines[0].startswith("The gateway starts no new sessions")
    await shell.run("logon", "--enable")
    assert (await bob.post("/api/v1/desktops/one/connect", {})).status == 200
    assert "there are 0, and all" in (await shell.run("host", "weight", "7", "5", status=1)).err
    await shell.run("host", "weight", "0", "0", status=2)


@pytest_twisted.ensureDeferred
async def test_desktops_pools_disks_images(world: World, shell: Shell):
    lines = (await shell.run("desktop", "list")).lines
    assert lines[0].split() == ["DESKTOP", "TITLE", "KIND", "SESSIONS", "GIVEN", "TO"]
    assert lines[1].split("  ")[0] == "one"
    assert lines[1].endswith("group users")
    assert [each["desktop"] for each in await shell.json("desktop", "list")] == list(world.config.desktops)
    assert (await shell.run("pool", "list")).out == "No desktop has a pool.\n"
    assert (await shell.run("disk", "list")).out == "No personal disks are kept.\n"
    assert "no images" in (await shell.run("image", "list")).out
    ran = await shell.run("disk", "reset", "one", "bob", "--yes", status=1)
    assert "No disk is kept for bob in one" in ran.err
    await shell.run("image", "delete", "none", "--yes", status=1)


@pytest_twisted.ensureDeferred
async def test_history_in_pages(world: World, shell: Shell):
    await two_sessions(world)
    for _ in range(100):
        told = await shell.json("session", "history")
        if len(told["sessions"]) == 2:
            break
    assert {each["user"] for each in told["sessions"]} == {"ada", "bob"}
    ran = await shell.run("session", "history", "--limit", "1")
    after = ran.err.split()[-1]
    assert (await shell.json("session", "history", "--after", after))["sessions"] == told["sessions"][1:]
    assert len((await shell.run("session", "history", "--user", "bob", "--since", "1h")).lines) == 2
    assert "is no time" in (await shell.run("session", "history", "--since", "soon", status=2)).err
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)
    assert (await shell.json("session", "history", "--since", str(tomorrow)))["sessions"] == []
    assert [
        each["user"] for each in (await shell.json("session", "history", "--desktop", "mine"))["sessions"]
    ] == ["ada"]
    assert (
        "what an earlier page ended with"
        in (await shell.run("session", "history", "--after", "x", status=2)).err
    )


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_is_away(world: World, shell: Shell):
    shell.config.write_text(f'data.directory = "{world.folder / "elsewhere"}"\n')
    ran = await shell.run("qwinsta", status=4)
    assert re.match(r"tsadmin: No gateway runs there: .*elsewhere/api\.sock does not exist", ran.err)
    ran = await shell.run("qwinsta", "--config", str(world.folder / "none.toml"), status=2)
    assert "none.toml: No such file or directory" in ran.err
    shell.config.write_text("data = [")
    assert "not valid TOML" in (await shell.run("qwinsta", status=2)).err


@pytest_twisted.ensureDeferred
async def test_a_reader_that_goes_is_no_error(world: World, shell: Shell):
    def work() -> tuple[int, str]:
        ours, theirs = os.pipe()
        os.close(ours)
        done = subprocess.run(
            shell.command("query", "host"), env=shell.environment, stdout=theirs, stderr=subprocess.PIPE,
            text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        os.close(theirs)
        return done.returncode, done.stderr

    assert await deferToThread(work) == (128 + signal.SIGPIPE, "")


@pytest_twisted.ensureDeferred
async def test_called_by_a_name_of_windows(world: World, shell: Shell):
    link = world.folder / "qwinsta"
    link.write_text("import sys; from tsgateway.admin.main import run; sys.argv[0] = sys.argv[0]; run()")
    command = [shell.command()[0], str(link)]
    ran = await deferToThread(
        subprocess.run, command, env=shell.environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.stdout == "Nobody has a session.\n", ran


@pytest_twisted.ensureDeferred
async def test_misspelt_commands_are_told(shell: Shell):
    ran = await shell.run("qwinsat", status=2)
    assert "qwinsta" in ran.err
    await shell.run("query", "sesion", status=2)
    ran = await shell.run("query", "session", "--help")
    assert "Examples:" in ran.out
    assert "tsadmin qwinsta user1" in ran.out
