"""What people do on the client's pages, whichever gateway is behind them."""

from __future__ import annotations

from tests.e2e.browser import Browser


def until(condition: str, seconds: int = 120) -> str:
    """A script that waits for a condition."""
    return f"""(async () => {{
        for (let tries = 0; tries < {seconds * 20}; tries += 1) {{
            if ({condition}) return true;
            await new Promise((go) => setTimeout(go, 50));
        }}
        throw new Error("in vain: " + {condition!r});
    }})()"""


def use_toolbar(browser: Browser, label: str) -> None:
    """Press the button of the session's toolbar whose name begins so.

    The bar hides after a while, so the pointer goes to the upper edge for it.
    """
    browser.move(browser.evaluate("innerWidth") / 2, 1)
    browser.click(f".toolbar-bar [aria-label^='{label}']")


def choose(browser: Browser, menu: str, entry: str) -> None:
    """Choose from a menu of the toolbar; `entry` is a selector within the menu."""
    use_toolbar(browser, menu)
    browser.click(f".menu:popover-open {entry}")
