"""scripts/setup.sh: what is done once, what is done again, and what a person is told.

The script is the real one; the programs it calls are small scripts of the test, so that it can be interrupted
at any place and needs no network.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import terminal

ROOT = Path(__file__).parents[1]
PATIENCE = 180

PYTHON = rf"""#!/bin/sh
[ "$*" = "-m venv .venv" ] || exec {sys.executable} "$@"
echo venv >>calls
mkdir -p .venv/bin
cp "$0" .venv/bin/python
printf '#!/bin/sh\nexec "%s" ../pip\n' "$PWD/.venv/bin/python" >.venv/bin/pip
chmod +x .venv/bin/pip
"""
PIP = """\
import os, pathlib, signal, sys
with open("calls", "a") as calls:
    calls.write("pip\\n")
fifo = pathlib.Path("../begun")
if fifo.exists():
    fifo.write_text(f"{os.getpid()}\\n")  # waits until the test reads it
    signal.pause()
broken = pathlib.Path("../broken")
if broken.exists():
    sys.exit(broken.read_text())
"""


class Checkout:
    """A folder with the script and what it reads, beside the programs it finds first."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder
        self.folder = folder / "a folder"
        (self.folder / "scripts").mkdir(parents=True)
        script = self.folder / "scripts/setup.sh"
        script.write_bytes((ROOT / "scripts/setup.sh").read_bytes())
        for name in ("requirements-dev.txt", "pyproject.toml"):
            (self.folder / name).write_text("")
        (folder / "pip").write_text(PIP)
        python = folder / "programs/python3"
        python.parent.mkdir()
        python.write_text(PYTHON)
        python.chmod(0o755)
        npm = python.with_name("npm")
        npm.write_text('#!/bin/sh\nmkdir -p "$3/node_modules"\n')
        npm.chmod(0o755)
        (self.folder / "tests/webclient").mkdir(parents=True)
        (self.folder / "tests/webclient/package-lock.json").write_text("")
        self.environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}

    def start(self, goal: str = "check") -> subprocess.Popen[str]:
        return terminal.start(["sh", "scripts/setup.sh", goal], self.folder, self.environment, session=True)

    def run(self, goal: str = "check", status: int = 0) -> str:
        process = self.start(goal)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == status, said
        return said

    def calls(self) -> list[str]:
        """What was called since the last time this was asked."""
        path = self.folder / "calls"
        said = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return said

    def hold(self) -> None:
        """Let pip wait for ever, once it has told of itself."""
        os.mkfifo(self.outside / "begun")

    def held(self) -> int:
        """Wait for that; the process id of pip. The next one does not wait."""
        path = self.outside / "begun"
        told = subprocess.run(["cat", path], capture_output=True, check=True, timeout=PATIENCE)
        pid = int(told.stdout)
        path.unlink()
        return pid


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_a_step_is_done_once_for_the_same_inputs(checkout):
    assert "done in" in checkout.run()
    assert checkout.calls() == ["venv", "pip", "pip"]
    assert checkout.run() == ""
    assert checkout.calls() == []
    (checkout.folder / "requirements-dev.txt").write_text("# something else\n")
    assert "done in" in checkout.run()
    assert checkout.calls() == ["venv", "pip", "pip"]


def test_ctrl_c_ends_the_work_and_the_next_run_begins_it_anew(checkout):
    checkout.hold()
    process = checkout.start()
    pip = checkout.held()
    (checkout.folder / ".venv/half-made").touch()
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted; run the same command again" in said
    assert not Path(f"/proc/{pip}").exists()
    checkout.run()
    assert not (checkout.folder / ".venv/half-made").exists()
    assert checkout.run() == ""


def test_work_that_outlives_a_killed_set_up_is_waited_for(checkout):
    checkout.hold()
    first = checkout.start()
    pip = checkout.held()
    first.kill()
    first.wait()
    second = checkout.start()
    assert "Another set-up" in second.stdout.readline()
    os.kill(pip, signal.SIGTERM)
    said, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, said
    first.stdout.close()


def test_what_failed_is_shown_and_where_the_rest_is(checkout):
    broken = checkout.outside / "broken"
    broken.write_text("no such package")
    said = checkout.run(status=1)
    assert "no such package" in said
    assert ".cache/setup/Python packages.log" in said
    broken.write_text("OSError: [Errno 28] No space left on device")
    assert "no room is left" in checkout.run(status=1)
    broken.unlink()
    checkout.run()


def test_what_was_removed_or_moved_is_made_anew(checkout):
    checkout.run()
    checkout.calls()
    subprocess.run(["rm", "-r", ".venv"], cwd=checkout.folder, check=True)
    checkout.run()
    assert checkout.calls() == ["venv", "pip", "pip"]
    moved = checkout.folder.with_name("moved")
    checkout.folder = checkout.folder.rename(moved)
    checkout.run()
    assert checkout.calls() == ["venv", "pip", "pip"]


def test_a_wrong_goal_and_a_folder_that_cannot_be_written(checkout):
    assert "usage" in checkout.run("rum", status=1)
    (checkout.folder / ".cache").write_text("in the way")
    assert "cannot be written" in checkout.run(status=1)
