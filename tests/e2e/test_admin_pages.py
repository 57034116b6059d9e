"""The portal's pages for administrators and the account's page: in a browser, through the real gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyotp
import pytest

from tests.e2e.browser import Browser
from tests.e2e.gateway import PASSWORD
from tests.e2e.marks import ONLY_CHROMIUM
from tests.e2e.office import Office, accessibility, go, sign_in
from tests.e2e.pages import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = {
    "ada": ("sessions", "users", "desktops", "audit"),
    "bob": ("sessions", "users", "desktops"),
    "dora": (),
}


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    made = Office()
    yield made
    made.stop()


@pytest.fixture
def ada(browser: Browser, office: Office) -> Browser:
    """ada's browser, who has signed in; she is asked only once in this module."""
    browser.viewport(1360, 860)
    if browser.kind == "chromium":
        browser.scheme("light")
    browser.open(office.gateway.url)
    browser.evaluate(until("document.querySelector('#password, header.top')"))
    if not browser.evaluate("document.querySelector('.account-name')?.textContent === 'ada'"):
        sign_in(browser, office, "ada")
    return browser


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        browser.key(key)


def focused(browser: Browser) -> str:
    """What a screen reader would call what has the focus, or its text."""
    script = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText)"
    return str(browser.evaluate(script))


def tab_to(browser: Browser, name: str) -> None:
    """Press Tab until the focus is on what is called so."""
    for _ in range(40):
        if focused(browser).startswith(name):
            return
        browser.key("Tab")
    raise AssertionError(f"Tab does not lead to {name!r}")


def rows(browser: Browser) -> list[str]:
    script = "[...document.querySelectorAll('.list tbody tr')].map((row) => row.innerText)"
    return list(browser.evaluate(script))


def says(browser: Browser, selector: str, text: str) -> None:
    """Wait until an element has a text."""
    browser.evaluate(until(f"document.querySelector({selector!r})?.innerText.includes({text!r})"))


@ONLY_CHROMIUM
@pytest.mark.parametrize("user", PAGES)
def test_people_are_shown_the_pages_of_their_roles_only(browser: Browser, office: Office, user: str) -> None:
    sign_in(browser, office, user)
    browser.wait("header.top")
    links = browser.evaluate("[...document.querySelectorAll('.nav a')].map((link) => link.pathname)")
    mine = ["/desktops"] if PAGES[user] else []
    assert links == [*mine, *(f"/admin/{page}" for page in PAGES[user])]
    loaded = browser.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert not [name for name in loaded if "/admin/" in name]
    if "audit" not in PAGES[user]:
        browser.open(office.gateway.url + "/admin/audit")
        says(browser, "main", "This page is not for you")


