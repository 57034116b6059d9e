"""`tsgateway guest` and the API beside it: a real desktop with its agent, and a guest that has none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.images_fixture import desktop_image
from tests.tsgateway.support import World, running, sleep

ROOT = Path(__file__).parents[2]
DESKTOPS = {
    "card": {"title": "Card", "kind": "testcard", "users": ["bob"], "fps": 0},
    "linux": {
        "title": "Linux", "kind": "qemu", "users": ["bob"], "template": "desktop",
        "start": "boot",  # or a template would be built meanwhile
    },
}  # fmt: skip
QEMU = {"accelerator": "tcg", "boot_seconds": 300}


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS, guests={"qemu": QEMU}):
        yield made


async def guest(world: World, *words: str, given: bytes = b"") -> tuple[int, str, str]:
    """Run the command; return its exit code, its output and its error output."""
    config = world.folder / "c.toml"
    config.write_text(f'data.directory = "{world.folder / "data"}"\n')
    done = await deferToThread(
        subprocess.run,
        [sys.executable, "-m", "tsgateway.cli.main", "guest", words[0], "--config", str(config), *words[1:]],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
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
        1, "", "tsgateway: No agent runs in this session's guest, or the guest does not run.\n",
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
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await bob.ticket("linux")
    for _ in range(600):
        if (await bob.get(f"/api/v1/sessions/{session}/guest")).status == 200:
            break
        await sleep(0.5)
    code, out, err = await guest(world, "info", "--json", session[:8])
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
