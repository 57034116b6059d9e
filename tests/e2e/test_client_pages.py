"""Sign-in and the list of desktops, in real browsers."""

from __future__ import annotations

import time

import pytest

from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer
from tests.e2e.pages import until

pytestmark = pytest.mark.browser


def test_sign_in_list_and_sign_out(browser: Browser, server: DevServer) -> None:
    browser.open(server.url)
    browser.type("ada", "#name")
    browser.type("lovelace", "#password")
    browser.key("Enter")
    assert "Work desktop" in browser.text(".card")
    assert "Ready to start" in browser.text(".card .chip")
    browser.click(".account")
    browser.click(".menu:popover-open .menu-item:last-of-type")
    browser.wait("#password")
    assert not server.signed_in


def test_a_first_visit_is_no_error(browser: Browser, server: DevServer) -> None:
    before = len(browser.log)
    browser.open(server.url)
    browser.wait("#password")
    assert browser.log[before:] == []


def test_wrong_password_is_said_and_can_be_corrected(browser: Browser, server: DevServer) -> None:
    browser.open(server.url)
    browser.wait("#name")
    browser.key("Enter")
    assert "Enter your name" in browser.text(".form-error")
    browser.type("ada", "#name")
    browser.type("wrong", "#password")
    browser.key("Enter")
    browser.evaluate(until("document.querySelector('.form-error').innerText.includes('is wrong')"))
    browser.type("lovelace")  # the field has the focus, its text is selected
    browser.key("Enter")
    browser.wait(".card")


def test_throttling_counts_down(browser: Browser, server: DevServer) -> None:
    server.throttle = 2
    browser.open(server.url)
    browser.type("ada", "#name")
    browser.type("lovelace", "#password")
    browser.evaluate("""(() => {
        const [error, submit] = [".form-error", "[type=submit]"].map((one) => document.querySelector(one));
        window.said = [];
        const note = () => said.push([error.innerText, submit.disabled]);
        new MutationObserver(note).observe(error, { childList: true });
    })()""")
    browser.key("Enter")
    browser.evaluate(until("said.some(([text]) => text === '')"))
    said = browser.evaluate("said")
    assert said[0] == ["Too many attempts. Try again in 2 s.", True]
    assert said[-1] == ["", False]
    server.throttle = None
    browser.click("[type=submit]")
    browser.wait(".card")


def test_password_can_be_shown(browser: Browser, server: DevServer) -> None:
    browser.open(server.url)
    browser.type("secret", "#password")
    browser.click(".reveal")
    assert browser.evaluate("document.querySelector('#password').type") == "text"
    assert browser.evaluate("document.querySelector('.reveal').getAttribute('aria-pressed')") == "true"


