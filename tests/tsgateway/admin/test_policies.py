"""`tsadmin policy`: kept in order, edited as files and in an editor, explained."""

from __future__ import annotations

import json
import os
import tomllib

import pytest_twisted

from tests.tsgateway.admin.shell import Shell, Terminal
from tests.tsgateway.support import World

NIGHT = """
name = "Night"
kind = "connection"
effect = "deny"
users = ["bob"]

[when]
zone = "UTC"
times = ["22:00-06:00"]
"""


@pytest_twisted.ensureDeferred
async def test_policies_are_made_moved_switched_and_deleted(world: World, shell: Shell):
    file = world.folder / "night.toml"
    file.write_text(NIGHT)
    ran = await shell.run("policy", "list")
    assert [line.split()[:3] for line in ran.lines[1:]] == [
        ["1", "connection", "allow"],
        ["2", "resource", "allow"],
    ]
    assert (await shell.run("policy", "add", str(file))).out == "Made: the policy Night, number 3.\n"
    assert (await shell.run("policy", "move", "night", "--before", "Everybody")).out.startswith(
        "Night is tried as number 1 of 2 connection"
    )

    async def order() -> list[str]:
        return [each["policy"]["name"] for each in (await shell.json("policy", "list"))["policies"]]

    assert (await order())[:2] == ["Night", "Everybody"]
    line = (await shell.run("policy", "list")).lines[1]
    assert line.split("  ")[-1].strip() == "22:00-06:00 (UTC)"
    await shell.run("policy", "move", "3", "--last")
    assert (await order())[:2] == ["Everybody", "Night"]
    await shell.run("policy", "disable", "Night")
    assert "disabled" in (await shell.run("policy", "list")).out
    await shell.run("policy", "enable", "3")
    shown = await shell.run("policy", "show", "Night")
    assert tomllib.loads(shown.out)["when"] == {"zone": "UTC", "times": ["22:00-06:00"]}
    file.write_text(shown.out.replace("22:00", "21:00"))
    await shell.run("policy", "edit", "Night", str(file))
    told = await shell.json("policy", "show", "Night")
    assert told["policy"]["when"]["times"] == ["21:00-06:00"]
    await shell.run("policy", "edit", "Night", "-", given=json.dumps(told))
    assert (await shell.run("policy", "delete", "Night", "--yes")).out == "Deleted: the policy Night.\n"
    ran = await shell.run("policy", "show", "Night", status=1)
    assert ran.err == "tsadmin: no policy Night; there are 1 (Everybody), 2 (Desktops as configured)\n"
    await shell.run("policy", "move", "1", status=2)
    assert (
        "not two policies of one kind"
        in (await shell.run("policy", "move", "1", "--after", "2", status=2)).err
    )


@pytest_twisted.ensureDeferred
async def test_half_typed_policies_are_refused(world: World, shell: Shell):
    for text, told in (
        ('name = "x"\nkind = "connection"\nuser = ["bob"]', 'a policy has no "user"; did you mean "users"?'),
        ('kind = "connection"', 'a policy needs a "name"'),
        ('name = "x', "not valid TOML"),
        ('{"name": "x",', "not valid JSON"),
        ('name = "x"\nkind = "connection"\nusers = ["*"]\nnetworks = ["10.1.2.3/16"]', "networks[0]"),
        ('name = "x"\nkind = "connection"\nusers = "bob"', "users"),
    ):
        ran = await shell.run("policy", "add", "-", given=text, status=2)
        assert told in ran.err, ran.err
    assert "No such file" in (await shell.run("policy", "add", "/no/such/file", status=2)).err
    assert len((await shell.json("policy", "list"))["policies"]) == 2


@pytest_twisted.ensureDeferred
async def test_a_policy_is_edited_in_an_editor(world: World, shell: Shell):
    editor = world.folder / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/Everybody/Everyone/ "$1"\n')
    editor.chmod(0o755)
    environment = {"EDITOR": str(editor), "VISUAL": ""}
    shown = await shell.terminal("policy", "edit", "Everybody", environment=environment)
    assert "Changed: the policy Everyone." in shown
    editor.write_text('#!/bin/sh\nsed -i s/kind/kin/ "$1"\n')

    def no(terminal: Terminal) -> None:
        terminal.expect('a policy has no "kin"; did you mean "kind"?\nEdit it again?')
        terminal.type("n\n")

    shown = await shell.terminal("policy", "edit", "1", script=no, environment=environment, status=1)
    assert "nothing was changed" in shown
    editor.write_text("#!/bin/sh\ntrue\n")
    assert "nothing was changed" in await shell.terminal(
        "policy", "edit", "1", environment=environment, status=1
    )
    await shell.run("policy", "edit", "1", status=2)


@pytest_twisted.ensureDeferred
async def test_what_would_be_decided_and_what_was(world: World, shell: Shell):
    await shell.run("policy", "add", "-", given=NIGHT)
    await shell.run("policy", "move", "Night", "--first")
    words = ("policy", "explain", "bob", "one", "--from", "10.1.2.3", "--zone", "UTC")
    ran = await shell.run(*words, "--at", "Mon 08:00")
    assert ran.lines[-1].startswith("bob gets one: ")
    ran = await shell.run(*words, "--at", "Mon 23:00")
    assert ran.lines[-1].startswith("bob does not get one: ")
    assert any("Night" in line and "denies" in line for line in ran.lines)
    assert (await shell.json(*words, "--at", "Mon 23:00"))["allowed"] is False
    assert "times are written like" in (await shell.run(*words, "--at", "noon", status=2)).err
    assert 'no desktop "none"' in (await shell.run("policy", "explain", "bob", "none", status=1)).err
    assert "No decision is known" in (await shell.run("policy", "decision", "AAAA-AAAA", status=1)).err
    await shell.run("policy", "edit", "Night", "-", given=NIGHT.split("[when]", maxsplit=1)[0])
    bob = await world.sign_in("bob")
    refused = await bob.post("/api/v1/desktops/one/connect", {})
    assert refused.status == 403
    reference = refused.json["error"]["reference"]
    ran = await shell.run("policy", "decision", reference.lower())
    assert f"reference     {reference}" in ran.out
    assert "refused: " in ran.out
    assert os.linesep in ran.out
