"""What is made from an image, and the deletion of those that nothing is made from."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from sessions.guests.qemu.personal import PersonalDisk
from sessions.guests.qemu.warm.store import Template, WarmStore
from sessions.images import ImageError
from sessions.images.store import Image, ImageStore, describe
from tsgateway.cli.doctor import doctor
from tsgateway.config import Config, load
from tsgateway.hosts.uses import ImageInUse, remove_image, uses_of_images
from tsgateway.layout import Layout


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

    @property
    def loaded(self) -> Config:
        return load(self.config)

    @property
    def layout(self) -> Layout:
        return Layout.of(self.loaded)

    def delete(self, name: str = "one") -> None:
        remove_image(self.loaded, self.layout, name)

    def own_disk(self, user: str, desktop: str = "office") -> PersonalDisk:
        """A user's disk, in use."""
        own = PersonalDisk(self.data / "disks", desktop, user)
        assert own.lock()
        own.ready(self.images, "one", "qemu-img")
        return own


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_disk_that_cannot_be_used_says_why(place: Place):
    own = place.own_disk("ada")
    own.release()
    (own.folder / "disk" / "owner.json").unlink()
    said = CliRunner().invoke(doctor, ["--config", str(place.config)]).output
    assert "the disk of ada for office cannot be used" in said


def test_an_image_that_nothing_uses_is_deleted(place: Place):
    assert uses_of_images(place.loaded, place.layout) == {}
    place.delete()
    assert list(place.images.folder.iterdir()) == []
    for name in ("one", "../one"):
        with pytest.raises(ImageError, match=f"There is no image '{name}'"):
            place.delete(name)


def test_warm_templates_of_a_deleted_image_go_with_it(place: Place):
    warm = WarmStore(place.data / "warm")
    for key, of in (("a" * 32, "one"), ("b" * 32, "another")):
        made = Template(key, of, "v1", 64, 1, (7, 2, 0), 1.0)
        partial = warm.begin(key)
        warm.describe(partial.folder, made)
        warm.put(partial, made)
        partial.drop()
    assert len(warm.list()) == 2
    place.delete()
    assert [template.image for template in warm.list()] == ["another"]


def test_a_broken_image_is_deleted_too(place: Place):
    (place.images.folder / "one" / "image.json").write_text("{")
    place.delete()
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
    with pytest.raises(ImageInUse) as refused:
        place.delete()
    said = str(refused.value)
    for use in (
        "the configured desktop office", "session aaaaaaaa of ada", "a guest of lab that stands ready",
        "a machine that people share", "the disk of ada for office",
    ):  # fmt: skip
        assert use in said
    assert "bob" not in said
    assert (place.images.folder / "one" / "base.qcow2").exists()
    uses = uses_of_images(place.loaded, place.layout)["one"]
    assert (uses.count, len(uses.all)) == (4, 5)


def test_an_image_is_not_deleted_while_a_guest_takes_its_files(place: Place):
    lock = os.open(place.images.folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    deleting = threading.Thread(target=place.delete)
    deleting.start()
    deleting.join(3)
    assert deleting.is_alive()
    assert place.images.get("one").version == "v1"
    os.close(lock)
    deleting.join(120)
    assert list(place.images.folder.iterdir()) == []
