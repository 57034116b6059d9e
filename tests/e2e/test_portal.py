"""The portal as people use it: deep links, favourites, languages, high contrast, and a server that is away.

In a browser, through the real gateway.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.browser import Browser
from tests.e2e.marks import ONLY_CHROMIUM
from tests.e2e.office import Office, accessibility, go, sign_in
from tests.e2e.pages import until
from thinclient.connection import read

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long, ONLY_CHROMIUM]


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    made = Office()
    yield made
    made.stop()


@pytest.fixture
def dora(browser: Browser, office: Office) -> Iterator[Browser]:
    """A person who has desktops only, and a session of one; signed in, at her desktops."""
    browser.viewport(1360, 860)
    sign_in(browser, office, "dora")
    browser.wait(".card")
    yield browser
    browser.viewport(1360, 860)
    browser.scheme("light")
    browser.evaluate("localStorage.clear()")


def test_a_link_to_a_desktop_leads_there_after_signing_in(browser: Browser, office: Office) -> None:
    browser.viewport(1360, 860)
    sign_in(browser, office, "dora", "/desktop/design")
    browser.wait(".session")
    browser.evaluate(until(f"location.pathname === '/session/{office.sessions['dora']}'"))
    assert "Design studio" in browser.evaluate("document.title")
    go(browser, office, "/desktop/another")
    browser.evaluate(until("document.querySelector('h1').innerText.includes('no such desktop')"))
    assert accessibility(browser) == []
    browser.click(".button.primary")
    browser.wait(".card")


def test_favourites_are_kept_and_come_first(dora: Browser, office: Office) -> None:
    titles = "[...document.querySelectorAll('.card h2')].map((each) => each.innerText)"
    assert dora.evaluate(titles) == ["Design studio", "Test card"]  # what runs, before what does not
    dora.click("[data-key=star-card]")
    dora.evaluate(until("document.querySelector('[data-key=star-card]').ariaPressed === 'true'"))
    assert dora.evaluate("document.activeElement.dataset.key") == "star-card"
    assert dora.evaluate("document.querySelector('#announcer').textContent") == "Test card is a favourite."
    go(dora, office, "/")
    assert dora.evaluate(titles) == ["Test card", "Design studio"]
    dora.click("[data-only=favourites]")
    assert dora.evaluate(titles) == ["Test card"]
    dora.type("studio", ".search input")
    dora.evaluate(until("document.querySelector('.blank')"))
    dora.click("[data-only=all]")
    assert dora.evaluate(titles) == ["Design studio"]


def test_a_running_sessions_screen_is_on_its_card(dora: Browser) -> None:
    dora.evaluate(until("document.querySelector('.card.is-running .shot img')?.naturalWidth > 0"))
    dora.click(".is-running .card-actions .icon-button")
    dora.wait(".menu:popover-open")
    link = dora.evaluate("document.querySelector('.menu:popover-open a').getAttribute('href')")
    assert link == "/desktop/design"


def test_a_card_gives_a_file_for_the_native_client(dora: Browser) -> None:
    dora.click("[data-key=more-card]")
    dora.wait(".menu:popover-open a[download]")
    named, text = dora.evaluate(
        """(async () => {
          const { href } = document.querySelector(".menu:popover-open a[download]");
          const answer = await fetch(href);
          return [answer.headers.get("content-disposition"), await answer.text()];
        })()"""
    )
    assert named == "attachment; filename*=UTF-8''Test%20card.tsc"
    connection = read(text.encode(), "card.tsc")
    assert (connection.desktop, connection.name) == ("card", "dora")
    assert dora.evaluate(f"location.href.startsWith('{connection.address}')")


def test_the_list_and_the_account_are_accessible_in_all_colours(dora: Browser, office: Office) -> None:
    dora.viewport(380, 800)
    for language, scheme, theme in (
        ("en", "light", "auto"),
        ("en", "dark", "auto"),
        ("ja", "light", "contrast"),
        ("ja", "dark", "contrast"),
    ):
        dora.scheme(scheme)
        dora.evaluate(f"localStorage.setItem('tsgateway.language', '{language}')")
        dora.evaluate(f"localStorage.setItem('tsgateway.theme', '{theme}')")
        for path in ("/", "/account"):
            go(dora, office, path)
            assert dora.evaluate("document.documentElement.lang") == language
            assert accessibility(dora) == [], (path, language, scheme, theme)
            assert dora.evaluate("document.documentElement.scrollWidth") <= 380, path


def test_a_language_is_chosen_in_the_menu_and_kept(dora: Browser) -> None:
    dora.click(".top-right .icon-button")
    dora.click(".menu:popover-open [lang=ja]")
    dora.wait("html[lang=ja] .card")  # the page is loaded anew
    dora.reload()
    assert dora.text("h1") == "デスクトップ"
    assert dora.text(".is-running .primary") == "再開"


def test_without_the_server_the_page_comes_up_says_so_and_goes_on(dora: Browser, office: Office) -> None:
    kept = "caches.keys().then((names) => names.some((name) => name.startsWith('tsgateway-')))"
    ready = "navigator.serviceWorker.ready.then(({ active }) => active.state)"
    dora.evaluate(until(f"await {ready} === 'activated' && await {kept}"))
    office.gateway.kill()
    try:
        dora.reload()
        assert "cannot be reached" in dora.text("h1")
        assert accessibility(dora) == []
    finally:
        office.gateway.start()
    dora.wait(".card")


def test_a_page_of_before_an_update_says_so_and_the_next_one_is_new(dora: Browser) -> None:
    installed = "document.querySelector('script[src$=\"app.js\"]').src.replace('app.js', 'install.js')"
    dora.evaluate(f"import({installed}).then(({{ noteVersion }}) => noteVersion('another'))")
    assert "has been updated" in dora.text(".update")
    assert accessibility(dora) == []
    dora.evaluate("window.isOld = true")
    dora.click("[data-key^=open-]")
    dora.wait(".session")
    assert dora.evaluate("window.isOld === undefined")
