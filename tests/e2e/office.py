"""An office for tests of the portal's pages: a real gateway, people with roles, sessions of test cards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.browser import HERE, Browser
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pages import until
from tsgateway.client import Client

PEOPLE = ("ada", "bob", "carl", "dora")
DESKTOPS = """
[desktops.card]
title = "Test card"
kind = "testcard"
fps = 0
groups = ["users"]
[desktops.design]
title = "Design studio"
description = "For those who draw"
kind = "testcard"
fps = 0
groups = ["users"]
"""
AXE = HERE / "node_modules/axe-core/axe.min.js"


class Office:
    """ada owns the gateway, bob is at the helpdesk, carl an auditor; dora has desktops only.

    bob and dora have a session each. more: further tables of the configuration.
    """

    def __init__(self, more: str = "") -> None:
        self.gateway = RealGateway(DESKTOPS + more, users=PEOPLE)
        self.sessions: dict[str, str] = {}
        try:
            self._furnish()
        except BaseException:
            self.gateway.stop()
            raise

    def _furnish(self) -> None:
        wait_for((self.gateway.folder / "data/api.sock").exists, "the gateway's own socket")
        with self.local() as owner:
            owner.add_member("administrators", "ada")
            for user, role in (("bob", "helpdesk"), ("carl", "auditor")):
                owner.give_role(role=role, user=user)
            for user, desktop in (("bob", "card"), ("dora", "design")):
                self.sessions[user] = self.begin(user, desktop)

    @contextmanager
    def local(self) -> Iterator[Client]:
        """Give the API as whoever runs the gateway has it."""
        with Client.local(self.gateway.folder / "data/api.sock") as client:
            yield client

    def begin(self, user: str, desktop: str) -> str:
        """Begin a session, as a program of its person would; return its id once it runs."""
        with self.local() as owner:
            token = owner.make_token(name="begin", user=user)
            person = Client.remote(
                f"https://127.0.0.1:{self.gateway.port}",
                token["secret"],
                fingerprint=self.gateway.fingerprint,
            )
            with person:
                session = str(person.connect_desktop(desktop)["session"])
            owner.revoke_token(token["id"])
            wait_for(lambda: owner.get_session(session)["state"] != "starting", "the session")
        return session

    def stop(self) -> None:
        self.gateway.stop()


def sign_in(browser: Browser, office: Office, user: str, path: str = "/") -> None:
    """Sign in at the page of a path, as somebody else than before."""
    browser.open(office.gateway.url)
    browser.evaluate(
        "fetch('/api/v1/logout', {method: 'POST', body: '{}', headers: {'Content-Type': 'application/json'}})"
    )
    browser.open(office.gateway.url + path)
    browser.type(user, "#name")
    browser.type(PASSWORD, "#password")
    browser.key("Enter")
    browser.wait("#password", gone=True)


def go(browser: Browser, office: Office, path: str) -> None:
    """Open a page of the portal and wait until it has something to show."""
    browser.open(office.gateway.url + path)
    browser.wait("main")
    browser.evaluate(until("!document.querySelector('.plain')"))


def accessibility(browser: Browser) -> list[str]:
    """What axe-core finds wrong with the page: the rule, and where."""
    if not browser.evaluate("'axe' in window"):
        browser.evaluate(AXE.read_text() + "; true")
    still = (
        "document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)"
    )
    browser.evaluate(f"Promise.allSettled({still}).then(() => true)")  # colours on their way are no colours
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    found = browser.evaluate(f"axe.run(document, {json.dumps(options)}).then((all) => all.violations)")
    return [
        f"{each['id']}: {each['help']} at {node['target']}: {node.get('failureSummary', '')}"
        for each in found
        for node in each["nodes"]
    ]
