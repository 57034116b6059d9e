"""How the guest's screen is looked at, fingers on it, composing at its caret, and the keyboard's own test."""

from __future__ import annotations

import pytest

from sessions.wire import tsg
from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer, Viewer
from tests.e2e.marks import ONLY_CHROMIUM
from tests.e2e.office import accessibility
from tests.e2e.pages import choose, until, use_toolbar

pytestmark = pytest.mark.browser

PLACE = """(() => {
    const at = document.querySelector("canvas.screen").getBoundingClientRect();
    return [at.left, at.top, at.width, at.height].map((side) => Math.round(side));
})()"""


def shows(viewer: Viewer, width: int, height: int) -> None:
    """The guest has another size, with a picture."""
    viewer.send(tsg.ScreenSize(width, height))
    viewer.painter.resize(width, height)
    viewer.send(viewer.painter.frame())
    viewer.shown(viewer.painter.number)


def lies(browser: Browser, *place: int) -> None:
    browser.evaluate(until(f"String({PLACE}) === '{','.join(map(str, place))}'"))


def scaling(browser: Browser, name: str) -> None:
    number = {"fit": 1, "exact": 2, "sharp": 3}[name]
    choose(browser, "Screen", f"[role=menuitemradio]:nth-of-type({number})")


def test_scalings_sizes_and_what_is_remembered(browser: Browser, viewer: Viewer, server: DevServer) -> None:
    shows(viewer, 400, 300)
    lies(browser, 33, 0, 933, 700)
    scaling(browser, "sharp")
    lies(browser, 100, 50, 800, 600)
    browser.move(102, 53)
    viewer.heard(lambda m: m == tsg.Pointer(1, 1, 0))
    scaling(browser, "exact")
    lies(browser, 300, 200, 400, 300)
    choose(browser, "Screen", ".menu-item:nth-of-type(6)")
    viewer.heard(lambda m: m == tsg.RequestSize(1280, 720))
    browser.viewport(900, 640)
    shows(viewer, 1280, 720)
    lies(browser, -190, -40, 1280, 720)
    assert not [m for m in viewer.of(tsg.RequestSize) if (m.width, m.height) == (900, 640)], "it is fixed now"
    browser.reload()
    again = server.viewer()
    assert (again.hello.width, again.hello.height) == (1280, 720)
    again.greet()
    again.painter.resize(1280, 720)
    again.show()
    again.shown(again.painter.number)
    lies(browser, -190, -40, 1280, 720)
    browser.evaluate("localStorage.clear()")


@ONLY_CHROMIUM
def test_a_larger_picture_comes_where_the_pointer_points(browser: Browser, viewer: Viewer) -> None:
    scaling(browser, "exact")
    shows(viewer, 1600, 700)
    lies(browser, -300, 0, 1600, 700)
    browser.move(998, 350)
    lies(browser, -600, 0, 1600, 700)
    viewer.heard(lambda m: m == tsg.Pointer(1598, 350, 0))
    browser.evaluate("localStorage.clear()")


@ONLY_CHROMIUM
def test_dense_displays_get_all_their_pixels(browser: Browser, server: DevServer) -> None:
    browser.viewport(1000, 700, scale=2)
    server.signed_in = True
    browser.open(server.url)
    browser.click(".card .primary")
    viewer = server.viewer()
    assert (viewer.hello.width, viewer.hello.height) == (1000, 700)
    viewer.greet()
    viewer.show()
    viewer.shown(1)
    choose(browser, "Screen", ".menu-item:nth-of-type(5)")
    viewer.heard(lambda m: m == tsg.RequestSize(2000, 1400))
    shows(viewer, 2000, 1400)
    lies(browser, 0, 0, 1000, 700)
    assert browser.evaluate("document.querySelector('canvas').classList.contains('is-exact')")
    browser.evaluate("localStorage.clear()")


def test_the_old_picture_stays_until_there_is_one_of_the_new_size(browser: Browser, viewer: Viewer) -> None:
    before = browser.canvas()
    viewer.send(tsg.ScreenSize(500, 350))
    viewer.painter.resize(500, 350)
    viewer.painter.random(7)
    viewer.send(viewer.painter.frame((0, 0, 500, 100), last=False))
    viewer.shown(viewer.painter.number)
    assert browser.canvas() == before, "nothing of the new one before it is whole"
    viewer.send(viewer.painter.frame((0, 100, 500, 250)))
    viewer.shown(viewer.painter.number)
    browser.evaluate(until("document.querySelector('canvas').width === 500"))


