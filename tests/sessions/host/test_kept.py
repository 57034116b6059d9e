"""What is kept of a session's life for the next process: whole, of this boot, or not at all."""

import json

import pytest

from sessions.host import kept

TABLE = {"started": 1.5, "state": 4, "clock": {"left_at": 7.25}}


def test_what_was_written_is_read(tmp_path):
    kept.write(tmp_path, TABLE)
    kept.write(tmp_path, {**TABLE, "state": 1})
    assert kept.read(tmp_path) == {**TABLE, "state": 1, "boot": kept.boot()}
    assert [path.name for path in tmp_path.iterdir()] == ["life.json"]
    assert (tmp_path / "life.json").stat().st_mode & 0o077 == 0


def test_times_of_another_boot_mean_nothing(tmp_path):
    kept.write(tmp_path, TABLE)
    path = tmp_path / "life.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot": "another"}))
    read = kept.read(tmp_path)
    assert "clock" not in read
    assert read["started"] == 1.5


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"{", b"\xff\x00", b"[1]", b"7", b"[" * 100_000, b'{"clock": 5}', b'{"x": "' + b"y" * 10**6],
)
def test_rubbish_is_nothing(tmp_path, rubbish):
    (tmp_path / "life.json").write_bytes(rubbish)
    assert "clock" not in kept.read(tmp_path)


def test_where_nothing_can_be_written_life_goes_on(tmp_path):
    kept.write(tmp_path / "gone", TABLE)
    assert kept.read(tmp_path / "gone") == {}
