"""Signing in at the real gateway, in a real browser: by a provider, and with a second factor on the way."""

from __future__ import annotations

import time

import pyotp
import pytest

from tests.e2e.browser import Browser
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.openid import CLIENT, SECRET, OpenId

pytestmark = pytest.mark.browser
CONFIGURATION = """
[desktops.testcard]
title = "Test card"
kind = "testcard"
groups = ["users"]
[sign_in]
require_totp = ["careful"]
[authenticators.corp]
kind = "oidc"
title = "Example Corp"
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "{secret}"
ca_file = "{authority}"
create = true
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    provider = OpenId()
    try:
        provider.start()
        secret = tmp_path_factory.mktemp("secret") / "secret"
        secret.write_text(SECRET)
        values = {"issuer": provider.issuer, "client": CLIENT, "secret": secret}
        made = RealGateway(CONFIGURATION.format(authority=provider.authority.file, **values))
        try:
            made.run(
                "user", "add", "eve", "--group", "careful", "--password-stdin", standard_input=f"{PASSWORD}\n"
            )
            yield made
        finally:
            made.stop()
    finally:
        provider.remove()


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


def test_by_a_provider_and_back(browser: Browser, gateway: RealGateway) -> None:
    """The sign-in's cookie is SameSite=Strict, and yet the page that is gone on to knows who it is."""
    browser.open(gateway.url)
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
    browser.wait(".cards")
    assert browser.address.startswith(gateway.url)
    who = browser.evaluate("fetch('/api/v1/account').then((answer) => answer.json())")
    assert (who["name"], who["source"], who["method"]) == ("ada.l", "corp", "oidc:corp")
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