def test_a_guest_whose_screen_stays_dark_is_shown_all_the_same(browser: Browser, viewer: Viewer) -> None:
    viewer.send(tsg.ScreenSize(500, 350))
    viewer.painter.resize(500, 350)
    viewer.send(viewer.painter.frame())
    viewer.shown(viewer.painter.number)
    browser.evaluate(until("document.querySelector('canvas').width === 500"))
    width, height, data = browser.canvas()
    assert (width, height) == (500, 350)
    assert data == b"\0\0\0\xff" * (500 * 350)


def test_a_pinned_toolbar_gives_the_guest_the_room_below(browser: Browser, viewer: Viewer) -> None:
    use_toolbar(browser, "Keep the toolbar in view")
    viewer.heard(lambda m: isinstance(m, tsg.RequestSize) and m.width == 1000 and m.height < 700)
    top = browser.evaluate("document.querySelector('.stage').getBoundingClientRect().top")
    bottom = browser.evaluate("document.querySelector('.toolbar-bar').getBoundingClientRect().bottom")
    assert bottom <= top
    use_toolbar(browser, "Keep the toolbar in view")
    viewer.heard(lambda m: m == tsg.RequestSize(1000, 700))


@ONLY_CHROMIUM
def test_a_narrow_toolbar_folds_into_more(browser: Browser, viewer: Viewer) -> None:
    browser.viewport(320, 640)
    browser.move(160, 1)
    browser.wait(".toolbar-bar")
    inside = "document.querySelector('.toolbar-bar').getBoundingClientRect().right <= innerWidth"
    browser.evaluate(until(inside))
    assert browser.evaluate("document.querySelector('[data-entry=keys]').closest('.menu-holder').hidden")
    use_toolbar(browser, "More")
    browser.wait(".menu:popover-open")
    assert "Ctrl+Alt+Del" in browser.text(".menu:popover-open")
    assert accessibility(browser) == []


@ONLY_CHROMIUM
def test_arrows_lead_through_the_toolbar(browser: Browser, viewer: Viewer) -> None:
    browser.evaluate(until("document.activeElement.matches('.stage')"))
    for key in ("Control", "Alt", "Shift"):
        browser.down(key)
    for key in ("Control", "Alt", "Shift"):
        browser.up(key)
    focused = "document.activeElement.dataset.entry"
    browser.evaluate(until(f"{focused} === 'full'"))
    browser.key("ArrowRight")
    assert browser.evaluate(focused) == "screen"
    browser.key("End")
    assert browser.evaluate("document.activeElement.getAttribute('aria-label')") == "More"
    browser.key("ArrowRight")
    browser.key("Enter")  # the pin
    assert browser.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert accessibility(browser) == []
    browser.key("Enter")


@pytest.fixture
def phone(browser: Browser, server: DevServer) -> Viewer:
    """A session on a screen that takes fingers."""
    browser.viewport(800, 600, mobile=True)
    server.signed_in = True
    browser.open(server.url)
    browser.click(".card .primary")
    viewer = server.viewer()
    viewer.greet()
    viewer.show()
    viewer.shown(1)
    return viewer


@ONLY_CHROMIUM
def test_fingers_zoom_scroll_and_click_right(browser: Browser, phone: Viewer) -> None:
    shows(phone, 800, 600)
    browser.touch([(300, 300)], [(300, 300), (330, 300)])  # a tap of two
    phone.heard(lambda m: m == tsg.Pointer(315, 300, 4))
    phone.heard(lambda m: phone.of(tsg.Pointer)[-1].buttons == 0)
    drag = [[(300, y), (330, y)] for y in range(300, 240, -10)]
    browser.touch([(300, 300)], *drag)
    phone.heard(lambda m: isinstance(m, tsg.Wheel) and m.dy > 0)
    part = [[(390 - x, 300), (410 + x, 300)] for x in range(0, 90, 10)]
    browser.touch([(390, 300)], *part)
    browser.evaluate(until(f"{PLACE}[2] > 1600"))
    left, top, width, height = browser.evaluate(PLACE)
    assert left < 0 < left + width
    assert top < 0 < top + height
    assert not [m for m in phone.of(tsg.Pointer) if m.buttons == 1], "no click on the way"


