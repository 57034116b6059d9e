"""`tsgateway pool`, `disk` and `image delete`, as a person and as a program uses them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from click.testing import CliRunner
from twisted.internet.threads import deferToThread

from sessions.guests.qemu.personal import PersonalDisk
from sessions.guests.qemu.warm.store import Template, WarmStore
from sessions.images.store import Image, ImageStore, describe
from tests.tsgateway.support import World, sleep
from tsgateway.cli.disk import disk
from tsgateway.cli.doctor import doctor
from tsgateway.cli.image import image
from tsgateway.cli.pool import pool
from tsgateway.hosts.place import HOST_COMMAND

ROOT = Path(__file__).parents[2]


class Place:
    """A data directory and its configuration, with the image "one"."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.images = ImageStore(self.data / "images")
        self.config = folder / "c.toml"
        self.configure()
        with self.images.writing("one") as made:
            create = ["qemu-img", "create", "-q", "-f", "qcow2", made / "base.qcow2", "4M"]
            subprocess.run(create, check=True)
            base = made / "base.qcow2"
            describe(made, Image(name="one", folder=made, kind="disk", version="v1", memory_mb=64, disk=base))

    def configure(self, more: str = '[desktops.card]\ntitle = "Card"\nkind = "testcard"\n') -> None:
        self.config.write_text(f'data.directory = "{self.data}"\n{more}')

    def run(self, command, *arguments: str, status: int = 0, says: str | None = None) -> str:
        done = CliRunner().invoke(command, [*arguments, "--config", str(self.config)], input=says)
        assert done.exit_code == status, done.output
        assert "Traceback" not in done.output
        return done.output

    def own_disk(self, user: str, desktop: str = "office") -> PersonalDisk:
        """A user's disk, in use."""
        own = PersonalDisk(self.data / "disks", desktop, user)
        assert own.lock()
        own.ready(self.images, "one", "qemu-img")
        return own


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# ---- disks


def test_disks_are_listed_and_reset(place: Place):
    assert "No personal disks" in place.run(disk, "list")
    assert json.loads(place.run(disk, "list", "--json")) == []
    place.own_disk("ada").release()
    bob = place.own_disk("Bob \x1b[31m")
    lines = place.run(disk, "list").splitlines()
    assert [line.split()[0] for line in lines] == ["DESKTOP", "office", "office"]
    assert "\x1b" not in "".join(lines)
    listed = {each["user"]: each for each in json.loads(place.run(disk, "list", "--json"))}
    assert (listed["ada"]["in_use"], listed["Bob \x1b[31m"]["in_use"]) == (False, True)
    assert (listed["ada"]["image"], listed["ada"]["version"], listed["ada"]["problem"]) == ("one", "v1", "")
    assert "in use; end that session first" in place.run(disk, "reset", "office", bob.user, "--yes", status=1)
    bob.release()
    assert "Aborted" in place.run(disk, "reset", "office", "ada", says="n\n", status=1)
    assert "Removed" in place.run(disk, "reset", "office", "ada", says="y\n")
    assert "no disk is kept for ada" in place.run(disk, "reset", "office", "ada", "--yes", status=1)
    assert [each["user"] for each in json.loads(place.run(disk, "list", "--json"))] == [bob.user]


def test_a_disk_that_cannot_be_used_says_why(place: Place):
    own = place.own_disk("ada")
    own.release()
    (own.folder / "disk" / "owner.json").unlink()
    assert "cannot be used: " in place.run(disk, "list")
    said = CliRunner().invoke(doctor, ["--config", str(place.config)]).output
    assert "the disk of ada for office cannot be used" in said


# ---- images


def test_an_image_that_nothing_uses_is_deleted(place: Place):
    assert place.run(image, "list").splitlines()[1].split()[-3:] == ["0", "boot", "v1"]
    assert "Aborted" in place.run(image, "delete", "one", says="n\n", status=1)
    assert "removed" in place.run(image, "delete", "one", "--yes")
    assert list(place.images.folder.iterdir()) == []
    assert "There is no image 'one'" in place.run(image, "delete", "one", "--yes", status=1)
    assert "There is no image '../one'" in place.run(image, "delete", "../one", "--yes", status=1)


def test_warm_templates_of_a_deleted_image_go_with_it(place: Place):
    warm = WarmStore(place.data / "warm")
    for key, of in (("a" * 32, "one"), ("b" * 32, "another")):
        made = Template(key, of, "v1", 64, 1, (7, 2, 0), 1.0)
        partial = warm.begin(key)
        warm.describe(partial.folder, made)
        warm.put(partial, made)
        partial.drop()
    assert len(warm.list()) == 2
    place.run(image, "delete", "one", "--yes")
    assert [template.image for template in warm.list()] == ["another"]


