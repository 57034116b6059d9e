"""The client's clipboard in real browsers, with a stand-in gateway: what is said to it, in which order."""

from __future__ import annotations

import json

import pytest

from sessions.wire import tsg
from sessions.wire.tsg import Capability, ClipboardFormat, ClipboardPart
from tests.e2e.browser import Browser
from tests.e2e.devserver import Viewer
from tests.e2e.marks import ONLY_CHROMIUM
from tests.e2e.office import accessibility
from tests.e2e.pages import until, use_toolbar

pytestmark = [pytest.mark.browser, pytest.mark.slow]

USUAL = (Capability.HISTORY, Capability.JPEG, Capability.TEXT, Capability.RESIZE)
BOTH = (Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT)
HOSTILE = "<img src=x onerror=\"document.title = 'run'\"><b>bold</b>"
PANEL = ".clipboard:not([hidden])"
V = 0x2F


@pytest.fixture
def desk(attached: Viewer, browser: Browser) -> Viewer:
    """A viewer that shows a desktop with a clipboard; the pasting of pages is answered at once."""
    begin(attached, BOTH)
    return attached


def begin(viewer: Viewer, capabilities: tuple[Capability, ...]) -> None:
    viewer.greet(capabilities=tuple(map(int, (*USUAL, *capabilities))))
    viewer.painter.random(1)
    viewer.show()
    viewer.shown(1)
    viewer.send(tsg.ClipboardState(0b111, 32 << 20))


def open_panel(browser: Browser) -> None:
    use_toolbar(browser, "Clipboard")
    browser.wait(PANEL)


def shows(browser: Browser, text: str) -> None:
    browser.evaluate(until(f"document.querySelector({PANEL!r})?.innerText.includes({json.dumps(text)})"))


def give(viewer: Viewer, id: int, **contents: str) -> None:
    """Offer this, and send it as it is asked for."""
    coded = {ClipboardFormat[name]: text.encode() for name, text in contents.items()}
    viewer.send(tsg.ClipboardOffer(id, tuple(ClipboardPart(each, tsg.UNKNOWN_SIZE) for each in coded)))
    for format, data in coded.items():
        viewer.heard(
            lambda m, format=format: isinstance(m, tsg.ClipboardRequest) and (m.id, m.format) == (id, format)
        )
        viewer.send(tsg.ClipboardData(id, format, len(data), data))


def content(viewer: Viewer, offer: tsg.ClipboardOffer, format: ClipboardFormat) -> str:
    """Ask for what the browser offers."""
    viewer.send(tsg.ClipboardRequest(offer.id, format, 1 << 20))
    found = viewer.heard(
        lambda m: isinstance(m, tsg.ClipboardData) and (m.id, m.format) == (offer.id, format)
    )
    assert isinstance(found, tsg.ClipboardData)
    return found.data.decode()


def offer(viewer: Viewer, number: int = 1) -> tsg.ClipboardOffer:
    found = viewer.heard(lambda m: isinstance(m, tsg.ClipboardOffer) and m.id == number)
    assert isinstance(found, tsg.ClipboardOffer)
    return found


def paste_into_page(browser: Browser, **contents: str) -> None:
    """Say that the person pastes this, as the browser does that follows Control+V."""
    fill = "".join(f"clipboardData.setData({type!r}, {json.dumps(text)});" for type, text in contents.items())
    browser.evaluate(f"""(() => {{
        const clipboardData = new DataTransfer();
        {fill}
        const stage = document.querySelector(".stage");
        stage.focus();
        const event = new ClipboardEvent("paste", {{ bubbles: true, cancelable: true }});
        Object.defineProperty(event, "clipboardData", {{ value: clipboardData }}); // Firefox takes none
        stage.dispatchEvent(event);
        return true;
    }})()""")


