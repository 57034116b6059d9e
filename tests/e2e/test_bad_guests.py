"""Guests that cannot be had: the person reads why, and nobody else notices."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.person import Person
from tests.images_fixture import tiny_image

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.slow]

CARD = """
[desktops.card]
title = "Card"
kind = "testcard"
fps = 10
groups = ["users"]
"""
DESKTOP = """
[desktops.{name}]
title = "{name}"
kind = "qemu"
start = "boot"
template = "{name}"
groups = ["users"]
"""
REASONS = {
    "absent": "does not exist on the server",
    "torn": "is broken",
    "silent": "did not start within 4 seconds",
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with images that are good for nothing."""
    store = tmp_path_factory.mktemp("images")
    for name in ("torn", "silent"):
        shutil.copytree(tiny_image().folder, store / name)
        path = store / name / "image.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "name": name}))
    (store / "torn" / "vmlinux").unlink()
    described = json.loads((store / "silent" / "image.json").read_text())
    described.update(kernel=None, initrd=None, firmware="bios")
    (store / "silent" / "image.json").write_text(json.dumps(described))
    return store


@pytest.fixture(scope="module")
def gateway(images: Path) -> Iterator[RealGateway]:
    settings = '[guests.qemu]\naccelerator = "tcg"\nboot_seconds = 4\n'
    desktops = "".join(DESKTOP.format(name=name) for name in REASONS)
    made = RealGateway(settings + CARD + desktops, users=("ada", "bob"), images=images)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada(gateway: RealGateway) -> Iterator[Person]:
    person = Person(gateway)
    yield person
    person.stop()


def fails(person: Person, desktop: str, reason: str) -> None:
    person.list()
    person.browser.click(f"[data-key=open-{desktop}]")
    said = person.notice("ended")
    assert reason in said
    assert "Traceback" not in said
    assert "/" not in said.replace(" / ", ""), "no path of the server's"
    wait_for(lambda: not person.gateway.sessions(), "nothing is left of the session")


def test_every_failure_is_said_and_disturbs_nobody(ada: Person, gateway: RealGateway) -> None:
    host = gateway.host_pid
    bob = Person(gateway, "bob")
    try:
        bob.open("card")
        for desktop, reason in REASONS.items():
            fails(ada, desktop, reason)
        before = bob.shown()
        wait_for(lambda: not np.array_equal(bob.shown(), before), "the picture moves")
        assert not bob.browser.evaluate("document.querySelector('.notice')")
        assert gateway.host_pid == host
    finally:
        bob.stop()


@pytest.mark.long
def test_no_qemu_is_said() -> None:
    settings = '[guests.qemu]\naccelerator = "tcg"\nqemu = "no-such-qemu"\n'
    gateway = RealGateway(settings + DESKTOP.format(name="tiny"), images=tiny_image().folder.parent)
    try:
        ada = Person(gateway)
        try:
            fails(ada, "tiny", "QEMU is not installed")
        finally:
            ada.stop()
        log = (gateway.folder / "data/hosts/0/host.log").read_text()
        assert "apt-get install qemu-system-x86" in log, "the operator reads what to do"
    finally:
        gateway.stop()
