"""Programs that make images, as an ordinary user has them."""

import pytest

from sessions.images.commands import run
from sessions.images.errors import BuildFailed


def test_programs_find_those_of_the_administrator_too(tmp_path, monkeypatch):
    """Debian's users have no /usr/sbin on their path, where mkfs.ext4 is; scripts call it by name."""
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    assert run(["sh", "-c", "command -v mkfs.ext4"], tmp_path).strip().endswith("sbin/mkfs.ext4")


def test_the_end_of_what_a_failing_program_said_is_kept(tmp_path):
    with pytest.raises(BuildFailed, match=r"sh failed \(3\): no more paint") as failed:
        run(["sh", "-c", "echo mixing; echo no more paint; exit 3"], tmp_path)
    assert failed.value.detail == "mixing\nno more paint\n"
