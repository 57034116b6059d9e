"""`tsadmin invitation` against the whole gateway."""

import pytest_twisted

from tests.tsgateway.admin.shell import Shell
from tests.tsgateway.support import World, running
from tests.tsgateway.test_invitations import DESKTOPS, invite


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS):
        yield made


@pytest_twisted.ensureDeferred
async def test_invitations_are_listed_without_their_secret_and_revoked(world: World, shell: Shell):
    assert "There are no invitations" in (await shell.run("invitation", "list")).out
    ada = await world.sign_in("ada")
    session, _ = await ada.ticket("open")
    id, secret = await invite(ada, session, anybody=True, control=True, uses=3)
    ran = await shell.run("invitation", "list")
    assert ran.lines[1].split()[:7] == [
        id,
        "ada",
        "open",
        "control",
        "anybody",
        "0/3",
        ran.lines[1].split()[6],
    ]
    assert secret not in ran.out
    (found,) = await shell.json("invitation", "list")
    assert (found["id"], found["session"], found["guests"]) == (id, session, [])
    assert f"Revoked: the invitation {id}" in (await shell.run("invitation", "revoke", id, "--yes")).out
    assert await shell.json("invitation", "list") == []
    assert "no such invitation" in (await shell.run("invitation", "revoke", id, "--yes", status=1)).err
