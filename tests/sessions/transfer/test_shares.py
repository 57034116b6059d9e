"""The shared folders on a disk: nothing leads out of them, and they hold what a person may have."""

import errno
import os
import threading

import pytest

from sessions.transfer.errors import TransferError
from sessions.transfer.quota import ENTRY, Account
from sessions.transfer.shares import Shares
from sessions.transfer.tree import told


@pytest.fixture
def shares(tmp_path):
    return Shares(tmp_path / "shares", 100_000)


@pytest.fixture
def share(shares):
    return shares.of("ada", "desktop")


def put(share, path, data=b"x"):
    """A file that the guest has written."""
    target = share.tree.root.joinpath(*path)
    target.parent.mkdir(exist_ok=True, parents=True)
    target.write_bytes(data)
    share.account.take(len(data) + ENTRY)


def refused(code, act, *arguments):
    with pytest.raises(TransferError) as error:
        act(*arguments)
    assert error.value.code == code, error.value
    assert str(error.value).endswith(".")


def test_each_person_and_desktop_has_a_folder_of_its_own(shares, share, tmp_path):
    put(share, ("mine.txt",))
    others = (("ada", "other"), ("bob", "desktop"), ("../ada", "desktop"), ("ada/desktop", "files"))
    for user, desktop in others:
        assert shares.of(user, desktop).entries(()) == []
    assert all(path.parent == tmp_path / "shares" for path in (tmp_path / "shares").iterdir())
    assert (tmp_path / "shares").stat().st_mode & 0o077 == 0


def test_a_folder_is_listed_with_folders_first(share):
    put(share, ("b.txt",), b"12345")
    put(share, ("A.txt",))
    share.make(("z", "deep"))
    listed = share.entries(())
    assert [(each.name, each.is_folder, each.size) for each in listed] == [
        ("z", True, 0),
        ("A.txt", False, 1),
        ("b.txt", False, 5),
    ]
    assert [each.name for each in share.entries(("z",))] == ["deep"]


def test_links_are_neither_listed_nor_followed(share, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = share.tree.root
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "pipe")
    assert share.entries(()) == []
    for path in (("folder",), ("up",), ("up", "parts")):
        with pytest.raises(TransferError):
            share.entries(path)
    for path in (("file",), ("folder", "secret"), ("pipe",)):
        with pytest.raises(TransferError):
            share.open(path)
        with pytest.raises(TransferError):
            share.checksum(path)
    refused("exists", share.make, ("folder", "x"))
    refused("exists", share.uploads.begin, ("folder", "x"), 1, 0)
    refused("not_a_folder", share.rename, ("folder", "secret"), ("stolen",))
    share.remove(("folder",))
    assert (outside / "secret").read_text() == "secret"
    assert not (root / "folder").is_symlink()


def test_removing_a_folder_takes_what_is_in_it_but_not_what_links_lead_to(share, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    put(share, ("full", "deep", "a"), b"1234")
    (share.tree.root / "full" / "deep" / "link").symlink_to(kept)
    share.remove(("full",))
    assert share.entries(()) == []
    assert (kept / "file").exists()


def test_renaming_never_replaces(share):
    put(share, ("a",), b"a")
    put(share, ("b",), b"b")
    refused("exists", share.rename, ("a",), ("b",))
    refused("no_such_file", share.rename, ("c",), ("d",))
    refused("refused", share.rename, (), ("d",))
    share.make(("folder",))
    refused("refused", share.rename, ("folder",), ("folder", "in"))
    share.rename(("a",), ("folder", "a"))
    assert share.checksum(("folder", "a"))[1] == 1


def test_the_shared_folder_itself_stays(share):
    refused("refused", share.remove, ())
    refused("is_a_folder", share.open, ())


def test_what_is_made_and_removed_is_counted(share):
    share.make(("a", "b"))
    assert share.account.used() == 2 * ENTRY
    share.make(("a", "b"))
    assert share.account.used() == 2 * ENTRY
    put(share, ("a", "file"), b"123")
    share.remove(("a",))
    assert share.account.used() == 0


def test_a_full_folder_takes_no_more_folders(share):
    for number in range(100_000 // ENTRY):
        share.make((str(number),))
    refused("quota_full", share.make, ("more",))


def test_the_count_is_made_anew_after_a_boot(shares, share, tmp_path):
    put(share, ("a", "b"), b"12345")
    upload, _ = share.uploads.begin(("c",), 10, 0)
    share.uploads.write(upload.id, 0, b"123")
    kept = tmp_path / "shares" / "ada" / "usage"
    kept.write_bytes(b"\0" * 24)  # another boot's
    assert share.account.used() == 5 + 2 * ENTRY + 3
    kept.write_bytes(b"rubbish")
    assert share.account.used() == 5 + 2 * ENTRY + 3


def test_a_person_has_one_quota_for_all_desktops(shares, share):
    shares.of("ada", "other").account.take(90_000)
    refused("quota_full", share.uploads.begin, ("a",), 20_000, 0)
    shares.of("bob", "desktop").uploads.begin(("a",), 20_000, 0)


def test_many_take_no_more_than_there_is(tmp_path):
    (tmp_path / "person").mkdir()
    taken = []

    def take():
        account = Account(tmp_path / "usage", tmp_path / "person", 1000)
        for _ in range(100):
            try:
                account.take(7)
                taken.append(7)
            except TransferError:
                return

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 1000 // 7 * 7 == Account(tmp_path / "usage", tmp_path / "person", 0).used()


def test_without_a_quota_there_is_no_end(tmp_path):
    share = Shares(tmp_path / "shares", 0).of("ada", "desktop")
    share.account.take(1 << 50)
    share.make(("a",))


@pytest.mark.parametrize("number", [*errno.errorcode])
def test_every_error_of_the_system_is_a_sentence(number):
    error = told(OSError(number, os.strerror(number)), "a name")
    assert error.code
    assert str(error).endswith(".")
    assert "{" not in str(error)
