"""The script that makes a system of one's own one that people can share."""

import ast
import re
import subprocess

import pytest

from sessions.images import recipe


@pytest.fixture
def system(tmp_path):
    script = recipe.folder("shared-host") / "install.sh"
    subprocess.run(
        ["sh", script, "startxfce4 --sm"], env={"PATH": "/usr/bin:/bin", "DESTDIR": tmp_path}, check=True
    )
    return tmp_path


def test_all_that_is_started_is_there(system):
    unit = (system / "etc/systemd/system/tsgateway-seats.service").read_text()
    programs = {re.search(r"ExecStart=/(\S+)", unit)[1]}
    library = system / "usr/lib/tsgateway"
    for file in library.iterdir():
        programs |= {f"usr/lib/tsgateway/{name}" for name in re.findall(r"\$here/([\w-]+)", file.read_text())}
        programs |= set(re.findall(r'"/(usr/lib/tsgateway/[\w-]+)"', file.read_text()))
    ours = {"usr/lib/tsgateway/await-desktop", "usr/lib/tsgateway/desktop"}  # in place of seat-session
    assert "usr/lib/tsgateway/seat" in programs
    for program in programs - ours:
        assert (system / program).stat().st_mode & 0o111, program
    for name in ("seats", "leave", "people.py", "streams.py"):
        for node in ast.walk(ast.parse((library / name).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in ("people", "streams"):
                assert (library / f"{node.module}.py").exists()


def test_the_desktop_is_the_one_that_was_named(system):
    session = system / "etc/tsgateway/seat-session"
    assert session.read_text() == "#!/bin/sh\nexec startxfce4 --sm\n"
    assert session.stat().st_mode & 0o111
