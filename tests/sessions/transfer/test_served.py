"""A shared folder as a guest's kernel sees it, and what a hostile one can do there: nothing."""

import errno
import os

import pytest

from sessions.transfer import served
from sessions.transfer.quota import ENTRY
from sessions.transfer.shares import Shares
from sessions.wire.ninep import Kind
from tests.sessions.transfer.guest import Failed, Kernel

QUOTA = 100_000


@pytest.fixture
def share(tmp_path):
    return Shares(tmp_path / "shares", QUOTA).of("ada", "desktop")


@pytest.fixture
def kernel(share):
    made = Kernel(share)
    yield made
    made.served.close()
    assert not [fid for fid in made.served._fids.values() if fid.descriptor >= 0]


def fails(number, act, *arguments):
    with pytest.raises(Failed) as failed:
        act(*arguments)
    assert failed.value.args == (number,), errno.errorcode.get(failed.value.args[0])


def content(share, *path):
    return share.tree.root.joinpath(*path).read_bytes()


def test_a_file_is_written_and_read(kernel, share):
    fid = kernel.create("a.txt")
    assert kernel.write(fid, 0, b"hello") == 5
    assert kernel.write(fid, 5, b" world") == 6
    assert kernel.read(fid, 3, 4) == b"lo w"
    assert content(share, "a.txt") == b"hello world"
    assert kernel.status(fid) == (0o100644, 1000, 11)
    kernel.ask(Kind.CLUNK, fid)
    assert share.account.used() == ENTRY + 11


def test_a_folder_is_listed_piece_by_piece(kernel):
    kernel.ask(Kind.MKDIR, 0, "folder", 0o755, 0)
    names = {f"file {number}" for number in range(20)}
    for name in names:
        kernel.ask(Kind.CLUNK, kernel.create(name, "folder"))
    listed = kernel.list("folder")
    assert len(listed) == 22
    assert set(listed) == names | {".", ".."}


def test_files_take_the_place_of_others_and_keep_what_is_open(kernel, share):
    old, new = kernel.create("old"), kernel.create("new")
    kernel.write(old, 0, b"old")
    kernel.write(new, 0, b"newer")
    kernel.ask(Kind.RENAMEAT, 0, "new", 0, "old")
    assert content(share, "old") == b"newer"
    assert share.account.used() == ENTRY + 5
    assert kernel.read(old, 0, 10) == b"old"
    kernel.ask(Kind.MKDIR, 0, "folder", 0, 0)
    folder = kernel.walk("folder")
    inside = kernel.create("x", "folder")
    kernel.ask(Kind.RENAME, folder, 0, "moved")
    kernel.ask(Kind.SETATTR, inside, 8, 0, 0, 0, 3, 0, 0, 0, 0)
    assert content(share, "moved", "x") == b"\0\0\0"
    fails(errno.EINVAL, kernel.ask, Kind.RENAMEAT, 0, "moved", folder, "in itself")
    kernel.ask(Kind.RENAMEAT, 0, "old", 0, "old")


def test_what_is_removed_is_counted_no_more(kernel, share):
    fid = kernel.create("a")
    kernel.write(fid, 0, bytes(1000))
    kernel.ask(Kind.MKDIR, 0, "b", 0, 0)
    fails(errno.EISDIR, kernel.ask, Kind.UNLINKAT, 0, "b", 0)
    fails(errno.ENOTDIR, kernel.ask, Kind.UNLINKAT, 0, "a", 0x200)
    kernel.ask(Kind.UNLINKAT, 0, "b", 0x200)
    kernel.ask(Kind.REMOVE, kernel.walk("a"))
    fails(errno.EBUSY, kernel.ask, Kind.REMOVE, kernel.walk())
    assert share.account.used() == 0


