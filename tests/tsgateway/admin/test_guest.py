"""`tsadmin guest` and the API beside it: a real desktop with its agent, and a guest that has none."""

from __future__ import annotations

import json
import subprocess

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from tests.images_fixture import desktop_image
from tests.tsgateway.admin.shell import Shell
from tests.tsgateway.support import World, running, sleep
from tests.warm import link_warm
from tsgateway.hosts.ending import end_all

DESKTOPS = {
    "card": {"title": "Card", "kind": "testcard", "users": ["bob"], "fps": 0},
    "linux": {
        "title": "Linux", "kind": "qemu", "users": ["bob"], "template": "desktop",
    },
}  # fmt: skip
QEMU = {"accelerator": "tcg", "boot_seconds": 300}


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS, guests={"qemu": QEMU}):
        yield made
        await made.gateway.stop()
        await end_all(made.config, reactor)  # a gateway that is stopped leaves machines running


async def guest(world: World, *words: str, given: bytes = b"") -> tuple[int, str, str]:
    """Run the command; return its exit code, its output and its error output."""
    shell = Shell(world)
    done = await deferToThread(
        subprocess.run,
        shell.command("guest", *words),
        env=shell.environment,
        input=given,
        capture_output=True,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err
    return done.returncode, out, err


@pytest_twisted.ensureDeferred
async def test_a_session_without_an_agent_is_told_to_have_none(world: World):
    bob = await world.sign_in("bob")
    session, _ = await bob.ticket("card")
    assert await guest(world, "info", session) == (
        1, "", "tsadmin: No agent runs in this session's guest, or the guest does not run.\n",
    )  # fmt: skip
    code, out, err = await guest(world, "run", session, "true")
    assert (code, out) == (255, "")
    assert "No agent" in err
    answer = await bob.get(f"/api/v1/sessions/{session}/guest")
    assert (answer.status, answer.json["error"]["code"]) == (409, "guest_silent")


@pytest.mark.qemu
@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_a_desktop_tells_what_it_is_and_runs_commands(world: World):
    (world.folder / "data" / "images" / "desktop").symlink_to(desktop_image().folder)
    link_warm(world.folder / "data")
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await bob.ticket("linux")
    for _ in range(600):
        if (await bob.get(f"/api/v1/sessions/{session}/guest")).status == 200:
            break
        await sleep(0.5)
    code, out, err = await guest(world, "info", session[:8], "--json")
    told = json.loads(out)
    assert told["os"] == "Debian GNU/Linux"
    code, out, err = await guest(world, "info", session)
    assert "Debian GNU/Linux 12 (bookworm)" in out
    for person in (ada, bob):  # an administrator, and whose session it is
        answer = await person.get(f"/api/v1/sessions/{session}/guest")
        assert answer.status == 200
        assert answer.json["host_name"] == told["host_name"]
    assert (await bob.get(f"/api/v1/sessions/{'0' * 32}/guest")).status == 404

    script = "cat; echo problem >&2; exit 7"
    given = b"\0any\xffthing"
    code, out, err = await guest(
        world, "run", session, "--input", "-", "--", "sh", "-c", "wc -c", given=given
    )
    assert (code, out.strip(), err) == (0, str(len(given)), "")
    assert await guest(world, "run", session, "--", "sh", "-c", script) == (7, "", "problem\n")
    assert (await guest(world, "run", session, "--", "sh", "-c", "kill -9 $$"))[0] == 137
    code, out, err = await guest(world, "run", "--seconds", "0.3", session, "sleep", "60")
    assert code == 255
    assert "goes on in the guest" in err
    code, out, err = await guest(world, "run", session, "nonsense")
    assert code == 255
    assert "nonsense" in err
    log = (world.gateway.layout.host(0) / "host.log").read_text()
    assert f'runs ["sh", "-c", "{script}"] in session {session} of bob' in log
    assert "code 7" in log

    shell = Shell(world)
    await guest(
        world, "run", session, "--", "sh", "-c", "cp /bin/sleep /tmp/lingers; /tmp/lingers 1000 >&- 2>&- &"
    )
    found = await shell.json("query", "process", "1", "--name", "lingers")
    assert [(each["user"], each["number"]) for each in found] == [("root", 1)]
    lines = (await shell.run("qprocess", "1", "--name", "lingers")).lines
    assert lines[0] == " USERNAME              SESSIONNAME        ID     PID  IMAGE"
    assert lines[1] == f" {'root':22}{'':17}{1:>4}{found[0]['pid']:>8}  lingers"
    ended = await shell.run("tskill", "lingers", "--session", "1", "--yes")
    assert ended.out == f"Ended: lingers ({found[0]['pid']}) in session 1 of bob.\n"
    assert (await shell.run("qprocess", "1", "--name", "lingers")).out == "No such processes run.\n"
