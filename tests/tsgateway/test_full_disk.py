"""The disk of the data directory is full: really, on a small file system in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions.images.test_full_disk import MOUNTED, NAMESPACE

FILLED = """
small=$1 config=$2 python=$3; shift 3
tsgateway() { "$python" -m tsgateway.cli.main "$@" --config "$config"; }
tsgateway init >&2 || exit 9
cat /dev/zero >"$small/filling" 2>/dev/null
tsgateway "$@"
"""

USED = """
import sys
from pathlib import Path
from tsgateway.store import DiskFull, Store

small = Path(sys.argv[1])
store = Store(small / "db")
store.add_user("ada", "hash", set(), 0)
store.add_sign_in(b"1", "ada", 0)
try:
    with (small / "filling").open("wb", 0) as file:
        while file.write(bytes(4096)):
            pass
except OSError:
    pass
try:
    store.set_password("ada", "new")
    sys.exit("there is room")
except DiskFull:
    print(store.use_sign_in(b"1", 1000, 100_000, 100_000).account.name)
"""


def on_a_small_disk(small: Path, *command: str) -> subprocess.CompletedProcess[str]:
    small.mkdir()
    mounted = [*NAMESPACE, "sh", "-c", MOUNTED, "sh", "512k", str(small), *command]
    return subprocess.run(
        mounted, input="ada's password\n", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["user add ada --password-stdin", "user list", "serve --port 0"])
def test_a_full_disk_is_one_sentence(tmp_path: Path, command: str):
    small, config = tmp_path / "small", tmp_path / "c.toml"
    config.write_text(f'data.directory = "{small}/data"\n')
    script = ["sh", "-c", FILLED, "sh", str(small), str(config), sys.executable, *command.split()]
    done = on_a_small_disk(small, *script)
    assert done.returncode == 1, done.stdout
    database = small / "data" / "tsgateway.db"
    said = f"no room is left on the disk of {database}; make room there, then try again"
    assert any(line.endswith(said) for line in done.stdout.splitlines()), done.stdout
    assert "Traceback" not in done.stdout


def test_who_has_signed_in_stays_so_on_a_full_disk(tmp_path: Path):
    """That a sign-in was used cannot be noted then; whose it is can be read."""
    done = on_a_small_disk(tmp_path / "small", sys.executable, "-c", USED, str(tmp_path / "small"))
    assert (done.returncode, done.stdout) == (0, "ada\n")
