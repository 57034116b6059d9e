"""Look at the steps of signing in: `python -m tests.e2e.screenshots_signin FOLDER` pictures each."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer
from tsgateway.auth.totp import enrolment, recovery_codes


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    server, browser = DevServer(), Browser()
    drawn = enrolment("ada", "tsgateway")._asdict()
    steps = {"code": {}, "enrol": drawn, "password": {}}
    try:
        for width, suffix in ((1000, ""), (400, "-narrow")):
            browser.viewport(width, 760)
            for scheme in ("light", "dark"):
                browser.scheme(scheme)
                server.providers = [{"id": "corp", "title": "Example Corp"}, {"id": "x", "title": "Keycloak"}]
                server.signed_in, server.recovery_codes = False, []
                browser.open(server.url)
                browser.wait(".signin-ways a")
                shoot(browser, folder, f"methods-{scheme}{suffix}")
                for step, more in steps.items():
                    server.steps = [{"step": step, **more}]
                    browser.open("about:blank")
                    browser.open(f"{server.url}/#challenge=a-challenge")
                    browser.wait(".links")
                    if step == "code":
                        browser.type("000000", "#code")
                        browser.key("Enter")
                        time.sleep(0.5)
                    shoot(browser, folder, f"{step}-{scheme}{suffix}")
                server.steps, server.recovery_codes = [{"step": "code"}], recovery_codes()
                browser.open("about:blank")
                browser.open(f"{server.url}/#challenge=a-challenge")
                browser.type("123456", "#code")
                browser.key("Enter")
                browser.wait(".codes")
                shoot(browser, folder, f"recovery-{scheme}{suffix}")
    finally:
        browser.stop()
        server.stop()


def shoot(browser: Browser, folder: Path, name: str) -> None:
    time.sleep(0.4)
    browser.screenshot(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
