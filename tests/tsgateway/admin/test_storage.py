"""`tsadmin disk`, `image` and `pool`, beside a running gateway."""

from __future__ import annotations

import subprocess

import pytest_twisted

from sessions.guests.qemu.personal import PersonalDisk
from sessions.images.store import Image, ImageStore, describe
from tests.tsgateway.admin.shell import Shell, Terminal
from tests.tsgateway.support import World, sleep
from tsgateway.hosts.place import HOST_COMMAND


def image_one(world: World) -> ImageStore:
    """Make the image "one"."""
    images = ImageStore(world.gateway.layout.images)
    with images.writing("one") as made:
        base = made / "base.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "4M"], check=True)
        describe(made, Image(name="one", folder=made, kind="disk", version="v1", memory_mb=64, disk=base))
    return images


def disk_of(world: World, images: ImageStore, user: str) -> PersonalDisk:
    """A user's disk, in use."""
    own = PersonalDisk(world.gateway.layout.disks, "office", user)
    assert own.lock()
    own.ready(images, "one", "qemu-img")
    return own


@pytest_twisted.ensureDeferred
async def test_disks_are_listed_and_reset(world: World, shell: Shell):
    images = image_one(world)
    ada, bob = (disk_of(world, images, name) for name in ("ada", "Bob B"))
    ada.release()
    disk_of(world, images, "\x1b[31m").release()
    ran = await shell.run("disk", "list")
    assert [line.split()[0] for line in ran.lines] == ["DESKTOP", "office", "office", "office"]
    assert "\x1b" not in ran.out
    listed = {each["user"]: each for each in await shell.json("disk", "list")}
    assert (listed["ada"]["in_use"], listed[bob.user]["in_use"]) == (False, True)
    assert (listed["ada"]["image"], listed["ada"]["version"], listed["ada"]["problem"]) == ("one", "v1", "")
    ran = await shell.run("disk", "reset", "office", bob.user, "--yes", status=1)
    assert "in use; end that session first" in ran.err
    bob.release()

    def answer(keys: str):
        def script(terminal: Terminal) -> None:
            terminal.expect("Everything that ada has kept in office is lost")
            terminal.type(keys)

        return script

    await shell.terminal("disk", "reset", "office", "ada", script=answer("n\n"), status=1)
    shown = await shell.terminal("disk", "reset", "office", "ada", script=answer("y\n"))
    assert "Removed: the disk of ada for office." in shown
    assert (
        "No disk is kept for ada" in (await shell.run("disk", "reset", "office", "ada", "-y", status=1)).err
    )
    assert [each["user"] for each in await shell.json("disk", "list")] == ["\x1b[31m", bob.user]
    (bob.folder / "disk" / "owner.json").unlink()
    assert "cannot be used: " in (await shell.run("disk", "list")).out


@pytest_twisted.ensureDeferred
async def test_images_are_listed_and_deleted(world: World, shell: Shell):
    disk_of(world, image_one(world), "ada").release()
    assert (await shell.run("image", "list")).lines[1].split()[-3:] == ["1", "boot", "v1"]
    ran = await shell.run("image", "delete", "one", "--yes", status=1)
    assert "the disk of ada for office" in ran.err
    await shell.run("disk", "reset", "office", "ada", "--yes")
    await shell.run("image", "delete", "one", status=2)
    assert (await shell.run("image", "delete", "one", "--yes")).out == "Removed: the image one.\n"
    assert "There is no image 'one'" in (await shell.run("image", "delete", "one", "--yes", status=1)).err


@pytest_twisted.ensureDeferred
async def test_pools_are_listed():
    cards = {
        "card": {"title": "Card", "kind": "testcard", "groups": ["users"], "pool": {"warm": 2, "max": 2}},
        "bad": {"title": "Bad", "kind": "testcard", "fps": 1000, "pool": {"warm": 1}},
        "plain": {"title": "Plain", "kind": "testcard"},
    }
    world = World(host_command=HOST_COMMAND, desktops=cards)
    try:
        await world.start()
        shell = Shell(world)
        await (await world.sign_in()).ticket("card")
        rows = {}
        for _ in range(60):
            rows = {row["desktop"]: row for row in await shell.json("pool", "list")}
            if rows["card"]["ready"] and rows["bad"]["trouble"]:
                break
            await sleep(0.5)
        assert set(rows) == {"card", "bad"}
        card, bad = rows["card"], rows["bad"]
        assert (card["wanted"], card["in_use"], card["max"], card["trouble"]) == (1, 1, 2, "")
        assert (bad["ready"], bad["in_use"], bad["max"]) == (0, 0, 0)
        assert bad["trouble"].startswith("“fps” of this test card is 1000")
        assert "“fps” of this test card" in (await shell.run("pool", "list")).out
        ran = await shell.run("doctor", status=1)
        assert "!!  desktops    the pool of bad: “fps”" in ran.out
    finally:
        await world.stop()
