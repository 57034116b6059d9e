"""Helpers and the people they help: in two browsers, through the real gateway and session host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pages import until, use_toolbar
from tests.e2e.person import Person

pytestmark = pytest.mark.browser

CARD = """
[desktops.{name}]
title = "Card {name}"
kind = "testcard"
fps = 0
users = ["ada", "ruth"]
rules = {{ shadow = {level} }}
"""
LEVELS = {"ask": 1, "open": 2, "look": 4}


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway("".join(CARD.format(name=name, level=level) for name, level in LEVELS.items()))
    made.run("user", "add", "ruth", "--admin", "--password-stdin", standard_input=f"{PASSWORD}\n")
    yield made
    made.stop()


@pytest.fixture
def ada(gateway: RealGateway) -> Iterator[Person]:
    made = Person(gateway)
    yield made
    made.stop()


@pytest.fixture
def ruth(gateway: RealGateway) -> Iterator[Person]:
    made = Person(gateway, "ruth")
    yield made
    made.stop()


def ask(person: Person, method: str, path: str, body: Any = None) -> Any:
    """Ask the API as this person's browser does; return what it answers."""
    options: dict[str, Any] = {"method": method, "headers": {"Content-Type": "application/json"}}
    if body is not None:
        options["body"] = json.dumps(body)
    script = f"fetch('/api/v1/{path}', {json.dumps(options)}).then((answer) => answer.json())"
    return person.browser.evaluate(script)


def session_of(ruth: Person, desktop: str) -> str:
    listed = ask(ruth, "GET", "sessions")["sessions"]
    [found] = [each["id"] for each in listed if each["desktop"] == desktop]
    return str(found)


def look_on(ruth: Person, session: str, way: str) -> None:
    ruth.browser.open(f"{ruth.gateway.url}/session/{session}?shadow={way}")


def press(person: Person, button: str) -> None:
    """Press a button of a dialog, which takes nothing in its first moments."""
    time.sleep(1)
    person.browser.click(button)


def test_a_message_is_read_in_a_window_and_what_is_typed_meanwhile_is_no_answer(
    ada: Person, ruth: Person
) -> None:
    browser = ada.browser
    ada.open("ask")
    body = {"title": "Maintenance", "text": "At noon.\n<b>Save</b> your work.", "seconds": 120}
    answer = ask(ruth, "POST", f"sessions/{session_of(ruth, 'ask')}/message", body)
    assert answer["answer"] == ""
    assert browser.text(".asking h2") == "Maintenance"
    for key in ("Enter", "a"):
        browser.key(key)
    assert browser.text(".asking-text") == "At noon.\n<b>Save</b> your work."
    assert browser.text(".asking-from") == "From ruth (owner)"
    assert browser.text(".asking-left").startswith("Closes in ")
    browser.reload()
    ada.picture()
    assert browser.text(".asking h2") == "Maintenance", "it is unread, so it is there again"
    press(ada, ".asking .primary")
    browser.wait(".asking", gone=True)
    assert browser.evaluate("document.activeElement.classList.contains('stage')")
    before = ada.shown()
    browser.key("a")
    wait_for(lambda: not np.array_equal(before, ada.shown()), "the guest to have the keyboard again")
    ask(ruth, "POST", "sessions/message", {"user": "ada", "text": "Bye.", "seconds": 2})
    assert browser.text(".asking h2") == "A message for you"
    browser.wait(".asking", gone=True)
    ada.end()


def test_a_helper_is_let_in_helps_and_is_sent_away(ada: Person, ruth: Person) -> None:
    ada.open("ask")
    session = session_of(ruth, "ask")
    size = ada.shown().shape
    ruth.browser.viewport(600, 500)
    look_on(ruth, session, "control")
    assert "ada is asked to allow it" in ruth.notice("asking")
    assert "ruth (owner) wants to see your screen and use your keyboard and pointer" in ada.browser.text(
        ".asking h2"
    )
    press(ada, ".asking .primary")
    ruth.picture()
    assert ruth.browser.text(".mark") == "You see and use ada’s session"
    assert "ruth (owner) sees and uses your screen" in ada.browser.text(".mark")
    ruth.browser.key("x")
    wait_for(lambda: np.array_equal(ada.shown(), ruth.shown()), "both to see the same")
    ada.browser.move(300, 400, steps=3)
    assert ruth.browser.text(".pointer") == "ada", "who looks on sees where the person points"
    assert ruth.shown().shape == size, "as large as the person's, whatever the helper's window"
    ruth.browser.offline(True)
    ruth.browser.wait(".mark", gone=True)
    ada.browser.wait(".mark", gone=True)
    ruth.browser.offline(False)
    ada.browser.wait(".asking")  # a line that comes back is asked about anew
    press(ada, ".asking .primary")
    ruth.browser.wait(".mark")
    ada.browser.click(".mark .button")
    assert "ada has ended it" in ruth.notice("shadowover")
    ada.browser.wait(".mark", gone=True)
    before = ada.shown()
    ruth.browser.click(".notice .primary")
    ada.browser.wait(".asking")
    time.sleep(1)
    ada.browser.key("Escape")
    assert "ada does not allow it" in ruth.notice("shadowover")
    assert (ada.shown() == before).all()
    ada.end()


def test_one_who_only_looks_cannot_type_and_is_marked_though_nobody_is_asked(
    ada: Person, ruth: Person
) -> None:
    ada.open("look")
    session = session_of(ruth, "look")
    look_on(ruth, session, "view")
    ruth.picture()
    assert ruth.browser.text(".mark") == "You see ada’s session"
    assert "ruth (owner) sees your screen" in ada.browser.text(".mark")
    before = ada.shown()
    ruth.browser.key("x")
    ruth.browser.move(100, 100)
    ruth.browser.press()
    ruth.browser.release()
    ada.browser.key("a")
    wait_for(lambda: not np.array_equal(before, ada.shown()), "what the person types")
    wait_for(lambda: np.array_equal(ada.shown(), ruth.shown()), "both to see the same")
    shown = ada.browser.evaluate("document.querySelectorAll('.mark').length")
    assert shown == 1
    use_toolbar(ruth.browser, "Disconnect")
    ada.browser.wait(".mark", gone=True)
    ada.end()


def test_a_viewer_goes_to_another_session_without_loading_the_page_anew(ada: Person, ruth: Person) -> None:
    ada.open("open")
    ada.open("ask")
    browser = ada.browser
    browser.evaluate("window.stays = true")
    target, left = session_of(ruth, "open"), session_of(ruth, "ask")
    moved = ask(ruth, "POST", f"sessions/{target}/move", {"session": left})
    assert len(moved["viewers"]) == 1
    browser.evaluate(until(f"location.pathname === '/session/{target}'"))
    ada.picture()
    assert browser.evaluate("window.stays")
    wait_for(lambda: ask(ruth, "GET", f"sessions/{left}")["state"] == "disconnected", "the other to be left")
    assert ask(ruth, "GET", f"sessions/{target}")["viewers"] == 1
    browser.evaluate(until("document.title.startsWith('Card open')"))
    ada.end()
