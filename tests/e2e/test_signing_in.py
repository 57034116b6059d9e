"""Signing in at the real gateway, in a real browser: by a provider, and with a second factor on the way."""

from __future__ import annotations

import time

import pyotp
import pytest

from tests.e2e.browser import Browser
from tests.e2e.corp import gateway_of_corp
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.pages import until
from tsgateway.client import Client

pytestmark = pytest.mark.browser
CONFIGURATION = """
[desktops.testcard]
title = "Test card"
kind = "testcard"
groups = ["users"]
[sign_in]
require_totp = ["careful"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with gateway_of_corp(CONFIGURATION, "Example Corp", tmp_path_factory.mktemp("corp")) as made:
        made.run(
            "user", "add", "eve", "--group", "careful", "--password-stdin", standard_input=f"{PASSWORD}\n"
        )
        yield made


THERE = """(async () => {
    for (let tries = 0; tries < 600; tries += 1) {
        if (document.querySelector("STEP")) return true;
        await new Promise((go) => setTimeout(go, 50));
    }
    return false;
})()"""
"""Whether something is there within half a minute."""


def sign_out(browser: Browser) -> None:
    browser.click(".account")
    browser.click(".menu:popover-open .menu-item:last-of-type")
    browser.wait("#password")


def by_the_provider(browser: Browser) -> None:
    """Go to the provider from a page that asks for signing in, and say there who one is."""
    browser.click(".signin-ways a")
    browser.wait("[name=sub]")
    browser.evaluate("""(() => {
        const form = document.querySelector("form");
        const values = { name: "sub", value: "subject-1", type: "hidden" };
        const sub = Object.assign(document.createElement("input"), values);
        form.querySelectorAll("[name=sub]").forEach((one) => one.removeAttribute("name"));
        form.append(sub);
        HTMLFormElement.prototype.submit.call(form);
    })()""")


def test_by_a_provider_and_back(browser: Browser, gateway: RealGateway) -> None:
    """The sign-in's cookie is SameSite=Strict, and yet the page that is gone on to knows who it is."""
    browser.open(gateway.url)
    by_the_provider(browser)
    browser.wait(".cards")
    assert browser.address.startswith(gateway.url)
    who = browser.evaluate("fetch('/api/v1/account').then((answer) => answer.json())")
    assert (who["name"], who["source"], who["method"]) == ("ada.l", "corp", "oidc:corp")
    sign_out(browser)


def invitation(gateway: RealGateway) -> str:
    """Where ada's invitation to a session of hers leads, for people with an account."""
    with Client.local(gateway.folder / "data/api.sock") as owner:
        secret = owner.make_token(name="invite", user="ada")["secret"]
    url = f"https://127.0.0.1:{gateway.port}"
    with Client.remote(url, secret, fingerprint=gateway.fingerprint) as ada:
        session = ada.connect_desktop("testcard")["session"]
        return gateway.url + str(
            ada.make_invitation(session, control=False, anybody=False, ask=False)["path"]
        )


def test_who_signs_in_at_a_provider_for_an_invitation_comes_back_to_it(
    browser: Browser, gateway: RealGateway
) -> None:
    browser.open(invitation(gateway))
    browser.click(".invitation-panel .primary")
    by_the_provider(browser)
    browser.wait(".invitation-panel [type=submit]")
    assert browser.address == f"{gateway.url}/invitation"
    assert browser.text(".invitation-panel h1") == "ada invites you"
    browser.click(".invitation-panel [type=submit]")
    # it is known who comes; that ada is away is another matter
    browser.evaluate(until("document.body.innerText.includes('ada is not connected now')"))
    browser.open(gateway.url)
    browser.wait(".cards")
    sign_out(browser)


def test_a_second_factor_is_set_up_and_used(browser: Browser, gateway: RealGateway) -> None:
    def begin(step: str) -> None:
        """Give name and password until the next step is there: a busy gateway may ask to try again."""
        for _ in range(4):
            browser.open(gateway.url)
            browser.type("eve", "#name")
            browser.type(PASSWORD, "#password")
            browser.key("Enter")
            if browser.evaluate(THERE.replace("STEP", step)):
                return
        raise AssertionError(browser.evaluate("document.body.innerText"))

    begin(".secret summary")
    browser.click(".secret summary")
    app = pyotp.TOTP(browser.text(".secret code").replace(" ", ""))
    used = int(time.time()) // 30
    browser.type(app.now(), "#code")
    browser.key("Enter")
    recovery = browser.text(".codes").split()
    assert len(recovery) == 10
    browser.click(".signin-form .primary")
    browser.wait(".cards")
    sign_out(browser)
    begin("#code")
    browser.type(app.at((used + 1) * 30), "#code")  # the next one: clocks may differ by so much
    browser.key("Enter")
    browser.wait(".cards")
