"""Files between a person's machine and a real desktop: by Chromium, through cuts, and by content."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.product import resident_mb
from tests.e2e.agent import Agent
from tests.e2e.gateway import RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.office import accessibility
from tests.e2e.pages import until, use_toolbar
from tests.e2e.person import Person
from tests.images_fixture import desktop_image

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.slow]

CONFIGURATION = """
[guests.qemu]
accelerator = "tcg"
[files]
quota_gb = 2
[desktops.linux]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
groups = ["users"]
"""
SHARED = "/home/user/Shared"
INPUT = "[data-key=files-input]"


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION, images=desktop_image().folder.parent, warm=True)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada(gateway: RealGateway) -> Iterator[Person]:
    person = Person(gateway)
    person.open("linux")
    yield person
    person.stop()


@pytest.fixture
def panel(ada: Person) -> Person:
    """Ada, who has the panel open."""
    ada.gateway.line.mend()
    open_panel(ada)
    return ada


def open_panel(person: Person) -> None:
    if not person.browser.evaluate("Boolean(document.querySelector('.files:not([hidden])'))"):
        use_toolbar(person.browser, "Files")
    person.browser.wait(".files:not([hidden]) .files-used")


def made(path: Path, size: int) -> tuple[Path, str]:
    """A file of random bytes, and its SHA-256."""
    data = os.urandom(size)
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def shared(gateway: RealGateway) -> Path:
    """The shared folder on the server's disk."""
    return gateway.folder / "data/shares/ada/linux/files"


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows(name: str) -> str:
    """A script that finds the rows of uploads of a file."""
    find = f"one.querySelector('.files-upload-name').textContent === {json.dumps(name)}"
    return f"[...document.querySelectorAll('.files-uploads li')].filter((one) => {find})"


def state(name: str) -> str:
    """A script that says how far an upload is; "" for none."""
    return f"({rows(name)}.at(-1)?.dataset.state ?? '')"


def on_its_way(name: str) -> str:
    """A condition: some of an upload has arrived, and not all."""
    return f"{rows(name)}.some((one) => one.querySelector('progress').value > 3)"


def agent(person: Person) -> Agent:
    (folder,) = person.gateway.sessions(person.user)
    return Agent(folder)


def test_what_is_uploaded_is_in_the_desktops_folder(panel: Person, tmp_path: Path) -> None:
    path, sha256 = made(tmp_path / "Übung 1.bin", 40_000_000)
    panel.browser.choose(INPUT, path)
    panel.browser.evaluate(until(f"{state('Übung 1.bin')} === 'done'"))
    panel.browser.evaluate(until("document.querySelector('.files-list').textContent.includes('Übung 1.bin')"))
    with agent(panel) as guest:
        guest.run(f"until grep -q ' {SHARED} 9p ' /proc/mounts; do sleep 0.2; done")
        assert guest.run(f"sha256sum {SHARED}/*1.bin").split()[0] == sha256


def test_the_panel_that_was_put_away_comes_back_whole(panel: Person) -> None:
    panel.browser.click(".files [aria-label='Close']")
    panel.browser.wait(".files", gone=True)
    open_panel(panel)
    panel.browser.wait(".files a.files-name")
    panel.browser.wait(".files .button.primary")


@pytest.mark.long
def test_what_is_large_arrives_too_and_memory_is_not_filled(panel: Person, tmp_path: Path) -> None:
    path, sha256 = made(tmp_path / "large.bin", 200_000_000)
    before = resident_mb(panel.gateway.host_pid)
    panel.browser.choose(INPUT, path)
    panel.browser.evaluate(until(f"{state('large.bin')} === 'done'", 600))
    with agent(panel) as guest:
        guest.run(f"until grep -q ' {SHARED} 9p ' /proc/mounts; do sleep 0.2; done")
        assert guest.run(f"sha256sum < {SHARED}/large.bin").split()[0] == sha256
        guest.run(f"rm {SHARED}/large.bin")
    assert resident_mb(panel.gateway.host_pid) - before < 100


def test_what_the_desktop_has_written_comes_down_as_it_is(panel: Person, tmp_path: Path) -> None:
    with agent(panel) as guest:
        script = f"head -c 5000000 /dev/urandom > {SHARED}/down.bin; sha256sum < {SHARED}/down.bin"
        sha256 = guest.run(script).split()[0]
    link = "a.files-name[download='down.bin']"
    panel.browser.downloads(tmp_path)
    panel.browser.click(link)
    wait_for((tmp_path / "down.bin").exists, "the download")
    assert digest(tmp_path / "down.bin") == sha256