def test_no_desktops(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    server.desktops = []
    browser.open(server.url)
    assert "ask your administrator" in browser.text(".blank").lower()


def test_sessions_are_shown_and_can_be_ended(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    session = {
        "id": "s1",
        "state": "disconnected",
        "viewers": 2,
        "started": int(time.time()),
        "progress": 255,
        "text": "",
    }
    server.desktops[0]["session"] = session
    browser.open(server.url)
    assert "Disconnected · 2 viewers · since" in browser.text(".chip")
    assert browser.text(".card .primary") == "Resume"
    more = "[data-key^=more-]"
    browser.click(more)
    browser.click(".menu:popover-open .menu-item")  # to disconnect loses nothing, so nothing is asked
    browser.evaluate(until("!document.querySelector('.menu:popover-open')"))
    browser.click(more)
    browser.click(".menu:popover-open .menu-item:nth-child(2)")
    browser.click("dialog .button:not(.primary)")  # better not
    browser.click(more)
    browser.click(".menu:popover-open .menu-item:nth-child(2)")
    browser.click("dialog .primary")
    browser.evaluate(until("document.querySelector('.card .primary').innerText === 'Connect'"))
    steered = [path for method, path in server.requests if method == "POST" and "/s1/" in path]
    assert steered == ["/api/v1/sessions/s1/disconnect", "/api/v1/sessions/s1/log-off"]


def test_who_waits_for_a_turn_hears_how_many_come_first(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    server.before = [12, 1, 0]
    browser.open(server.url)
    browser.wait(".card .primary")
    browser.evaluate("""(() => {
        window.said = [];
        const note = () => said.push(document.querySelector(".chip[role=status]")?.innerText);
        new MutationObserver(note).observe(document.querySelector(".cards"), { childList: true });
    })()""")
    browser.click(".card .primary")
    browser.evaluate(until("said.at(-1)?.includes('you are next')"))
    said = browser.evaluate("[...new Set(said)]")
    assert "12 people are before you" in said[0]
    assert "one person is before you" in said[1]
    browser.wait(".session")
    asked = [path for method, path in server.requests if path.endswith("/connect")]
    assert len(asked) == 4


def test_each_session_of_a_desktop_that_is_not_single_can_be_resumed(
    browser: Browser, server: DevServer
) -> None:
    server.signed_in = True
    fresh = {"state": "disconnected", "viewers": 0, "started": int(time.time()), "progress": 255, "text": ""}
    sessions = [{"id": name, **fresh} for name in ("s2", "s1")]
    server.desktops[0].update(session=sessions[0], sessions=sessions, single=False)
    browser.open(server.url)
    assert browser.text(".card .primary") == "Open another"
    assert browser.evaluate("document.querySelectorAll('.card-sessions li').length") == 2
    browser.click("[data-key=resume-s1]")
    browser.evaluate(until("location.pathname === '/session/s1'"))


def test_signed_out_meanwhile(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    browser.open(server.url)
    browser.wait(".card")
    server.signed_in = False  # the list finds out by itself
    assert "signed out" in browser.text(".form-error")


def test_signed_out_when_connecting(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    server.connect_error = (401, "Sign in first.")
    browser.open(server.url)
    browser.click(".card .primary")
    assert "signed out" in browser.text(".form-error")


def test_a_refused_connection_is_said_until_something_else_is_done(
    browser: Browser, server: DevServer
) -> None:
    server.signed_in = True
    server.connect_error = (503, "All machines are in use.")
    browser.open(server.url)
    browser.click(".card .primary")
    assert browser.text(".banner") == "All machines are in use."
    server.requests.clear()
    while server.requests.count(("GET", "/api/v1/desktops")) < 2:  # the list has come anew
        time.sleep(0.1)
    assert browser.text(".banner") == "All machines are in use."
    server.connect_error = None
    browser.click(".card .primary")
    server.viewer()


def test_a_fault_of_the_gateway_is_told_with_its_reference(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    server.connect_error = (500, "Something went wrong here.")
    browser.open(server.url)
    browser.click(".card .primary")
    assert browser.text(".banner") == "Something went wrong here. [5e1f0a7c]"


def test_who_cannot_be_signed_out_is_told(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    browser.open(server.url)
    browser.wait(".card")
    server.refuse_connections = True
    browser.click(".account")
    browser.click(".menu:popover-open .menu-item:last-of-type")
    assert "You are still signed in" in browser.text(".banner")
    server.refuse_connections = False
    browser.click(".account")
    browser.click(".menu:popover-open .menu-item:last-of-type")
    browser.wait("#password")


@pytest.mark.parametrize("path", ["/nowhere", "/session/%", "/session/"])
def test_an_address_that_leads_nowhere(browser: Browser, server: DevServer, path: str) -> None:
    server.signed_in = True
    browser.open(server.url + path)
    assert "no such page" in browser.text("h1")
    assert browser.evaluate("document.activeElement.innerText") == "Back to desktops"
    browser.click(".button")
    browser.wait(".card")


def test_server_gone_is_said_and_forgotten(browser: Browser, server: DevServer) -> None:
    server.refuse_connections = True
    browser.open(server.url)
    assert "cannot be reached" in browser.text("h1")
    server.refuse_connections = False
    browser.wait("#password")


def test_colours_are_chosen_and_remembered(browser: Browser, server: DevServer) -> None:
    browser.open(server.url)
    browser.click(".corner .icon-button")
    browser.click(".menu:popover-open .menu-item:nth-of-type(3)")
    dark = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    browser.reload()
    browser.wait("#password")
    assert browser.evaluate("document.documentElement.dataset.theme") == "dark"
    assert browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_names_are_text_whatever_is_in_them(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    hostile = '<img src=x onerror="window.ran = true">\u202egnp.exe ' + "long" * 200
    server.desktops[0].update(title=hostile, description=hostile, favourite=True)
    server.desktops[0]["session"] = {
        "id": "s1", "state": "starting", "viewers": 1, "started": 1, "progress": None, "text": hostile,
    }  # fmt: skip
    browser.open(server.url)
    assert "<img src=x" in browser.text(".card h2")
    browser.click("[data-key^=star-]")
    browser.evaluate(until("document.querySelector('#announcer').textContent.includes('<img')"))
    assert browser.evaluate("document.querySelectorAll('.card-body img').length") == 0
    assert browser.evaluate("window.ran === undefined")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_link_to_a_desktop_opens_it_or_says_that_it_is_not_there(
    browser: Browser, server: DevServer
) -> None:
    server.signed_in = True
    browser.open(f"{server.url}/desktop/gone")
    browser.evaluate(until("document.querySelector('h1')?.innerText.includes('no such desktop')"))
    server.connect_error = (503, "All machines are in use.")
    browser.open(f"{server.url}/desktop/work")
    browser.evaluate(until("document.body.innerText.includes('All machines are in use.')"))
    server.connect_error = None
    browser.click(".button.primary")
    browser.wait(".session")
    server.viewer()


def test_a_favourite_that_cannot_be_kept_is_said(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    server.connect_error = (503, "The server's disk is full. Its administrator has to make room there.")
    browser.open(server.url)
    browser.click("[data-key^=star-]")
    assert "disk is full" in browser.text(".banner")
    assert browser.evaluate("document.querySelector('.star').ariaPressed") == "false"