def test_the_quota_holds_before_anything_is_written(kernel, share):
    fid = kernel.create("a")
    for offset in (0, 99_999_999, 1 << 40):
        fails(errno.EDQUOT, kernel.write, fid, offset + QUOTA, b"x")
    fails(errno.EFBIG, kernel.write, fid, (1 << 64) - 1, b"x")
    fails(errno.EDQUOT, kernel.ask, Kind.SETATTR, fid, 8, 0, 0, 0, 1 << 40, 0, 0, 0, 0)
    assert content(share, "a") == b""
    assert kernel.write(fid, 0, bytes(QUOTA - ENTRY)) == QUOTA - ENTRY
    kernel.write(fid, 0, b"over what is there")
    fails(errno.EDQUOT, kernel.write, fid, QUOTA - ENTRY, b"x")
    fails(errno.EDQUOT, kernel.ask, Kind.MKDIR, 0, "folder", 0, 0)
    fails(errno.EDQUOT, kernel.create, "b")
    total, free = (int.from_bytes(kernel.ask(Kind.STATFS, 0)[at : at + 8], "little") for at in (8, 24))
    assert (total * 4096, free) == (QUOTA // 4096 * 4096, 0)


HOSTILE = ["..", ".", "", "a/b", "../x", "/etc/passwd", "a\0b", b"\xff\xfe", "x" * 256]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out(kernel, share, tmp_path, name):
    (tmp_path / "x").write_text("outside")
    for act in (
        lambda: kernel.create(name),
        lambda: kernel.ask(Kind.MKDIR, 0, name, 0, 0),
        lambda: kernel.ask(Kind.UNLINKAT, 0, name, 0),
        lambda: kernel.ask(Kind.RENAMEAT, 0, name, 0, "y"),
    ):
        with pytest.raises(Failed):
            act()
    assert (tmp_path / "x").read_text() == "outside"
    assert share.account.used() == 0
    assert list(share.tree.root.iterdir()) == []


def test_the_way_up_ends_at_the_folder_itself(kernel):
    kernel.create("here")
    fid = kernel.walk("..", "..", "..", "here")
    assert kernel.status(fid)[0] == 0o100644
    with pytest.raises((Failed, LookupError)):
        kernel.walk("..", "parts")


def test_links_lead_nowhere(kernel, share, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (share.tree.root / "file").symlink_to(tmp_path / "secret")
    (share.tree.root / "folder").symlink_to(tmp_path)
    assert kernel.list() == [".", ".."]
    for way in (("file",), ("folder",), ("folder", "secret")):
        with pytest.raises((Failed, LookupError)):
            kernel.walk(*way)
    with pytest.raises(Failed):
        kernel.create("file")  # would be written through the link
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_folder_that_becomes_a_link_between_two_requests_leads_nowhere(kernel, share, tmp_path):
    (tmp_path / "secret").write_text("secret")
    kernel.ask(Kind.MKDIR, 0, "folder", 0, 0)
    fid = kernel.walk("folder")
    (share.tree.root / "folder").rmdir()
    (share.tree.root / "folder").symlink_to(tmp_path)
    for act in (
        lambda: kernel.ask(Kind.LCREATE, fid, "new", 2, 0, 0),
        lambda: kernel.ask(Kind.UNLINKAT, fid, "secret", 0),
        lambda: kernel.ask(Kind.RENAMEAT, fid, "secret", 0, "mine"),
        lambda: kernel.ask(Kind.SETATTR, fid, 0x120, 0, 0, 0, 0, 0, 0, 1, 0),
        lambda: kernel.walk("secret", start=fid),
    ):
        with pytest.raises(Failed):
            act()
    assert (tmp_path / "secret").read_text() == "secret"
    assert not (tmp_path / "new").exists()


def test_no_links_devices_or_attributes_are_made(kernel, share):
    fid = kernel.create("a")
    for kind, *values in (
        (Kind.SYMLINK, 0, "l", "/etc/passwd", 0),
        (Kind.LINK, 0, fid, "l"),
        (Kind.MKNOD, 0, "d", 0o60600, 8, 0, 0),
    ):
        fails(errno.EPERM, kernel.ask, kind, *values)
    for kind, *values in ((Kind.XATTRWALK, fid, 99, "user.x"), (Kind.AUTH, 9, "user", "", 0)):
        fails(errno.EOPNOTSUPP, kernel.ask, kind, *values)
    assert os.listdir(share.tree.root) == ["a"]


def test_what_a_guest_has_in_hand_is_bounded(kernel, monkeypatch):
    monkeypatch.setattr(served, "MAX_OPEN", 3)
    for number in range(3):
        kernel.create(str(number))
    fails(errno.EMFILE, kernel.create, "more")
    monkeypatch.setattr(served, "MAX_FIDS", len(kernel.served._fids) + 1)
    kernel.walk()
    fails(errno.EMFILE, kernel.walk)


def test_fids_that_are_none_and_requests_nobody_knows(kernel):
    for kind, *values in (
        (Kind.READ, 99, 0, 10), (Kind.READ, 0, 0, 10), (Kind.WRITE, 0, 0, b"x"), (Kind.CLUNK, 99),
        (Kind.READDIR, 99, 0, 10), (Kind.WALK, 99, 100, ()),
    ):  # fmt: skip
        with pytest.raises(Failed):
            kernel.ask(kind, *values)


def test_reading_does_not_allow_writing(kernel, share):
    (share.tree.root / "a").write_text("a")
    fid = kernel.walk("a")
    kernel.ask(Kind.LOPEN, fid, 0)
    fails(errno.EBADF, kernel.write, fid, 0, b"x")