@pytest.mark.long
def test_an_upload_goes_on_after_the_gateway_was_killed(panel: Person, tmp_path: Path) -> None:
    path, sha256 = made(tmp_path / "killed.bin", 120_000_000)
    panel.browser.choose(INPUT, path)
    panel.browser.evaluate(until(on_its_way("killed.bin")))
    panel.gateway.kill()
    panel.browser.evaluate(until(f"{state('killed.bin')} === 'waiting'"))
    panel.gateway.start()
    panel.browser.evaluate(until(f"{state('killed.bin')} === 'done'"))
    assert digest(shared(panel.gateway) / "killed.bin") == sha256
    panel.picture()


def test_an_upload_goes_on_after_a_reload_and_a_killed_session_host(panel: Person, tmp_path: Path) -> None:
    path, sha256 = made(tmp_path / "again.bin", 120_000_000)
    panel.browser.choose(INPUT, path)
    panel.browser.evaluate(until(on_its_way("again.bin")))
    panel.browser.reload()
    panel.picture()
    os.kill(panel.gateway.host_pid, signal.SIGKILL)
    panel.browser.evaluate(until("document.querySelector('.notice')"))
    panel.picture()
    open_panel(panel)
    panel.browser.evaluate(until(f"{state('again.bin')} === 'unfinished'"))
    panel.browser.choose(INPUT, path)
    panel.browser.evaluate(until(f"{state('again.bin')} === 'done'"))
    assert digest(shared(panel.gateway) / "again.bin") == sha256
    with agent(panel) as guest:  # the new session host serves the folder again
        guest.run(f"until grep -q ' {SHARED} 9p ' /proc/mounts; do sleep 0.2; done")
        assert guest.run(f"stat -c %s {SHARED}/again.bin").strip() == "120000000"


def test_files_are_dropped_onto_the_session_and_more_than_the_quota_is_told(panel: Person) -> None:
    drop = """(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["dropped"], "<b>dropped.txt"));
        const target = document.querySelector(".stage");
        const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
        for (const kind of ["dragenter", "dragover", "drop"]) {
            target.dispatchEvent(new DragEvent(kind, options));
        }
    })()"""
    panel.browser.evaluate(drop)
    panel.browser.evaluate(until(f"{state('<b>dropped.txt')} === 'done'"))
    assert panel.browser.evaluate("document.querySelectorAll('.files b, .drop-veil').length") == 0
    assert (shared(panel.gateway) / "<b>dropped.txt").read_text() == "dropped"
    panel.browser.evaluate(drop)
    panel.browser.evaluate(until("document.querySelector('.files-list').textContent.includes('(2)')"))


def test_a_file_too_large_for_the_quota_is_refused_with_a_sentence(panel: Person, tmp_path: Path) -> None:
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(5_000_000_000)
    panel.browser.choose(INPUT, tmp_path / "huge.bin")
    panel.browser.evaluate(until(f"{state('huge.bin')} === 'failed'"))
    assert "it may hold 2 GB" in panel.browser.text("[data-state=failed] .files-state")


@pytest.mark.long
def test_the_panel_is_for_everybody(panel: Person, tmp_path: Path) -> None:
    before = len(panel.browser.log)  # the tests above have cut the page's requests off
    assert accessibility(panel.browser) == []
    panel.browser.scheme("dark")
    assert accessibility(panel.browser) == []
    panel.browser.scheme("light")
    panel.browser.evaluate("document.querySelector('.files [aria-label=\"New folder\"]').focus()")
    panel.browser.key("Enter")
    panel.browser.wait("#files-name-input")
    panel.browser.type("by hand")
    panel.browser.key("Enter")
    wait_for((shared(panel.gateway) / "by hand").is_dir, "the folder")
    panel.browser.evaluate(until("document.querySelector('[data-key=\"file-by hand\"]')"))
    panel.browser.evaluate("document.querySelector('[data-key=\"file-by hand\"]').focus()")
    panel.browser.key("Enter")
    panel.browser.evaluate(until("document.querySelectorAll('.files-step').length === 2"))
    panel.browser.key("Escape")
    panel.browser.wait(".files:not([hidden])", gone=True)
    assert not [line for line in panel.browser.log[before:] if line.startswith("error:")]
