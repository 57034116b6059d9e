"""Uploads: they go on where they were, and become files whole or not at all."""

import errno
import hashlib
import os
import time

import pytest

from sessions.transfer.errors import TransferError, WrongOffset
from sessions.transfer.quota import ENTRY
from sessions.transfer.shares import DAY, Shares

DATA = bytes(range(256)) * 40


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shares"


def opened(folder, quota=100_000):
    """The share as a process finds it that has just started."""
    return Shares(folder, quota).of("ada", "desktop")


@pytest.fixture
def share(folder):
    return opened(folder)


def send(share, path=("a.txt",), data=DATA, piece=1000, changed=1e9):
    upload, _ = share.uploads.begin(path, len(data), changed)
    for at in range(upload.offset, len(data), piece):
        assert share.uploads.write(upload.id, at, data[at : at + piece]) == min(at + piece, len(data))
    return share.uploads.finish(upload.id, sha256(data))


def content(share, *path):
    return share.tree.root.joinpath(*path).read_bytes()


def test_an_upload_becomes_a_file_with_its_time(share):
    stored = send(share)
    assert (stored.path, stored.size, stored.sha256) == (("a.txt",), len(DATA), sha256(DATA))
    assert content(share, "a.txt") == DATA
    assert share.entries(())[0].changed == 1e9
    assert share.uploads.unfinished() == []
    assert share.account.used() == len(DATA) + ENTRY


def test_an_empty_file(share):
    send(share, data=b"")
    assert content(share, "a.txt") == b""


def test_folders_on_the_way_are_made(share):
    send(share, ("x", "y", "a.txt"))
    assert content(share, "x", "y", "a.txt") == DATA
    assert share.account.used() == len(DATA) + 3 * ENTRY


@pytest.mark.parametrize("offset", [0, 1, 999, 1000, 5000, len(DATA) - 1, len(DATA)])
def test_it_goes_on_at_each_offset_in_another_process(folder, share, offset):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    if offset:
        share.uploads.write(upload.id, 0, DATA[:offset])
    share = opened(folder)
    again, there = share.uploads.begin(("a.txt",), len(DATA), 5)
    assert (again.id, again.offset, there) == (upload.id, offset, sha256(DATA[:offset]))
    assert [(each.path, each.offset) for each in share.uploads.unfinished()] == [(("a.txt",), offset)]
    if offset < len(DATA):
        share.uploads.write(upload.id, offset, DATA[offset:])
    share.uploads.finish(upload.id, sha256(DATA))
    assert content(share, "a.txt") == DATA


def test_what_is_there_is_told_by_its_hash_also_when_it_was_damaged(folder, share):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA[:500])
    part = next(path for path in folder.rglob("parts/*") if not path.suffix)
    part.write_bytes(b"?" + DATA[1:500])
    _, there = opened(folder).uploads.begin(("a.txt",), len(DATA), 5)
    assert there != sha256(DATA[:500])


@pytest.mark.parametrize("offset", [0, 99, 101, 5000])
def test_a_piece_that_does_not_follow_is_refused_and_says_where_it_goes_on(share, offset):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA[:100])
    with pytest.raises(WrongOffset) as error:
        share.uploads.write(upload.id, offset, b"x")
    assert error.value.offset == 100
    with pytest.raises(WrongOffset):
        share.uploads.write(upload.id, 100, DATA)  # more than it shall have
    with pytest.raises(WrongOffset):
        share.uploads.finish(upload.id, sha256(DATA[:100]))
    assert share.uploads.find(upload.id).offset == 100


def test_one_that_is_not_what_was_sent_is_no_file(share):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA)
    with pytest.raises(TransferError) as error:
        share.uploads.finish(upload.id, sha256(b"other"))
    assert error.value.code == "hash_mismatch"
    assert share.entries(()) == []
    assert share.account.used() == 0
    assert share.uploads.begin(("a.txt",), len(DATA), 5)[0].offset == 0


def test_the_same_file_twice_has_two_names(share):
    names = [send(share, changed=number).path[-1] for number in range(3)]
    assert names == ["a.txt", "a (2).txt", "a (3).txt"]
    assert {content(share, name) for name in names} == {DATA}


def test_a_link_where_the_file_shall_be_stays_untouched(share, tmp_path):
    (tmp_path / "victim").write_text("mine")
    (share.tree.root / "a.txt").symlink_to(tmp_path / "victim")
    assert send(share).path == ("a (2).txt",)
    assert (tmp_path / "victim").read_text() == "mine"


