"""`tsgateway image`, as a person and as a program uses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sessions.images import commands, recipe
from sessions.images.store import ImageStore
from tsgateway.cli.image import image


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch) -> Path:
    """Where images are without a configuration file."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("TSGATEWAY_CONFIG", raising=False)
    return tmp_path / "tsgateway" / "images"


def run(*arguments: str | Path):
    return CliRunner().invoke(image, [str(argument) for argument in arguments])


@pytest.mark.parametrize("table", ['images = "{}/own/images"', 'directory = "{}/own"'])
def test_images_are_where_the_gateway_looks_for_them(tmp_path, store, table):
    config = tmp_path / "tsgateway.toml"
    config.write_text(f"[data]\n{table.format(tmp_path)}\n")
    folder = tmp_path / "own" / "images"
    source = disk(tmp_path / "disk.qcow2")
    assert run("import", source, "--name", "mine", "--config", config).exit_code == 0
    assert (folder / "mine" / "image.json").exists()
    assert [str(one.folder) for one in ImageStore(folder).list()] == [str(folder / "mine")]
    assert not store.exists()


def test_what_it_makes_is_for_this_user_only(tmp_path, store):
    run("import", disk(tmp_path / "disk.qcow2"), "--name", "mine")
    assert store.parent.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    config = tmp_path / "tsgateway.toml"
    (tmp_path / "file").touch()
    config.write_text(f'[data]\nimages = "{tmp_path}/file/images"\n')
    for arguments in (("build", "tiny"), ("import", tmp_path / "file", "--name", "mine")):
        done = run(*arguments, "--config", config)
        assert done.exit_code == 1
        assert f"images directory {tmp_path}/file/images cannot be written" in done.stderr
        assert "Traceback" not in done.output


def disk(path: Path, *options: str) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, path, "4M"], check=True)
    return path


def test_import_and_replace(store, tmp_path):
    source = disk(tmp_path / "own.qcow2")
    done = run("import", source, "--name", "own", "--memory", "512")
    assert (done.exit_code, done.stdout.startswith("own is imported")) == (0, True)
    assert "own: copying" not in done.stdout
    again = run("import", source, "--name", "own")
    assert again.exit_code == 1
    assert "--force" in again.output
    assert run("import", source, "--name", "own", "--force").exit_code == 0
    [one] = ImageStore(store).list()
    assert (one.name, one.kind, one.memory_mb) == ("own", "disk", 2048)


def test_unsafe_disk_is_one_sentence(store, tmp_path):
    disk(tmp_path / "base.qcow2")
    overlay = disk(tmp_path / "overlay.qcow2", "-b", str(tmp_path / "base.qcow2"), "-F", "qcow2")
    done = run("import", overlay, "--name", "own")
    assert done.exit_code == 1
    assert "backing file" in done.stderr
    assert "Traceback" not in done.output


def test_unknown_recipe(store):
    assert run("build", "windows").exit_code == 2


@pytest.mark.parametrize("name", ["desktop", "tiny"])
def test_missing_programs_are_named(store, tmp_path, monkeypatch, name):
    monkeypatch.setattr(commands, "find", lambda program: None)
    done = run("build", name, "--cache", tmp_path / "cache")
    assert done.exit_code == 1
    assert "apt-get install" in done.stderr
    assert list(store.iterdir()) == []


@pytest.mark.qemu
def test_build_is_quick_the_second_time(store):
    first = run("build", "tiny", "--cache", recipe.default_cache())
    assert "tiny is built" in first.stdout
    second = run("build", "tiny", "--cache", recipe.default_cache())
    assert "tiny is up to date" in second.stdout
    assert second.stderr == ""
    forced = run("build", "tiny", "--force", "--cache", recipe.default_cache())
    assert "tiny is built" in forced.stdout


@pytest.mark.qemu
def test_an_interrupted_build_says_at_once_that_it_stops(store, tmp_path):
    """Programs at work may take long to clear up what they have begun: this one as long as it is told to."""
    tools, begun, enough = tmp_path / "tools", tmp_path / "begun", tmp_path / "enough"
    tools.mkdir()
    wait = f"while ! [ -e {enough} ]; do sleep 0.05; done"
    (tools / "gcc").write_text(f"#!/bin/sh\ntrap '' TERM\ntouch {begun}\n{wait}\nexit 1\n")
    (tools / "gcc").chmod(0o755)
    build = subprocess.Popen(
        [sys.executable, "-m", "tsgateway.cli.main", "image", "build", "tiny"],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal, though the tests themselves may run in the background, where it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    assert build.stderr is not None
    try:
        while not begun.exists():
            assert build.poll() is None
            time.sleep(0.02)
        build.send_signal(signal.SIGINT)
        while (said := build.stderr.readline()) != "tiny: stopping …\n":
            assert said
        assert build.poll() is None
        enough.touch()
        assert build.stderr.read() == "interrupted; run the same command again to go on\n"
        assert build.wait() == 130
    finally:
        enough.touch()
        build.kill()
        build.wait()
        build.stderr.close()
    assert not (store / "tiny").exists()
