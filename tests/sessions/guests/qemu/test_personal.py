"""Disks that are kept for their users."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.guests.base import GuestError
from sessions.guests.qemu import disk, personal
from sessions.guests.qemu.personal import DiskInUse, PersonalDisk, kept_disks, remove, safe_name
from sessions.images.store import Image, ImageStore, describe
from tests.sessions.images.test_full_disk import MOUNTED, NAMESPACE

MEGABYTE = 1 << 20


@pytest.fixture
def store(tmp_path):
    store = ImageStore(tmp_path / "images")
    build(store, "first")
    return store


@pytest.fixture
def disks(tmp_path):
    return tmp_path / "disks"


def build(store, version, *, with_disk=True):
    """Make the image "one", with an empty disk and a kernel that says the version."""
    with store.writing("one") as folder:
        create = ["qemu-img", "create", "-q", "-f", "qcow2", folder / "base.qcow2", "4M"]
        subprocess.run(create, check=True)
        (folder / "vmlinux").write_text(version)
        image = Image(
            name="one", folder=folder, kind="disk", version=version, memory_mb=64,
            disk=folder / "base.qcow2" if with_disk else None, kernel=folder / "vmlinux",
        )  # fmt: skip
        describe(folder, image)


def write(overlay, byte):
    subprocess.run(["qemu-io", "-c", f"write -P {byte} 0 64k", overlay], check=True, capture_output=True)


def holds(overlay, byte):
    read = ["qemu-io", "-r", "-c", f"read -P {byte} 0 64k", overlay]
    return subprocess.run(read, check=False, capture_output=True).returncode == 0


def used(disks, store, user="ada", desktop="office"):
    """Make a user's disk ready, as for a session that has ended at once."""
    own = PersonalDisk(disks, desktop, user)
    assert own.lock()
    try:
        return own.ready(store, "one", "qemu-img")
    finally:
        own.release()


# ---- names


@given(st.text(), st.text())
def test_no_two_names_are_the_same_file(one, other):
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(st.text(max_size=2000))
def test_a_name_is_one_plain_path_component(name):
    safe = safe_name(name)
    assert safe.isascii()
    assert safe.isprintable()
    assert 0 < len(safe) < 256
    assert "/" not in safe
    assert not safe.startswith(".")


def test_ordinary_names_stay_readable():
    assert safe_name("ada.lovelace@example.org") == "ada.lovelace%40example.org"


# ---- the life of a disk


def test_a_disk_is_kept_and_a_new_image_does_not_disturb_it(disks, store):
    image = used(disks, store)
    write(image.folder / disk.OVERLAY, 7)
    build(store, "second")
    again = used(disks, store)
    assert (again.version, again.kernel.read_text(), again.folder) == ("first", "first", image.folder)
    assert holds(again.folder / disk.OVERLAY, 7)
    others = used(disks, store, "bob")
    assert others.version == "second"
    assert not holds(others.folder / disk.OVERLAY, 7)


@pytest.mark.parametrize(
    "user", ["../../etc", "a/b", ".", "..", "", "Zoë Ünal", "x" * 300, "\0", "a\nb", "\udcff"]
)
def test_odd_users_have_disks_too(disks, store, user):
    image = used(disks, store, user)
    assert image.folder.is_relative_to(disks)
    assert len(image.folder.relative_to(disks).parts) == 3
    [kept] = kept_disks(disks)
    assert (kept.desktop, kept.user, kept.image, kept.version) == ("office", user, "one", "first")
    assert (kept.in_use, kept.problem) == (False, "")
    assert remove(disks, "office", user)
    assert list(disks.iterdir()) == []


def test_it_is_for_one_at_a_time(disks, store):
    first, second = PersonalDisk(disks, "office", "ada"), PersonalDisk(disks, "office", "ada")
    assert first.lock()
    assert not second.lock()
    first.ready(store, "one", "qemu-img")
    assert [kept.in_use for kept in kept_disks(disks)] == [True]
    with pytest.raises(DiskInUse):
        remove(disks, "office", "ada")
    first.release()
    assert second.lock()
    second.release()


def test_whoever_inherits_the_lock_keeps_it(disks, store):
    used(disks, store)
    own = PersonalDisk(disks, "office", "ada")
    assert own.lock()
    holder = subprocess.Popen(["sleep", "60"], pass_fds=(own.descriptor,))
    own.release()
    try:
        assert not own.lock()
        assert [kept.in_use for kept in kept_disks(disks)] == [True]
    finally:
        holder.kill()
        holder.wait()
    assert own.lock()
    own.release()


def test_removing_one_that_is_not_there(disks, store):
    assert not remove(disks, "office", "ada")
    used(disks, store)
    assert not remove(disks, "office", "bob")
    assert [kept.user for kept in kept_disks(disks)] == ["ada"]


def test_a_lock_taken_on_a_folder_that_was_just_removed_counts_for_nothing(disks, store, monkeypatch):
    """Between opening the file and locking it, another removes the folder and makes it anew."""
    used(disks, store)
    flock, calls = fcntl.flock, []

    def meanwhile(descriptor, how):
        if not calls:
            calls.append(how)
            monkeypatch.undo()
            assert remove(disks, "office", "ada")
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", meanwhile)
    own = PersonalDisk(disks, "office", "ada")
    assert own.lock()
    assert os.path.samestat(os.fstat(own.descriptor), (own.folder / personal.LOCK).lstat())
    own.release()


