"""`tsadmin user`, `group`, `role`, `sign-in`, `token` and `audit`."""

from __future__ import annotations

import json

import pytest_twisted

from tests.tsgateway.admin.shell import Shell, Terminal
from tests.tsgateway.support import World


@pytest_twisted.ensureDeferred
async def test_accounts(world: World, shell: Shell):
    ran = await shell.run("user", "add", "carl", "--group", "users", "--name", "Carl C.", "--keep")
    password = ran.lines[1].removeprefix("password: ")
    answer = await world.request("POST", "/api/v1/login", {"name": "carl", "password": password})
    assert answer.status == 200
    assert "Carl C." in (await shell.run("user", "show", "carl")).out
    assert [each["name"] for each in await shell.json("user", "list", "--group", "administrators")] == ["ada"]
    (found,) = await shell.json("sign-in", "list", "carl")
    assert found["method"] == "password"
    assert (await shell.run("sign-in", "list", "carl")).lines[0].split() == [
        "ID",
        "METHOD",
        "FROM",
        "BEGAN",
        "USED",
    ]
    await shell.run("sign-in", "end", "carl", "--yes")
    assert await shell.json("sign-in", "list", "carl") == []
    new = "a long enough password\n"
    assert (await shell.run("user", "passwd", "carl", "--password-stdin", "--keep", given=new)).lines == [
        "The password of carl is set."
    ]
    assert (
        "has 12 to 1024"
        in (await shell.run("user", "passwd", "carl", "--password-stdin", given="x\n", status=2)).err
    )
    await shell.run("user", "passwd", "carl", "--password-stdin", status=2)
    await shell.run("user", "disable", "carl")
    answer = await world.request("POST", "/api/v1/login", {"name": "carl", "password": new.strip()})
    assert answer.status == 401
    await shell.run("user", "enable", "carl")
    assert "called         C." in (await shell.run("user", "change", "carl", "--name", "C.")).out
    await shell.run("user", "change", "carl", status=2)
    assert "has no second factor" in (await shell.run("user", "remove-totp", "carl", "--yes", status=1)).err
    await shell.run("user", "delete", "carl", status=2)
    await shell.run("user", "delete", "carl", "--yes")
    assert 'no account "carl"' in (await shell.run("user", "show", "carl", status=1)).err
    ran = await shell.run("user", "delete", "ada", "--yes", status=1)
    assert "administrator" in ran.err


@pytest_twisted.ensureDeferred
async def test_groups_and_roles(world: World, shell: Shell):
    await shell.run("group", "add", "staff", "--about", "All of us")
    await shell.run("group", "join", "staff", "bob")
    assert (await shell.run("group", "members", "staff")).out == "bob\n"
    assert (await shell.run("group", "members", "staff", "--json")).json == ["bob"]
    await shell.run("group", "describe", "staff", "All")
    listed = {each["name"]: each for each in await shell.json("group", "list")}
    assert (listed["staff"]["members"], listed["staff"]["description"]) == (1, "All")
    assert (await shell.run("role", "give", "operator", "--group", "staff", "--desktop", "one")).out == (
        "the group staff is operator of one from now on (role 1).\n"
    )
    assert (await shell.run("role", "list")).lines[1].split() == ["1", "operator", "group", "staff", "one"]
    assert (
        "there are owner, operator"
        in (await shell.run("role", "give", "king", "--user", "bob", status=2)).err
    )
    await shell.run("role", "give", "auditor", status=2)
    await shell.run("role", "take", "1", "--yes")
    assert await shell.json("role", "list") == []
    await shell.run("group", "leave", "staff", "bob")
    assert (await shell.run("group", "members", "staff")).out == "Nobody is in staff.\n"
    await shell.run("group", "delete", "staff", "--yes")
    assert "administrators" in (await shell.run("group", "delete", "administrators", "-y", status=1)).err


@pytest_twisted.ensureDeferred
async def test_tokens(world: World, shell: Shell):
    assert "say whose token" in (await shell.run("token", "make", "robot", status=2)).err
    secret = (await shell.run("token", "make", "robot", "--for", "bob", "--read-only", "--days", "1")).out
    file = world.folder / "token"
    file.write_text(secret)
    answer = await world.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer {secret.strip()}"})
    assert answer.json["user"]["name"] == "bob"
    (found,) = await shell.json("token", "list", "--user", "bob")
    assert (found["name"], found["read_only"]) == ("robot", True)
    line = (await shell.run("token", "list")).lines[1]
    assert line.split()[:5] == [found["id"], "bob", "robot", "all", "reads"]

    def yes(terminal: Terminal) -> None:
        terminal.expect("Revoke it?")
        terminal.type("y\n")

    await shell.terminal("token", "revoke", found["id"], script=yes)
    assert (await shell.run("token", "list")).out == "There are no tokens.\n"
    await shell.run("token", "revoke", found["id"], "-y", status=1)


@pytest_twisted.ensureDeferred
async def test_the_audit_is_searched_followed_exported_and_checked(world: World, shell: Shell):
    await shell.run("group", "add", "staff")
    await world.request("POST", "/api/v1/login", {"name": "ada", "password": "wrong"})
    for _ in range(100):
        found = (await shell.json("audit", "search", "--kind", "admin.make-group"))["records"]
        if found:
            break
    assert found[0]["who"].startswith("local:")
    ran = await shell.run("audit", "search", "--who", "ada", "--since", "1h", "--limit", "1")
    assert "sign-in.refused" in ran.out
    assert (await shell.run("audit", "search", "nothing-like-this")).out == "There are no such records.\n"
    exported = [json.loads(line) for line in (await shell.run("audit", "export")).lines]
    assert [each["seq"] for each in exported] == list(range(1, len(exported) + 1))
    syslog = (await shell.run("audit", "export", "--form", "syslog", "--after", "2")).lines
    assert all(line.startswith("<") for line in syslog)
    assert "The audit is whole: records 1 to" in (await shell.run("audit", "verify")).out
    assert (await shell.run("audit", "key")).out.startswith("-----BEGIN PUBLIC KEY-----")
    lines = (await shell.run("audit", "tail", "--no-follow", "--lines", "2", "--kind", "sign-in")).lines
    assert "sign-in.refused" in lines[-1]

    def script(terminal: Terminal) -> None:
        terminal.expect("gateway.started")
        terminal.interrupt()

    await shell.terminal("audit", "tail", "--lines", "500", script=script, status=130, size=(200, 50))


@pytest_twisted.ensureDeferred
async def test_the_doctor(world: World, shell: Shell):
    ran = await shell.run("doctor")
    assert [line.split()[:2] for line in ran.lines] == [
        ["ok", name]
        for name in (
            "gateway", "readiness", "version", "you", "certificate", "hosts", "desktops", "images", "audit",
        )
    ]  # fmt: skip
    told = {each["what"]: each for each in await shell.json("doctor")}
    assert told["certificate"]["text"].startswith("SHA-256 ")
    await shell.run("logon", "--drain")
    ran = await shell.run("doctor", status=1)
    assert "!!  hosts       logons are set to drain" in ran.out
