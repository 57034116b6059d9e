"""The store: whole images or none, and sentences for everything that can be wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.images import (
    BuildFailed,
    DiskFull,
    Image,
    ImageBroken,
    ImageMissing,
    ImageStore,
)
from sessions.images.store import describe


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def put(store: ImageStore, name: str = "one", content: bytes = b"disk", **fields) -> Image:
    with store.writing(name) as folder:
        (folder / "disk.qcow2").write_bytes(content)
        made = {"kind": "disk", "version": "1", "memory_mb": 512, "disk": folder / "disk.qcow2"} | fields
        describe(folder, Image(name=name, folder=folder, **made))
    return store.get(name)


def test_what_is_put_in_comes_out(store):
    image = put(store, firmware="uefi", user="user", append="quiet", text_port="org.example")
    assert image.disk.read_bytes() == b"disk"
    assert (image.firmware, image.user, image.append, image.text_port) == (
        "uefi",
        "user",
        "quiet",
        "org.example",
    )
    assert store.list() == [image]
    assert [entry.name for entry in store.folder.iterdir()] == ["one"]


def test_a_new_version_replaces_the_old(store):
    put(store, content=b"old", version="1")
    assert put(store, content=b"new", version="2").version == "2"
    assert store.get("one").disk.read_bytes() == b"new"
    assert [entry.name for entry in store.folder.iterdir()] == ["one"]


def test_a_failed_writer_leaves_nothing_and_keeps_the_old(store):
    put(store)
    with pytest.raises(BuildFailed, match="source: No such file"), store.writing("one") as folder:
        (folder / "disk.qcow2").write_bytes((folder / "source").read_bytes())
    assert store.get("one").disk.read_bytes() == b"disk"
    assert [entry.name for entry in store.folder.iterdir()] == ["one"]


def test_an_undescribed_folder_never_becomes_an_image(store):
    with pytest.raises(ImageBroken), store.writing("one") as folder:
        (folder / "disk.qcow2").write_bytes(b"disk")
    assert list(store.folder.iterdir()) == []


def test_the_next_writer_sweeps_what_a_killed_one_left(store):
    stale = store.folder / "one.partial-12345678"
    stale.mkdir(parents=True)
    (stale / "disk.qcow2").write_bytes(b"half")
    assert store.list() == []
    with store.writing("two") as other:
        living = other
        with store.writing("three") as folder:
            assert living.is_dir(), "a writer that still works was swept"
            (folder / "k").touch()
            describe(folder, Image("three", folder, "disk", "1", 64, kernel=folder / "k"))
        describe(living, Image("two", living, "disk", "1", 64))
    assert not stale.exists()
    assert [image.name for image in store.list()] == ["three", "two"]


@pytest.mark.parametrize("name", ["", "..", "../etc", "a/b", "A", "-x", "x" * 65, "a\nb"])
def test_names_stay_in_the_store(store, name):
    put(store)
    with pytest.raises(ImageMissing, match="cannot be"):
        store.get(name)
    with pytest.raises(BuildFailed, match="cannot be"), store.writing(name):
        pass


def test_a_missing_image_says_how_to_get_it(store):
    with pytest.raises(ImageMissing, match="tsgateway image build desktop"):
        store.get("desktop")
    with pytest.raises(ImageMissing, match="image import"):
        store.get("windows")
    assert store.list() == []


GOOD = {"kind": "disk", "version": "1", "memory_mb": 512, "disk": "disk.qcow2"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "image.json"),
        ("{", "image.json"),
        ("[]", "not an object"),
        ("[" * 60_000, "image.json"),
        (" " * 70_000, "too long"),
        (json.dumps(GOOD | {"kind": "other"}), "kind must be"),
        (json.dumps(GOOD | {"memory_mb": "many"}), "memory_mb"),
        (json.dumps(GOOD | {"memory_mb": 1 << 40}), "memory_mb"),
        (json.dumps(GOOD | {"version": ""}), "version"),
        (json.dumps(GOOD | {"disk": "../../etc/passwd"}), "disk must be"),
        (json.dumps(GOOD | {"disk": "/etc/passwd"}), "disk must be"),
        (json.dumps(GOOD | {"disk": 7}), "disk must be"),
        (json.dumps(GOOD | {"kernel": "vmlinux"}), "vmlinux is missing"),
        (json.dumps(GOOD | {"firmware": "coreboot"}), "firmware"),
        (json.dumps(GOOD | {"append": "x" * 5000}), "append"),
    ],
)
def test_a_broken_description_is_told_and_listed(store, text, says):
    folder = put(store).folder
    (folder / "image.json").write_text(text)
    with pytest.raises(ImageBroken, match=says):
        store.get("one")
    (listed,) = store.list()
    assert isinstance(listed, ImageBroken)


FILL = """
import resource, signal, sys
from pathlib import Path
from sessions.images import DiskFull, ImageStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
store = ImageStore(Path(sys.argv[1]))
try:
    with store.writing("one") as folder:
        (folder / "disk.qcow2").write_bytes(bytes(range(256)) * 8192)
except DiskFull as error:
    print(error)
    print(list(store.folder.iterdir()))
"""


def test_no_room_leaves_a_sentence_and_no_litter(tmp_path):
    """A limit on the size of files stands for the full disk: the same path through the code, without root."""
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    sentence, left = done.stdout.splitlines()
    assert sentence.startswith("No room left in")
    assert left == "[]"


def test_disk_full_is_a_build_failure():
    assert issubclass(DiskFull, BuildFailed)
