"""Writing whole files."""

import errno
import os

import pytest

from sessions.files import write_whole


def test_it_is_written_replaced_and_private(tmp_path):
    path = tmp_path / "a.json"
    (tmp_path / "a.json.new").write_text("what an interrupted writer left")
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["a.json"]


def test_the_old_content_stays_when_the_new_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_whole(path, b"one")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"
