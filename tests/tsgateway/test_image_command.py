"""`tsgateway image`, as a person and as a program uses it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from sessions.images import commands, recipe
from tsgateway.cli.image import image


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "images"


def run(*arguments: str | Path):
    return CliRunner().invoke(image, [str(argument) for argument in arguments])


def disk(path: Path, *options: str) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, path, "4M"], check=True)
    return path


def test_empty_store(store):
    assert "tsgateway image build" in run("list", "--store", store).output
    assert json.loads(run("list", "--json", "--store", store).stdout) == {"images": [], "broken": []}


def test_import_list_and_replace(store, tmp_path):
    source = disk(tmp_path / "own.qcow2")
    done = run("import", source, "--name", "own", "--memory", "512", "--store", store)
    assert (done.exit_code, done.stdout.startswith("own is imported")) == (0, True)
    assert "own: copying" not in done.stdout
    again = run("import", source, "--name", "own", "--store", store)
    assert again.exit_code == 1
    assert "--force" in again.output
    assert run("import", source, "--name", "own", "--store", store, "--force").exit_code == 0
    (store / "broken").mkdir()
    listed = json.loads(run("list", "--json", "--store", store).stdout)
    assert [(one["name"], one["kind"], one["memory_mb"]) for one in listed["images"]] == [
        ("own", "disk", 2048)
    ]
    assert "broken" in listed["broken"][0]
    table = run("list", "--store", store)
    assert "own" in table.stdout
    assert "broken" in table.stderr


def test_unsafe_disk_is_one_sentence(store, tmp_path):
    disk(tmp_path / "base.qcow2")
    overlay = disk(tmp_path / "overlay.qcow2", "-b", str(tmp_path / "base.qcow2"), "-F", "qcow2")
    done = run("import", overlay, "--name", "own", "--store", store)
    assert done.exit_code == 1
    assert "backing file" in done.stderr
    assert "Traceback" not in done.output


def test_unknown_recipe(store):
    assert run("build", "windows", "--store", store).exit_code == 2


@pytest.mark.parametrize("name", ["desktop", "tiny"])
def test_missing_programs_are_named(store, tmp_path, monkeypatch, name):
    monkeypatch.setattr(commands, "find", lambda program: None)
    done = run("build", name, "--store", store, "--cache", tmp_path / "cache")
    assert done.exit_code == 1
    assert "apt-get install" in done.stderr
    assert not store.exists()


@pytest.mark.qemu
def test_build_is_quick_the_second_time(store):
    first = run("build", "tiny", "--store", store, "--cache", recipe.default_cache())
    assert "tiny is built" in first.stdout
    second = run("build", "tiny", "--store", store, "--cache", recipe.default_cache())
    assert "tiny is up to date" in second.stdout
    assert second.stderr == ""
    forced = run("build", "tiny", "--force", "--store", store, "--cache", recipe.default_cache())
    assert "tiny is built" in forced.stdout