def test_control_v_goes_out_after_what_is_pasted(desk: Viewer, browser: Browser) -> None:
    """A real Control+V, of what the person has copied in this browser."""
    open_panel(browser)
    browser.type("first 1", f"{PANEL} textarea")
    for key in ("KeyA", "KeyC"):
        browser.down("ControlLeft")
        browser.key(key)
        browser.up("ControlLeft")
    if browser.kind == "chromium":  # there it is the debugger that has to say what keys do
        browser.permit("clipboard-read", "clipboard-write", "clipboard-sanitized-write")
        browser.evaluate("navigator.clipboard.writeText('first 1').then(() => true)")
    browser.key("Escape")
    browser.evaluate("document.querySelector('.stage').focus(), true")
    browser.paste()
    made = offer(desk)
    assert content(desk, made, ClipboardFormat.TEXT) == "first 1"
    assert not [m for m in desk.of(tsg.Key) if isinstance(m, tsg.Key) and m.scancode == V], (
        "the key waits until the desktop has it"
    )
    desk.send(tsg.ClipboardTaken(made.id))
    desk.heard(lambda m: isinstance(m, tsg.Key) and m.scancode == V and m.down == 1)
    desk.heard(lambda m: isinstance(m, tsg.Key) and m.scancode == V and m.down == 0)


def test_html_is_handed_on_as_it_is_and_shown_as_text(desk: Viewer, browser: Browser) -> None:
    paste_into_page(browser, **{"text/html": HOSTILE, "text/plain": "bold"})
    made = offer(desk)
    assert content(desk, made, ClipboardFormat.HTML) == HOSTILE
    give(desk, 5, HTML=HOSTILE)
    open_panel(browser)
    shows(browser, HOSTILE)
    assert browser.evaluate(f"document.querySelectorAll({PANEL + ' b, ' + PANEL + ' img'!r}).length") == 0
    assert browser.evaluate("document.title") != "run"


@ONLY_CHROMIUM
def test_what_the_desktop_copies_is_in_the_browsers_clipboard(desk: Viewer, browser: Browser) -> None:
    browser.permit("clipboard-read", "clipboard-write", "clipboard-sanitized-write")
    give(desk, 1, TEXT="Grüße 🙂", HTML="<i>Grüße</i>")
    read = "navigator.clipboard.readText().catch(() => '')"
    browser.evaluate(f"""(async () => {{
        for (let tries = 0; tries < 1000; tries += 1) {{
            if (await {read} === "Grüße 🙂") return true;
            await new Promise((go) => setTimeout(go, 50));
        }}
        throw new Error("in vain: " + await {read});
    }})()""")
    before = len(desk.of(tsg.ClipboardOffer))  # perhaps of what an earlier test had left there
    browser.evaluate("dispatchEvent(new Event('focus')), true")  # it is read again, and not offered back
    browser.evaluate("navigator.clipboard.writeText('from elsewhere').then(() => true)")
    browser.evaluate("dispatchEvent(new Event('focus')), true")
    assert content(desk, offer(desk, before + 1), ClipboardFormat.TEXT) == "from elsewhere"
    assert len(desk.of(tsg.ClipboardOffer)) == before + 1


@ONLY_CHROMIUM
def test_the_panel_says_what_is_forbidden_and_what_failed(attached: Viewer, browser: Browser) -> None:
    begin(attached, (Capability.CLIPBOARD_OUT,))
    open_panel(browser)
    shows(browser, "does not allow bringing it to the desktop")
    shows(browser, "Nothing has been copied on the desktop")
    attached.send(tsg.ClipboardOffer(1, (ClipboardPart(1, tsg.UNKNOWN_SIZE),)))
    attached.heard(lambda m: isinstance(m, tsg.ClipboardRequest))
    attached.send(tsg.ClipboardEnd(1, 1, tsg.ClipboardReason.LARGER, 10 << 20, ""))
    shows(browser, "It is large (10")
    assert accessibility(browser) == []
    browser.click(f"{PANEL} [data-key=take]")
    attached.heard(lambda m: isinstance(m, tsg.ClipboardRequest) and m.limit == 32 << 20)
    attached.send(tsg.ClipboardEnd(1, 1, tsg.ClipboardReason.FAILED, 0, "The desktop does not hand it over."))
    shows(browser, "The desktop does not hand it over.")
    browser.key("Escape")
    browser.wait(".clipboard", gone=True)
    paste_into_page(browser, **{"text/plain": "no"})
    attached.send(tsg.ClipboardState(0, 32 << 20))
    assert attached.of(tsg.ClipboardOffer) == []


@ONLY_CHROMIUM
def test_text_can_be_handed_over_by_the_panels_field(desk: Viewer, browser: Browser) -> None:
    open_panel(browser)
    browser.viewport(380, 700)
    browser.type("typed here", f"{PANEL} textarea")
    browser.click(f"{PANEL} [data-key=send]")
    assert content(desk, offer(desk), ClipboardFormat.TEXT) == "typed here"
    shows(browser, "The desktop can paste it")