def test_a_broken_image_is_deleted_too(place: Place):
    (place.images.folder / "one" / "image.json").write_text("{")
    place.run(image, "delete", "one", "--yes")
    assert list(place.images.folder.iterdir()) == []


def test_an_image_in_use_stays_and_by_whom_is_said(place: Place):
    guests = place.data / "hosts" / "0" / "guests"
    spec = {"kind": "qemu", "template": "one"}
    for name, file, table in (
        ("a" * 32, "session.json", {"session": "a" * 32, "user": "ada", "desktop": "d", "spec": spec}),
        ("b" * 32, "spare.json", {"desktop": "lab", "spec": spec}),
        ("c" * 32, "session.json", {"session": "c" * 32, "user": "bob", "spec": {"kind": "testcard"}}),
        ("d" * 32, "session.json", "rubbish"),
        ("houses/qemu-shared/m", "guest.json", {"image": "one"}),
    ):
        (guests / name).mkdir(parents=True)
        (guests / name / file).write_text(json.dumps(table))
    place.own_disk("ada").release()
    place.configure('[desktops.office]\ntitle = "O"\nkind = "qemu"\ntemplate = "one"\n')
    said = place.run(image, "delete", "one", "--yes", status=1)
    for use in (
        "the configured desktop office", "session aaaaaaaa of ada", "a guest of lab that stands ready",
        "a machine that people share", "the disk of ada for office",
    ):  # fmt: skip
        assert use in said
    assert "bob" not in said
    assert (place.images.folder / "one" / "base.qcow2").exists()
    assert place.run(image, "list").splitlines()[1].split()[-3:] == ["4", "boot", "v1"]
    [listed] = json.loads(place.run(image, "list", "--json"))["images"]
    assert len(listed["used_by"]) == 5


def test_somebody_who_takes_the_image_while_it_is_asked_about_keeps_it(place: Place, monkeypatch):
    """Between the question and the answer a personal disk is made from it."""
    monkeypatch.setattr("click.confirm", lambda *_, **__: place.own_disk("ada").release())
    assert "the disk of ada" in place.run(image, "delete", "one", status=1)
    assert place.images.get("one").version == "v1"


def test_an_image_is_not_deleted_while_a_guest_takes_its_files(place: Place):
    lock = os.open(place.images.folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    command = [sys.executable, "-m", "tsgateway.cli.main", "image", "delete", "one", "--yes"]
    deleting = subprocess.Popen([*command, "--config", place.config], cwd=ROOT)
    with pytest.raises(subprocess.TimeoutExpired):
        deleting.wait(3)
    assert place.images.get("one").version == "v1"
    os.close(lock)
    assert deleting.wait(120) == 0
    assert list(place.images.folder.iterdir()) == []


# ---- pools


def test_without_pools_or_hosts(place: Place):
    assert "No desktop has a pool." in place.run(pool, "list")
    place.configure('[desktops.card]\ntitle = "C"\nkind = "testcard"\npool.warm = 1\n')
    assert "no session host runs" in place.run(pool, "list", status=1)


@pytest_twisted.ensureDeferred
async def test_pools_are_listed_beside_the_gateway():
    cards = {
        "card": {"title": "Card", "kind": "testcard", "groups": ["users"], "pool": {"warm": 2, "max": 2}},
        "bad": {"title": "Bad", "kind": "testcard", "fps": 1000, "pool": {"warm": 1}},
        "plain": {"title": "Plain", "kind": "testcard"},
    }
    world = World(host_command=HOST_COMMAND, desktops=cards)
    try:
        await world.start()
        ada = await world.sign_in()
        await ada.ticket("card")
        config = world.folder / "c.toml"
        lines = [f'data.directory = "{world.folder}/data"']
        for name, table in cards.items():
            lines.append(f"[desktops.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if key != "pool"]
            lines += [f"pool.{key} = {value}" for key, value in table.get("pool", {}).items()]
        config.write_text("\n".join(lines))
        rows = {}

        def asked(*more):
            done = CliRunner().invoke(pool, ["list", *more, "--config", str(config)])
            assert done.exit_code == 0, done.output
            return done.output

        for _ in range(60):
            rows = {row["desktop"]: row for row in json.loads(await deferToThread(asked, "--json"))}
            if rows["card"]["ready"] and rows["bad"]["trouble"]:
                break
            await sleep(0.5)
        assert set(rows) == {"card", "bad"}
        card, bad = rows["card"], rows["bad"]
        assert (card["wanted"], card["in_use"], card["max"], card["trouble"]) == (1, 1, 2, "")
        assert (bad["ready"], bad["in_use"], bad["max"]) == (0, 0, 0)
        assert bad["trouble"].startswith("“fps” of this test card is 1000")
        assert "“fps” of this test card" in await deferToThread(asked)
    finally:
        await world.stop()
