"""Connection files open by a double click: what is written, and what the desktop's own tools make of it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from thinclient import entry

WORDS = ["/opt/My programs/py%thon", "-m", 'a"b$c']


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A person's environment, with folders of their own."""
    return os.environ | {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def run(home: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, env=home, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def tsclient(home: dict[str, str], *words: str) -> Any:
    return run(home, sys.executable, "-m", "thinclient.main", *words)


def test_files_are_written_known_to_the_desktop_and_removed(home: dict[str, str], tmp_path: Path) -> None:
    done = tsclient(home, "register")
    assert done.returncode == 0, done.stderr
    written = sorted(
        str(path.relative_to(tmp_path / "data")) for path in (tmp_path / "data").rglob("tsclient*")
    )
    assert written == [
        "applications/tsclient.desktop",
        "icons/hicolor/scalable/apps/tsclient.svg",
        "mime/packages/tsclient.xml",
    ]
    assert all(f"Written: {tmp_path / 'data' / each}" in done.stdout for each in written)
    assert "(it says:" not in done.stdout
    kind = ("gio", "info", "-a", "standard::content-type")
    file = tmp_path / "Büro 1.tsc"
    file.write_text('address = "https://desk.example.org/"\n')
    assert f"content-type: {entry.TYPE}" in run(home, *kind, str(file)).stdout
    assert run(home, "xdg-mime", "query", "default", entry.TYPE).stdout.strip() == "tsclient.desktop"
    command = f"Exec={sys.executable} -m thinclient.main %f"
    assert command in (tmp_path / "data/applications/tsclient.desktop").read_text().splitlines()
    assert tsclient(home, "register").returncode == 0  # again, over it
    done = tsclient(home, "register", "--remove")
    assert done.stdout.count("Removed: ") == 3
    assert list((tmp_path / "data").rglob("tsclient*")) == []
    assert entry.TYPE not in run(home, *kind, str(file)).stdout


def test_without_the_desktops_tools_it_says_so_and_works(home: dict[str, str], tmp_path: Path) -> None:
    done = tsclient(home | {"PATH": "/nowhere"}, "register")
    assert done.returncode == 0
    assert "Not there, and not needed everywhere: xdg-mime" in done.stdout
    assert (tmp_path / "data/applications/tsclient.desktop").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    done = tsclient(home, "register")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {tmp_path / 'data'}")


def test_words_of_the_command_are_quoted_as_the_specification_says(tmp_path: Path) -> None:
    text = next(made.text for made in entry.made_files(tmp_path, WORDS) if made.path.suffix == ".desktop")
    assert r'Exec="/opt/My programs/py%%thon" -m "a\\"b\\$c" %f' in text.splitlines()