def test_killed_between_naming_and_tidying_it_has_one_name(folder, share, monkeypatch):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA)

    def killed(uploads, id):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(share.uploads), "_forget", killed)
    with pytest.raises(KeyboardInterrupt):
        share.uploads.finish(upload.id, sha256(DATA))
    monkeypatch.undo()
    share = opened(folder)
    again, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    assert share.uploads.finish(again.id, sha256(DATA)).path == ("a.txt",)
    assert [entry.name for entry in share.entries(())] == ["a.txt"]


def test_a_folder_that_was_removed_meanwhile_is_made_again(share):
    upload, _ = share.uploads.begin(("x", "a.txt"), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA)
    share.remove(("x",))
    share.uploads.finish(upload.id, sha256(DATA))
    assert content(share, "x", "a.txt") == DATA
    assert share.account.used() == len(DATA) + 2 * ENTRY


def test_more_than_the_quota_is_refused_before_anything_is_written(folder, share):
    with pytest.raises(TransferError) as error:
        share.uploads.begin(("a.txt",), 100_000, 5)
    assert error.value.code == "quota_full"
    assert "100 kB" in str(error.value)
    assert list(folder.rglob("parts/*")) == []


def test_a_quota_that_fills_meanwhile_stops_it_and_loses_nothing(share):
    upload, _ = share.uploads.begin(("a.txt",), 60_000, 5)
    share.uploads.write(upload.id, 0, bytes(30_000))
    share.account.take(60_000)  # the guest writes
    with pytest.raises(TransferError) as error:
        share.uploads.write(upload.id, 30_000, bytes(30_000))
    assert error.value.code == "quota_full"
    share.account.give(60_000)
    assert share.uploads.begin(("a.txt",), 60_000, 5)[0].offset == 30_000
    share.uploads.write(upload.id, 30_000, bytes(30_000))
    share.uploads.finish(upload.id, sha256(bytes(60_000)))


def test_a_full_disk_is_told_and_leaves_no_half_piece(share, monkeypatch):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA[:100])
    write = os.pwrite
    left = [40]

    def pwrite(descriptor, data, offset):
        if len(data) != 24 and not (taken := min(left[0], len(data))):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(data) == 24:  # the account
            return write(descriptor, data, offset)
        left[0] -= taken
        return write(descriptor, data[:taken], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(TransferError) as error:
        share.uploads.write(upload.id, 100, DATA[100:500])
    assert error.value.code == "disk_full"
    monkeypatch.undo()
    assert share.uploads.find(upload.id).offset == 100
    assert share.account.used() == 100
    share.uploads.write(upload.id, 100, DATA[100:])
    share.uploads.finish(upload.id, sha256(DATA))


def test_a_disk_without_room_takes_no_upload(share, monkeypatch):
    real = os.statvfs

    def nearly_full(path):
        found = list(real(path))
        found[4] = 0  # f_bavail
        return os.statvfs_result(found)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    with pytest.raises(TransferError) as error:
        share.uploads.begin(("a.txt",), 10, 5)
    assert error.value.code == "disk_full"


def test_giving_up_frees_what_has_come(share, folder):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA[:100])
    share.uploads.cancel(upload.id)
    assert share.account.used() == 0
    assert list(folder.rglob("parts/*")) == []
    for act in (share.uploads.cancel, share.uploads.find):
        with pytest.raises(TransferError) as error:
            act(upload.id)
        assert error.value.code == "no_such_upload"


@pytest.mark.parametrize("id", ["", "..", "../files/x", "a" * 32, "A" * 32, "0" * 31, "0" * 32 + ".json"])
def test_ids_of_no_upload(share, id):
    for act in (share.uploads.cancel, lambda it: share.uploads.write(it, 0, b"x")):
        with pytest.raises(TransferError) as error:
            act(id)
        assert error.value.code == "no_such_upload"


def test_what_nobody_goes_on_with_is_removed_in_time(share, folder):
    upload, _ = share.uploads.begin(("a.txt",), len(DATA), 5)
    share.uploads.write(upload.id, 0, DATA[:100])
    share.uploads.begin(("b.txt",), len(DATA), 5)
    old = time.time() - 8 * DAY
    os.utime(share.uploads._parts / upload.id, (old, old))
    share.uploads.clean()
    assert [each.path for each in share.uploads.unfinished()] == [("b.txt",)]
    assert share.account.used() == 0


def test_unfinished_ones_are_not_without_end(share, monkeypatch):
    monkeypatch.setattr("sessions.transfer.uploads.MAX_PARTS", 3)
    for number in range(3):
        share.uploads.begin((str(number),), 1, 5)
    with pytest.raises(TransferError) as error:
        share.uploads.begin(("more",), 1, 5)
    assert error.value.code == "too_many"


def test_sizes_that_cannot_be_are_refused(share):
    for size in (-1, 1 << 45):
        with pytest.raises(TransferError):
            share.uploads.begin(("a",), size, 5)