@ONLY_CHROMIUM
def test_three_fingers_bring_the_keyboard_and_its_row_of_keys(browser: Browser, phone: Viewer) -> None:
    browser.touch([(200, 300)], [(200, 300), (300, 300)], [(200, 300), (300, 300), (400, 300)])
    browser.evaluate(until("document.activeElement.matches('.catcher')"))
    # No browser without a display has a keyboard on the screen: what it does to the page is done here.
    browser.evaluate("""(() => {
        Object.defineProperty(visualViewport, "height", { configurable: true, value: 300 });
        visualViewport.dispatchEvent(new Event("resize"));
    })()""")
    browser.wait(".keyrow")
    place = browser.evaluate("document.querySelector('.keyrow').getBoundingClientRect().bottom")
    assert place == 300
    browser.click("[data-code=ControlLeft]")
    assert browser.evaluate("document.activeElement.matches('.catcher')"), "the keyboard stays"
    assert not phone.of(tsg.Key), "it waits for the next key"
    browser.insert("c")
    phone.heard(lambda m: m == tsg.Key(0, 0x1D, 0))
    browser.click("[data-code=ArrowLeft]")
    phone.heard(lambda m: m == tsg.Key(0, 0xCB, 0))
    assert [(m.down, m.scancode, m.keysym) for m in phone.of(tsg.Key)] == [
        (1, 0x1D, 0), (1, 0, 0x63), (0, 0, 0x63), (0, 0x1D, 0), (1, 0xCB, 0), (0, 0xCB, 0),
    ]  # fmt: skip
    assert not phone.of(tsg.TypeText)
    assert not phone.of(tsg.RequestSize), "the guest keeps its size"


@ONLY_CHROMIUM
def test_composing_shows_at_the_guests_caret(browser: Browser, viewer: Viewer) -> None:
    choose(browser, "Keyboard", "[role=menuitemradio]:nth-child(2)")
    browser.move(400, 300)
    browser.press()
    browser.release()
    browser.composing("にほん")
    place = """(() => {
        const field = document.querySelector(".catcher.is-composing");
        if (!field || getComputedStyle(field).opacity !== "1") return false;
        const { left, top, bottom, width } = field.getBoundingClientRect();
        return Math.abs(left - 400) < 12 && top < 300 && bottom > 300 && width > 30;
    })()"""
    browser.evaluate(until(place))
    browser.compose(text="日本")
    viewer.heard(lambda m: m == tsg.TypeText("日本"))
    assert browser.evaluate("document.querySelector('.catcher.is-composing') === null")
    # The guest answers what was typed with a few changed pixels: there the caret is now.
    viewer.send(viewer.painter.frame((600, 500, 16, 16)))
    viewer.shown(viewer.painter.number)
    browser.composing("さ")
    browser.evaluate(
        until("Math.abs(document.querySelector('.catcher').getBoundingClientRect().left - 616) < 12")
    )
    browser.compose(text="さ")
    browser.evaluate("localStorage.clear()")


@ONLY_CHROMIUM
def test_a_pen_points_with_its_tip_and_its_barrel(browser: Browser, viewer: Viewer) -> None:
    """No driver has a pen: the page gets its events as browsers make them."""
    pen = "pointerType: 'pen', pointerId: 9, bubbles: true, pressure: 0.3, clientY: 300"
    way = [(250, 0), (260, 1), (260, 0), (270, 2), (270, 3), (270, 0), (280, 32), (280, 0)]
    script = "".join(
        f"stage.dispatchEvent(new PointerEvent('pointermove', {{ {pen}, clientX: {x}, buttons: {held} }}));"
        for x, held in way
    )
    browser.evaluate(f"(() => {{ const stage = document.querySelector('.stage'); {script} }})()")
    viewer.heard(lambda m: m == tsg.Pointer(280, 300, 0) and viewer.of(tsg.Pointer)[-2].buttons == 1)
    held = [(m.x, m.buttons) for m in viewer.of(tsg.Pointer) if m.buttons]
    assert held == [(260, 1), (270, 4), (280, 1)]


def test_the_keyboard_tests_itself(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    browser.open(f"{server.url}/keys")
    browser.click(".keys-steps .primary")
    assert "Press Esc" in browser.text(".keys-asked")
    browser.key("Escape")
    browser.evaluate(until("document.querySelector('.keys-asked').textContent === 'Press F1'"))
    browser.click(".keys-nothing")
    browser.evaluate(until("document.querySelector('.keys-asked').textContent === 'Press F5'"))
    browser.key("F5")  # the page takes it: it is not loaded anew
    browser.evaluate(until("document.querySelector('.keys-asked').textContent === 'Press F11'"))
    browser.evaluate("dispatchEvent(new Event('blur'))")
    browser.key("q")
    browser.key(";")
    browser.key("'")
    browser.key("[")
    report = browser.evaluate("document.querySelector('.keys-report').textContent")
    for line in (
        "Esc: Arrives",
        "F1: Swallowed, nothing happened",
        "F5: Arrives",
        "F11: Swallowed, another window",
    ):
        assert line in report
    assert "KeyQ=q" in report
    assert "Looks like us" in report
    for key in ("Control", "Alt", "Shift"):
        browser.down(key)
    for key in ("Control", "Alt", "Shift"):
        browser.up(key)
    assert browser.evaluate("document.activeElement.matches('.button')"), "keys lead out as well"
    assert accessibility(browser) == []
    browser.click(".brand")  # while it asks for keys, the page does not go without a question
    browser.wait(".cards")
