"""A guest's own names for its image's files."""

import subprocess
import threading

import pytest

from sessions.guests.base import GuestError
from sessions.guests.qemu import disk
from sessions.images.store import Image, ImageStore, describe


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


def build(store, content):
    with store.writing("one") as folder:
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "disk.qcow2", "4M"], check=True)
        (folder / "vmlinux").write_text(content)
        (folder / "initrd").write_text(content)
        describe(
            folder,
            Image(
                name="one", folder=folder, kind="disk", version=content, memory_mb=64,
                disk=folder / "disk.qcow2", kernel=folder / "vmlinux", initrd=folder / "initrd",
            ),
        )  # fmt: skip


def test_a_start_that_was_cut_off_is_begun_anew_and_harms_no_other_guest(store, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    build(store, "old")
    for folder in (ours, theirs):
        disk.take(store, "one", folder)
    assert disk.take(store, "one", ours).kernel.read_text() == "old"
    build(store, "new")
    assert disk.take(store, "one", ours).kernel.read_text() == "new"
    assert (theirs / "kernel").read_text() == "old"


def test_files_are_shared_with_the_image_and_stay_when_it_is_replaced(store, tmp_path):
    build(store, "old")
    image = disk.take(store, "one", tmp_path)
    assert image.kernel.stat().st_ino == (store.folder / "one" / "vmlinux").stat().st_ino
    build(store, "new")
    assert (image.version, image.kernel.read_text(), image.initrd.read_text()) == ("old", "old", "old")
    disk.clone("qemu-img", image)
    said = subprocess.run(["qemu-img", "check", tmp_path / "disk.qcow2"], check=False, capture_output=True)
    assert said.returncode == 0
    disk.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    assert (store.folder / "one" / "vmlinux").read_text() == "new"


def test_on_another_file_system_they_are_copies(store, tmp_path, monkeypatch):
    build(store, "old")

    def other_file_system(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", other_file_system)
    image = disk.take(store, "one", tmp_path)
    assert image.kernel.read_text() == "old"
    assert image.disk.read_bytes() == (store.folder / "one" / "disk.qcow2").read_bytes()
    (tmp_path / "full").mkdir()
    with pytest.raises(GuestError, match="cannot be copied"):
        disk.take(store, "one", tmp_path / "full" / "missing")


def test_an_image_is_not_replaced_between_two_of_its_files(store, tmp_path):
    build(store, "old")
    with store.steady():
        builder = threading.Thread(target=build, args=(store, "new"))
        builder.start()
        builder.join(0.5)
        assert builder.is_alive()
        assert store.get("one").version == "old"
    builder.join(30)
    assert store.get("one").version == "new"


@pytest.mark.parametrize("name", ["two", "../one", ""])
def test_an_image_that_is_not_there(store, tmp_path, name):
    with pytest.raises(GuestError, match="does not exist"):
        disk.take(store, name, tmp_path)
