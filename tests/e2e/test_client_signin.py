"""The steps of signing in, in real browsers, by keyboard alone."""

from __future__ import annotations

import pytest

from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer
from tests.e2e.pages import until
from tsgateway.auth.totp import enrolment, recovery_codes

pytestmark = pytest.mark.browser
CODE = {"step": "code"}


def sign_in(browser: Browser, server: DevServer) -> None:
    browser.open(server.url)
    browser.type("ada", "#name")
    browser.type("lovelace", "#password")
    browser.key("Enter")


def shows(browser: Browser, title: str) -> None:
    browser.evaluate(until(f"document.querySelector('h1')?.innerText === {title!r}"))


def says(browser: Browser, text: str) -> None:
    browser.evaluate(until(f"document.querySelector('.form-error').innerText.includes({text!r})"))


def test_a_code_is_asked_for(browser: Browser, server: DevServer) -> None:
    server.steps = [CODE]
    sign_in(browser, server)
    shows(browser, "One more step")
    field = "document.querySelector('#code')"
    assert browser.evaluate(f"{field}.getAttribute('autocomplete')") == "one-time-code"
    browser.evaluate(until(f"document.activeElement === {field}"))
    browser.key("Enter")
    says(browser, "six digits")
    browser.type("000000")
    browser.key("Enter")
    says(browser, "wrong or was used before")
    browser.type("123456")  # what was typed is selected
    browser.key("Enter")
    browser.wait(".card")
    assert server.answers == [{"code": "000000"}, {"code": "123456"}]


def test_a_recovery_code_will_do(browser: Browser, server: DevServer) -> None:
    server.steps = [CODE]
    sign_in(browser, server)
    shows(browser, "One more step")
    browser.evaluate(until("document.activeElement.id === 'code'"))
    browser.key("Tab")  # the button that goes on
    browser.key("Tab")
    browser.key("Enter")
    browser.evaluate(until("document.activeElement.id === 'recovery'"))
    browser.type("abcd-efgh-jkmn-pqrs")
    browser.key("Enter")
    browser.wait(".card")
    assert server.answers == [{"recovery": "abcd-efgh-jkmn-pqrs"}]


def test_a_sign_in_that_is_over_begins_again(browser: Browser, server: DevServer) -> None:
    server.steps = [CODE]
    sign_in(browser, server)
    shows(browser, "One more step")
    server.steps = []
    browser.type("123456", "#code")
    browser.key("Enter")
    shows(browser, "Sign in")
    says(browser, "taken too long")


def test_a_second_factor_is_set_up_on_the_way(browser: Browser, server: DevServer) -> None:
    drawn = enrolment("ada", "tsgateway")
    server.steps = [{"step": "enrol", **drawn._asdict()}]
    server.recovery_codes = recovery_codes()
    sign_in(browser, server)
    shows(browser, "Set up a second factor")
    browser.evaluate(until("document.querySelector('.qr').naturalWidth > 0"))  # it is a picture, and allowed
    browser.click(".secret summary")
    assert browser.text(".secret code").replace(" ", "") == drawn.secret
    browser.type("123456", "#code")
    browser.key("Enter")
    shows(browser, "Keep these recovery codes")
    assert browser.text(".codes").split() == server.recovery_codes
    browser.key("Tab")
    browser.key("Enter")
    browser.wait(".card")


def test_a_new_password_is_set_on_the_way(browser: Browser, server: DevServer) -> None:
    server.steps = [{"step": "password"}]
    sign_in(browser, server)
    shows(browser, "Choose a new password")
    browser.type("seven green bicycles", "#new-password")
    browser.type("seven green", "#new-password-again")
    browser.key("Enter")
    says(browser, "not the same")
    browser.type(" bicycles", "#new-password-again")
    browser.key("Enter")
    browser.wait(".card")
    assert server.answers == [{"password": "seven green bicycles"}]


def test_providers_are_offered(browser: Browser, server: DevServer) -> None:
    server.providers = [{"id": "corp", "title": "Corp & Co"}, {"id": "other", "title": "Other"}]
    browser.open(server.url)
    assert browser.text(".signin-ways a") == "Sign in with Corp & Co"
    links = "[...document.querySelectorAll('.signin-ways a')].map((one) => one.getAttribute('href'))"
    assert browser.evaluate(links) == ["/api/v1/login/oidc/corp", "/api/v1/login/oidc/other"]


def test_who_comes_back_from_a_provider_goes_on(browser: Browser, server: DevServer) -> None:
    server.steps = [CODE]
    browser.open(f"{server.url}/#challenge=a-challenge")
    shows(browser, "One more step")
    assert browser.evaluate("location.hash") == ""
    browser.type("123456", "#code")
    browser.key("Enter")
    browser.wait(".card")