# ---- what goes wrong


KILLED = """
import os, sys
from pathlib import Path
from sessions.guests.qemu import disk, personal
from sessions.images.store import ImageStore

disks, images, where = sys.argv[1:]
steps = {"linked": (disk, "clone"), "cloned": (disk, "describe"), "described": (personal, "write_whole"),
         "owned": (Path, "rename")}
module, name = steps[where]
setattr(module, name, lambda *_: os._exit(9))
own = personal.PersonalDisk(Path(disks), "office", "ada")
own.lock()
own.ready(ImageStore(Path(images)), "one", "qemu-img")
"""


@pytest.mark.parametrize("where", ["linked", "cloned", "described", "owned"])
def test_one_half_made_by_a_host_that_was_killed_is_made_again(disks, store, where):
    program = [sys.executable, "-c", KILLED, disks, store.folder, where]
    assert subprocess.run(program, check=False, cwd=Path(__file__).parents[4]).returncode == 9
    [left] = kept_disks(disks)
    assert (left.user, left.problem.startswith("no disk")) == ("ada", True)
    image = used(disks, store)
    assert sorted(path.name for path in image.folder.parent.iterdir()) == ["disk", "lock"]
    assert [kept.problem for kept in kept_disks(disks)] == [""]


def test_one_half_removed_goes_at_the_next_turn(disks, store):
    folder = used(disks, store).folder
    folder.rename(folder.with_name("removed-1234"))
    assert [kept.problem.startswith("no disk") for kept in kept_disks(disks)] == [True]
    assert not remove(disks, "office", "ada")
    assert list(disks.iterdir()) == []


@pytest.mark.parametrize("spoil", [
    lambda folder: (folder / "owner.json").unlink(),
    lambda folder: (folder / "owner.json").write_text("[]"),
    lambda folder: (folder / "image.json").write_text('{"kind": '),
    lambda folder: (folder / "image.json").write_text("[" * 60_000),
    lambda folder: (folder / "disk.qcow2").unlink(),
    lambda folder: (folder / "template.qcow2").unlink(),
])  # fmt: skip
def test_a_damaged_disk_is_never_made_anew(disks, store, spoil):
    image = used(disks, store)
    write(image.folder / disk.OVERLAY, 7)
    spoil(image.folder)
    left = sorted(path.name for path in image.folder.iterdir())
    with pytest.raises(GuestError, match="left as it is") as caught:
        used(disks, store)
    assert "disk reset" in caught.value.detail
    assert sorted(path.name for path in image.folder.iterdir()) == left
    [kept] = kept_disks(disks)
    assert (kept.desktop, kept.user, bool(kept.problem)) == ("office", "ada", True)
    assert remove(disks, "office", "ada")
    assert used(disks, store).version == "first"


def test_an_image_without_a_disk_has_none_to_keep(disks, store):
    build(store, "second", with_disk=False)
    with pytest.raises(GuestError, match="has no disk"):
        used(disks, store)
    assert list(disks.iterdir()) == []


def test_an_image_that_is_missing_leaves_nothing(disks, tmp_path):
    with pytest.raises(GuestError, match="does not exist"):
        used(disks, ImageStore(tmp_path / "none"))
    assert list(disks.iterdir()) == []


def test_a_folder_that_is_not_ours_is_not_used(disks, store, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (disks / "office").mkdir(parents=True)
    (disks / "office" / "ada").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GuestError, match="cannot be used") as caught:
        used(disks, store)
    assert "not a folder of this user" in caught.value.detail
    assert list((tmp_path / "elsewhere").iterdir()) == []
    if os.geteuid() == 0:
        (disks / "office" / "ada").unlink()
        (disks / "office" / "ada").mkdir()
        os.chown(disks / "office" / "ada", 1234, 1234)
        with pytest.raises(GuestError, match="cannot be used"):
            used(disks, store)


# Makes a disk with the file system full but for some pages, then with room.
FULL = """
import json, subprocess, sys
from pathlib import Path
from sessions.guests.base import GuestError
from sessions.guests.qemu.personal import PersonalDisk
from sessions.images.store import ImageStore

small, images, pages = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
free = small / "filling"
with free.open("wb", 0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
    file.truncate(max(0, file.tell() - 4096 * pages))

def make():
    own = PersonalDisk(small / "disks", "office", "ada")
    error = ""
    try:
        if own.lock():
            own.ready(ImageStore(images), "one", "qemu-img")
    except GuestError as failure:
        error = str(failure)
    own.release()
    return error, sorted(str(path.relative_to(small)) for path in small.rglob("*") if path != free)

first = make()
free.unlink()
print(json.dumps([first, make()]))
"""


@pytest.mark.parametrize("pages", [0, 1, 2, 4, 8, 50, 60, 80, 98, 99, 100, 101, 120])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, store, pages):
    """The image is on another file system, so its files are copied, which takes 200 kB and more."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = [*NAMESPACE, "sh", "-c", MOUNTED, "sh", "2m", small]
    program = [sys.executable, "-c", FULL, small, store.folder, str(pages)]
    done = subprocess.run(
        [*mounted, *program], capture_output=True, text=True, timeout=60, check=False,
        cwd=Path(__file__).parents[4],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (error, left), (again, there) = json.loads(done.stdout)
    assert again == ""
    assert "disks/office/ada/disk/owner.json" in there
    if error:
        assert error.endswith("The server's disk is full.")
        assert [path for path in left if path != "disks"] == []
