"""The folder of templates."""

import json
import os
import time

import pytest

from sessions.guests.qemu.warm import memory
from sessions.guests.qemu.warm.store import DESCRIPTION, DEVICES, MAX_FAILURES, Template, WarmStore


@pytest.fixture
def store(tmp_path):
    made = WarmStore(tmp_path / "warm")
    yield made
    made.close()


def put(store, key, memory_mb=512, disk=b"disk", content=b"memory"):
    partial = store.begin(key)
    source = memory.new(1 << 20)
    os.pwrite(source, content, 0)
    memory.keep(source, partial.folder / memory.MEMORY)
    os.close(source)
    (partial.folder / DEVICES).write_bytes(b"devices")
    (partial.folder / "disk.qcow2").write_bytes(disk)
    (partial.folder / "pointer").write_bytes(b"arrow")
    template = Template(key, "desktop", "v1", memory_mb, 1, (7, 2, 0), 1.0)
    store.describe(partial.folder, template)
    store.put(partial, template)
    partial.drop()
    return template


@pytest.fixture
def guest(tmp_path):
    folder = tmp_path / "guest"
    folder.mkdir()
    return folder


def test_a_clone_has_links_and_descriptors_that_outlive_the_template(store, guest):
    template = put(store, "a" * 32)
    taken = store.take("a" * 32, guest)
    assert taken.template == template
    put(store, "b" * 32)
    assert not store.has("a" * 32), "a newer one of the same slot replaces it"
    assert store.has("b" * 32)
    assert (guest / "warm.qcow2").read_bytes() == b"disk"
    assert (guest / "pointer").read_bytes() == b"arrow"
    assert os.pread(taken.devices, 7, 0) == b"devices"
    assert os.pread(taken.memory, 6, 0) == b"memory"
    taken.close()
    taken.close()


def test_others_stay(store):
    put(store, "a" * 32)
    put(store, "b" * 32, memory_mb=1024)
    assert {template.key for template in store.list()} == {"a" * 32, "b" * 32}


def test_a_template_that_was_made_anew_has_its_new_memory(store, guest):
    put(store, "a" * 32)
    store.take("a" * 32, guest).close()
    put(store, "a" * 32, content=b"fresher")
    taken = store.take("a" * 32, guest)
    assert os.pread(taken.memory, 7, 0) == b"fresher"
    taken.close()


def test_none_where_there_is_none(store, guest):
    assert store.take("a" * 32, guest) is None
    assert store.list() == []
    store.warm_up("a" * 32)


@pytest.mark.parametrize("name", [memory.MEMORY, DEVICES])
def test_a_damaged_one_is_an_error_and_leaks_nothing(store, guest, name):
    put(store, "a" * 32)
    (store.folder / ("a" * 32) / name).unlink()
    store.close()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=name):
        store.take("a" * 32, guest)
    store.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("rubbish", ["", "[]", "{", '{"image": 1}', "[" * 5000])
def test_a_description_that_is_rubbish(store, guest, rubbish):
    put(store, "a" * 32)
    (store.folder / ("a" * 32) / DESCRIPTION).write_text(rubbish)
    with pytest.raises((ValueError, TypeError, KeyError, RecursionError)):
        store.take("a" * 32, guest)
    assert store.list() == []


def test_after_some_failures_it_is_left_alone_for_a_day(store):
    put(store, "a" * 32)
    for count in range(MAX_FAILURES):
        assert not store.given_up("a" * 32)
        store.spoil("a" * 32, f"number\n{count}")
        assert not store.has("a" * 32)
    assert store.given_up("a" * 32)
    assert not store.given_up("b" * 32)
    file = store.folder / f"{'a' * 32}.failures"
    lines = file.read_text().splitlines()
    assert len(lines) == MAX_FAILURES
    file.write_text("\n".join(f"{time.time() - 90000:.0f} {line.partition(' ')[2]}" for line in lines))
    assert not store.given_up("a" * 32), "that was yesterday"


def test_one_builds_at_a_time(store):
    with store.building() as first, WarmStore(store.folder).building() as second:
        assert (first, second) == (True, False)
    with store.building() as again:
        assert again


def test_what_a_killed_builder_left_is_swept_and_a_living_ones_is_not(store):
    left = store.folder / f"{'a' * 32}.partial-0123"
    left.mkdir(parents=True)
    (left / "memory").write_bytes(b"half")
    living = store.begin("b" * 32)
    assert not left.exists()
    other = WarmStore(store.folder).begin("c" * 32)
    assert living.folder.exists()
    living.drop()
    other.drop()
    assert [path.name for path in store.folder.iterdir()] == []


def test_the_description_says_what_it_is(store):
    put(store, "a" * 32)
    told = json.loads((store.folder / ("a" * 32) / DESCRIPTION).read_text())
    assert told["image"] == "desktop"
    assert told["qemu"] == [7, 2, 0]
