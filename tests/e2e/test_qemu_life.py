"""The life of a session whose guest is a real machine: ends that are no end, and ends in good order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.machine import Machine, wait_for
from tests.e2e.pages import choose, until
from tests.e2e.person import Person
from tests.images_fixture import tiny_image

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.slow]

CONFIGURATION = """
[guests.qemu]
accelerator = "tcg"
[desktops.kiosk]
title = "Kiosk"
kind = "qemu"
template = "tiny"
groups = ["users"]
rules = { at_guest_end = "restart", shutdown_seconds = 600 }
"""
RESTED = 8
"""Seconds after which nobody holds the display of a session that was left (sessions/session.REST_SECONDS)."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION, users=("ada",), images=tiny_image().folder.parent)
    yield made
    made.stop()


@pytest.fixture
def ada(gateway: RealGateway) -> Iterator[Person]:
    person = Person(gateway, "ada")
    try:
        person.open("kiosk")
        yield person
    finally:
        person.stop()


def sees_its_machine(ada: Person) -> Machine:
    with ada.machine() as machine:
        ada.sees(machine.screen)
        return machine


def test_a_killed_guest_comes_back_to_who_waits(ada: Person) -> None:
    before = sees_its_machine(ada)
    os.kill(before.process.pid, signal.SIGKILL)
    ada.notice("starting")
    assert ada.browser.evaluate("document.querySelector('.session.has-picture') !== null"), "it stays, dimmed"
    ada.picture()
    after = sees_its_machine(ada)
    assert after.folder == before.folder
    assert after.process != before.process
    ada.browser.type("k")
    with ada.machine() as machine:
        ada.sees(machine.screen)


def test_a_guest_that_is_killed_while_nobody_looks_is_there_for_who_comes(ada: Person) -> None:
    before = sees_its_machine(ada)
    ada.list()
    ada.browser.evaluate(until("document.querySelector('.cards').innerText.includes('Disconnected')"))
    ada.browser.evaluate(f"new Promise((go) => setTimeout(go, {1000 * RESTED}))")
    os.kill(before.process.pid, signal.SIGKILL)
    wait_for(lambda: not before.process.alive, "its end")
    ada.open("kiosk")
    assert sees_its_machine(ada).process != before.process


def test_a_guest_that_is_logged_off_shuts_down_by_itself(ada: Person, gateway: RealGateway) -> None:
    machine = sees_its_machine(ada)
    choose(ada.browser, "More", ".menu-item:nth-last-of-type(2)")
    ada.browser.click("dialog .primary")
    ada.browser.evaluate(until("document.querySelector('[data-key=open-kiosk]')?.innerText === 'Connect'"))
    ada.open("kiosk")  # at once, whatever the old one still does
    wait_for(lambda: not machine.process.alive, "the old guest to shut down")  # it was given ten minutes
    wait_for(lambda: not machine.folder.exists(), "its folder to go")
    assert len(gateway.sessions("ada")) == 1