@ONLY_CHROMIUM
def test_the_list_is_live(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/sessions")
    ada.evaluate(until("document.querySelectorAll('.list tbody tr').length === 2"))
    assert [("bob" in row, "dora" in row) for row in rows(ada)] == [(True, False), (False, True)]
    office.begin("carl", "card")
    says(ada, ".list", "carl")
    ada.type("carl card", "input[type=search]")
    ada.evaluate(until("document.querySelectorAll('.list tbody tr').length === 1"))
    assert ada.text(".count") == "1 of 3"
    ada.click("tbody .is-box")
    ada.click(".chosen [data-act=reset]")
    ada.click("dialog .danger")
    says(ada, ".table-empty", "No session fits")
    ada.evaluate(until("document.querySelector('.chosen').hidden"))
    assert ada.text(".count") == "0 of 2"


@ONLY_CHROMIUM
def test_a_thousand_sessions_are_sorted_filtered_and_changed(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/sessions")
    many = ada.evaluate("""(async () => {
        const { Table } = await import(new URL("parts/table.js", document.querySelector("script[src]").src));
        const columns = ["number", "user", "state"].map((key) =>
            ({ key, title: key, text: (row) => row[key], value: (row) => row[key] }));
        const options = { id: ({ id }) => id, name: ({ user }) => user, chose: () => {} };
        const table = new Table({ label: "many", columns, ...options });
        document.querySelector("main").append(table.element);
        const made = Array.from({ length: 1000 }, (_, at) =>
            ({ id: `s${at}`, number: at, user: `user${at % 37}`, state: "idle" }));
        table.show(made);
        const watched = [];
        const watch = { subtree: true, childList: true, characterData: true };
        new MutationObserver((all) => watched.push(...all)).observe(table.element, watch);
        table.show(made.map((row) => (row.number === 500 ? { ...row, state: "active" } : row)));
        await null;
        const changed = watched.length;
        table.element.querySelectorAll(".table-sort")[1].click();
        const trs = [...table.element.querySelectorAll("tbody tr")];
        const first = trs.slice(0, 30).map((tr) => tr.cells[2].textContent);
        table.element.querySelector("thead input").click();
        const chosen = table.chosen.size;
        table.show(made.slice(0, 10));
        const left = table.element.querySelectorAll("tbody tr").length;
        table.element.remove();
        return { changed, first: [...new Set(first)], chosen, left, kept: table.chosen.size };
    })()""")
    assert many == {"changed": 1, "first": ["user0", "user1"], "chosen": 1000, "left": 10, "kept": 10}


@ONLY_CHROMIUM
def test_keys_are_enough(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/sessions")
    ada.evaluate(until("document.querySelectorAll('.list tbody tr').length === 2"))
    tab_to(ada, "No.")
    while not ada.evaluate("document.activeElement.matches('tbody tr')"):
        press(ada, "Tab")
    assert "bob" in focused(ada)  # the whole table is one stop
    press(ada, "ArrowDown", "Home", "Space", "ArrowDown", "Space")
    says(ada, ".chosen", "2 chosen")
    press(ada, "Escape")
    ada.evaluate(until("document.querySelector('.chosen').hidden"))
    press(ada, "Enter")  # dora's, in detail
    says(ada, ".details h2", "#2 dora")
    ada.evaluate(until("document.activeElement.matches('.details h2')"))
    tab_to(ada, "Message")
    press(ada, "Enter")
    ada.evaluate(until("document.activeElement.matches('dialog textarea')"))
    ada.type("Tea is ready")
    tab_to(ada, "Send")
    press(ada, "Enter")
    ada.wait("dialog", gone=True)
    says(ada, "#announcer", "Message sent to 1")
    assert focused(ada).startswith("Message")  # back where it came from
    press(ada, "Escape")
    ada.evaluate(until("document.activeElement.matches('.list tbody tr[data-id]')"))
    assert "dora" in focused(ada)


@ONLY_CHROMIUM
def test_who_is_written_to_answers_and_is_looked_at(ada: Browser, office: Office) -> None:
    dora = Browser()
    try:
        dora.viewport(900, 600)
        sign_in(dora, office, "dora", f"/session/{office.sessions['dora']}")
        dora.evaluate(until("document.querySelector('.session.has-picture')"))
        go(ada, office, "/admin/sessions")
        says(ada, f"tr[data-id='{office.sessions['dora']}'] .is-viewers", "web#")
        ada.click(f"tr[data-id='{office.sessions['dora']}'] .is-user")
        says(ada, ".details .lines", "dora")
        ada.evaluate(until("document.querySelector('.details-screen img').naturalWidth > 100"))
        says(ada, ".details .split", "Where time goes")
        ada.click("[data-act=message]")
        ada.type("May I?", "dialog textarea")
        ada.click("dialog [name=wait]")
        ada.click("dialog .primary")
        says(ada, "dialog .answers", "Waiting")
        says(dora, "body", "May I?")
        dora.evaluate(
            until("(document.querySelector('dialog .primary')?.click(), !document.querySelector('dialog'))")
        )
        says(ada, "dialog .answers", "Has read it")
        press(ada, "Escape")
        ada.click("[data-act=processes]")
        says(ada, "dialog .form-error", "agent")  # a test card has no guest; that is told, not hidden
        press(ada, "Escape")
        ada.click("[data-act=disconnect]")
        says(ada, f"tr[data-id='{office.sessions['dora']}'] .is-state", "Disconnected")
        assert dora.text("[data-notice=disconnected]")
    finally:
        dora.stop()


@ONLY_CHROMIUM
def test_screens_are_asked_for_where_they_are_seen(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/sessions")
    ada.click(".ways .button:nth-child(2)")
    ada.evaluate(until("document.querySelectorAll('.tile img:not([hidden])').length === 2"))
    ada.evaluate("document.querySelector('.tile').focus()")
    press(ada, "ArrowRight", "Enter")
    says(ada, ".details h2", "#2 dora")
    asked = """performance.getEntriesByType('resource').filter((each) => each.name.includes('thumbnail'))
        .map((each) => each.responseStatus)"""
    ada.evaluate(until(f"{asked}.includes(304)"))  # nothing has changed, so nothing is sent again


@ONLY_CHROMIUM
def test_an_account_is_made_changed_and_deleted(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/users")
    ada.click(".admin-actions .primary")
    ada.type("Emil!", "dialog [name=name]")
    press(ada, "Enter")
    says(ada, "dialog .form-error", "name")  # what the server refuses is told where it was typed
    ada.evaluate("document.querySelector('dialog [name=name]').value = 'emil'")
    press(ada, "Enter")
    password = ada.text("dialog .secrets code")
    assert len(password) > 10
    press(ada, "Escape")
    says(ada, ".details h2", "emil")
    ada.click("[data-key=edit]")
    ada.type("Emil Example", "dialog [name=display_name]")
    ada.click("dialog .checks .check:nth-of-type(1) input")
    ada.click("dialog .primary")
    says(ada, ".details .facts", "administrators, users")
    says(ada, ".details", "Owner, by the group administrators")
    ada.click("[data-key=give]")
    ada.evaluate("document.querySelector('dialog [name=desktop]').value = 'design'")
    ada.click("dialog .primary")
    says(ada, ".details", "Helpdesk, for Design studio")
    ada.click("[data-key=password]")
    ada.click("dialog .primary")
    assert ada.text("dialog .secrets code") != password
    press(ada, "Escape")
    ada.wait("dialog", gone=True)
    ada.click(".details [data-key=delete]")
    ada.click("dialog .danger")
    ada.evaluate(until("!document.querySelector('tr[data-id=emil]')"))
    with office.local() as owner:
        assert "emil" not in [user["name"] for user in owner.list_users()["users"]]


@ONLY_CHROMIUM
def test_groups_have_members(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/users")
    ada.click(".ways .button:nth-child(2)")
    ada.click(".admin-actions .primary")
    ada.type("painters", "dialog [name=name]")
    press(ada, "Enter")
    says(ada, ".details:not([hidden]) h2", "painters")
    ada.click("[data-key=add]")
    ada.evaluate("document.querySelector('dialog [name=user]').value = 'dora'")
    ada.click("dialog .primary")
    says(ada, ".details:not([hidden]) .lines", "dora")
    says(ada, "tr[data-id=painters] .is-members", "1")
    ada.click("[data-key=member-dora]")
    says(ada, ".details:not([hidden])", "Nobody is in it.")
    ada.click(".details:not([hidden]) [data-key=delete]")
    ada.click("dialog .danger")
    ada.evaluate(until("!document.querySelector('tr[data-id=painters]')"))


@ONLY_CHROMIUM
def test_a_host_is_drained(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/desktops")
    says(ada, ".block:first-child", "Design studio")
    ada.click(".is-set .button")
    ada.evaluate("document.querySelector('dialog [name=mode]').value = 'drain'")
    ada.click("dialog .primary")
    says(ada, "td.is-mode", "Draining")
    with office.local() as owner:
        assert owner.list_hosts()["hosts"][0]["mode"] == "drain"
        owner.set_host("0", mode="enable")
    says(ada, "td.is-mode", "All sessions")  # what others set shows up by itself


@ONLY_CHROMIUM
def test_the_audit_is_searched_checked_and_exported(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/audit")
    ada.type("session.began", "[name=kind]")
    ada.type("bob", "[name=who]")
    press(ada, "Enter")
    ada.evaluate(until("document.querySelectorAll('.list tbody tr').length === 1"))
    ada.click(".list tbody .is-time")
    says(ada, ".details h2", "session.began")
    exported = ada.evaluate("fetch(document.querySelector('a[download]').href).then((all) => all.text())")
    (line,) = exported.strip().splitlines()
    assert json.loads(line)["who"] == "bob"
    ada.click(".admin-actions button")
    says(ada, ".check-result", "The audit is as it was written")


@ONLY_CHROMIUM
def test_ones_own_account(browser: Browser, office: Office) -> None:
    sign_in(browser, office, "carl", "/account")
    browser.wait(".block")
    browser.click("[data-key=totp]")
    browser.type("not my password", "dialog [name=password]")
    press(browser, "Enter")
    browser.wait("dialog .form-error:not(:empty)")
    browser.evaluate("document.querySelector('dialog [name=password]').value = ''")
    browser.type(PASSWORD, "dialog [name=password]")
    press(browser, "Enter")
    browser.evaluate(until("document.querySelector('dialog .qr')?.naturalWidth"))
    secret = browser.text("dialog .setup code")
    browser.type("000000", "dialog [name=code]")
    press(browser, "Enter")
    browser.wait("dialog .form-error:not(:empty)")
    browser.evaluate("document.querySelector('dialog [name=code]').value = ''")
    browser.type(pyotp.TOTP(secret).now(), "dialog [name=code]")
    press(browser, "Enter")
    browser.wait("dialog .secrets")
    codes = browser.evaluate(
        "[...document.querySelectorAll('dialog .secrets code')].map((code) => code.innerText)"
    )
    press(browser, "Escape")
    says(browser, "main", f"{len(codes)} recovery codes are left")
    browser.click("[data-key=remove]")
    browser.type(codes[0], "dialog [name=recovery]")
    browser.click("dialog .danger")
    browser.wait("[data-key=totp]")
    browser.click("[data-key=token]")
    browser.type("backup", "dialog [name=name]")
    press(browser, "Enter")
    assert browser.text("dialog .secrets code").startswith("tsg_")
    press(browser, "Escape")
    browser.click("[data-key^=token-]")
    browser.click("dialog .danger")
    browser.evaluate(until("!document.querySelector('[data-key^=token-]')"))
    browser.click("[data-key=password]")
    browser.type(PASSWORD, "dialog [name=old]")
    for name in ("new", "again"):
        browser.type("a long walk in the rain", f"dialog [name={name}]")
    press(browser, "Enter")
    says(browser, "#announcer", "Your password was changed.")


@ONLY_CHROMIUM
def test_who_is_signed_out_elsewhere_is_told(browser: Browser, office: Office) -> None:
    sign_in(browser, office, "bob", "/admin/sessions")
    browser.wait(".list .table")
    with office.local() as owner:
        owner.end_user_sign_ins("bob")
    browser.evaluate(
        "document.dispatchEvent(new Event('visibilitychange'))"
    )  # somebody comes back to the page
    says(browser, ".form-error", "signed out")


@ONLY_CHROMIUM
@pytest.mark.parametrize("width", [1360, 380])
def test_nothing_is_in_the_way_of_people_with_disabilities(ada: Browser, office: Office, width: int) -> None:
    ada.viewport(width, 800)
    wrong = []
    for page in ("/admin/sessions", "/admin/users", "/admin/desktops", "/admin/audit", "/account"):
        go(ada, office, page)
        if page.startswith("/admin") and page != "/admin/desktops":
            ada.evaluate(until("document.querySelector('.list tbody tr')"))
        for scheme in ("light", "dark"):
            ada.scheme(scheme)
            wrong += [f"{page} {scheme} {each}" for each in accessibility(ada)]
        assert ada.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
    assert wrong == []


@pytest.mark.long
@pytest.mark.parametrize("one_browser", ["firefox"], indirect=True)
def test_the_pages_work_in_firefox_too(ada: Browser, office: Office) -> None:
    go(ada, office, "/admin/sessions")
    says(ada, ".list", "dora")
    ada.click(f"tr[data-id='{office.sessions['dora']}'] .is-user")
    says(ada, ".details h2", "#2 dora")
    ada.evaluate(until("document.querySelector('.details-screen img').naturalWidth > 100"))
    ada.click("[data-act=message]")
    ada.type("Tea", "dialog textarea")
    ada.click("dialog .primary")
    says(ada, "#announcer", "Message sent to 1")
    for page, text in (("users", "carl"), ("desktops", "Design studio"), ("audit", "session.began")):
        go(ada, office, f"/admin/{page}")
        says(ada, ".admin-body", text)
    assert [line for line in ada.log if line.startswith("error")] == []
