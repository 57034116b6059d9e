"""The session view in real browsers: every pixel, and every way a connection can end."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg

from sessions.wire import tsg
from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer, Painter, Viewer
from tests.e2e.machine import wait_for
from tests.e2e.marks import IN_BOTH, ONLY_CHROMIUM
from tests.e2e.pages import choose, until, use_toolbar

pytestmark = pytest.mark.browser


def shown(browser: Browser) -> np.ndarray:
    """What the browser shows, as height × width × (blue, green, red)."""
    width, height, data = browser.canvas()
    pixels = np.frombuffer(data, np.uint8).reshape(height, width, 4)
    assert (pixels[:, :, 3] == 255).all()
    return pixels[:, :, 2::-1]


def sees(browser: Browser, expected: Painter | np.ndarray) -> None:
    """Wait until the page shows this picture, every pixel.

    The acknowledgement comes from the worker that draws; the page gets the picture beside it, maybe later.
    """
    wanted = expected.pixels[:, :, :3] if isinstance(expected, Painter) else expected
    wait_for(lambda: np.array_equal(shown(browser), wanted), "the picture")


# ---- pictures


@IN_BOTH
def test_every_pixel_arrives(browser: Browser, viewer: Viewer) -> None:
    painter = viewer.painter
    assert painter.pixels.shape == (700, 1000, 4), "the guest fills the window"
    sees(browser, painter)
    for step, rectangles in enumerate(
        [
            ((0, 0, 1, 1),),
            ((999, 699, 1, 1), (3, 5, 640, 33)),
            ((0, 0, 1000, 1), (0, 0, 1, 700), (7, 7, 2, 500)),
        ]
    ):
        painter.random(step + 2)
        before = shown(browser).copy()
        for x, y, width, height in rectangles:
            before[y : y + height, x : x + width] = painter.pixels[y : y + height, x : x + width, :3]
        viewer.send(painter.frame(*rectangles))
        viewer.shown(painter.number)
        sees(browser, before)


@IN_BOTH
def test_parts_are_shown_together(browser: Browser, viewer: Viewer) -> None:
    painter = viewer.painter
    before = painter.pixels[:, :, :3].copy()
    painter.random(2)
    viewer.send(painter.frame((0, 0, 1000, 300), last=False))
    ack = viewer.shown(painter.number)
    assert ack.present_us == 0
    assert np.array_equal(shown(browser), before), "half a picture was shown"
    viewer.send(painter.frame((0, 300, 1000, 400)))
    assert viewer.shown(painter.number).present_us > 0
    sees(browser, painter)


@IN_BOTH
def test_jpeg_and_history_in_one_frame(browser: Browser, viewer: Viewer) -> None:
    painter = viewer.painter
    yy, xx = np.mgrid[0:128, 0:256]
    photo = np.dstack([xx % 256, (yy * 2) % 256, (xx + yy) // 2]).astype(np.uint8)
    data = simplejpeg.encode_jpeg(photo, quality=95, colorspace="BGR", colorsubsampling="444")
    painter.random(2)
    frame = painter.frame((100, 90, 60, 60))
    operations = (tsg.Operation(tsg.Encoding.JPEG, 64, 32, 256, 128, data), *frame.operations)
    viewer.send(tsg.Frame(frame.number, frame.flags, operations, frame.history))
    viewer.shown(frame.number)
    exact = painter.pixels[90:150, 100:160, :3]
    wait_for(lambda: np.array_equal(shown(browser)[90:150, 100:160], exact), "the later operation, on top")
    picture = shown(browser)
    difference = np.abs(picture[32:160, 64:320].astype(int) - photo)
    difference[90 - 32 : 150 - 32, 100 - 64 : 160 - 64] = 0
    assert difference.max() < 24
    assert difference.mean() < 3


@IN_BOTH
def test_copies_that_overlap(browser: Browser, viewer: Viewer) -> None:
    """The rectangle comes from (100, 90); what the same frame changes after it lies on top."""
    painter = viewer.painter
    for x, y in [(100, 137), (100, 53), (61, 90), (140, 90), (130, 120)]:
        moved = painter.pixels[90:590, 100:800].copy()
        painter.pixels[y : y + 500, x : x + 700] = moved
        painter.pixels[y : y + 20, x : x + 30] = (1, 2, 3, 0)
        frame = painter.frame((x, y, 30, 20))
        copy = tsg.Operation(tsg.Encoding.COPY, x, y, 700, 500, tsg.copy_source(100, 90))
        viewer.send(tsg.Frame(frame.number, frame.flags, (copy, *frame.operations), frame.history))
        viewer.shown(frame.number)
        sees(browser, painter)


def test_a_copy_after_other_parts_of_its_picture_is_refused(browser: Browser, viewer: Viewer) -> None:
    """Exact pixels are decoded ahead: it would copy what belongs to later operations."""
    painter = viewer.painter
    frame = painter.frame((0, 0, 50, 50))
    viewer.send(tsg.Frame(frame.number, 0, frame.operations, frame.history))
    copy = tsg.Operation(tsg.Encoding.COPY, 100, 100, 50, 50, tsg.copy_source(0, 0))
    viewer.send(tsg.Frame(frame.number + 1, tsg.FrameFlag.LAST, (copy,), b""))
    viewer.heard(lambda m: isinstance(m, tsg.Refresh))


@IN_BOTH
def test_screen_changes_its_size(browser: Browser, viewer: Viewer) -> None:
    painter = viewer.painter
    old = painter.pixels[:, :, :3].copy()
    viewer.send(tsg.ScreenSize(1200, 500))
    painter.resize(1200, 500)
    painter.random(3)
    viewer.send(painter.frame((0, 0, 10, 10)))
    viewer.shown(painter.number)
    expected = np.zeros((500, 1200, 3), np.uint8)
    expected[:, :1000] = old[:500]  # it stays until it is replaced
    expected[:10, :10] = painter.pixels[:10, :10, :3]
    sees(browser, expected)
    viewer.send(painter.frame())
    viewer.shown(painter.number)
    sees(browser, painter)


@IN_BOTH
def test_damaged_stream_is_mended_by_a_new_one(browser: Browser, viewer: Viewer) -> None:
    painter = viewer.painter
    broken = painter.frame((0, 0, 50, 50))
    viewer.send(tsg.Frame(broken.number, broken.flags, broken.operations, b"\xff" * 40))
    viewer.heard(lambda m: isinstance(m, tsg.Refresh))
    viewer.shown(broken.number)
    painter.restart()
    painter.random(4)
    viewer.send(painter.frame())
    viewer.shown(painter.number)
    sees(browser, painter)
    assert not viewer.gone.is_set()


@pytest.mark.parametrize(
    "changes",
    [
        {"operations": (tsg.Operation(0, 990, 0, 20, 10),)},
        {"operations": (tsg.Operation(2, 0, 0, 10, 10, tsg.copy_source(991, 0)),)},
        {"operations": (tsg.Operation(0, 0, 0, 50, 51),)},
        {"operations": (tsg.Operation(0, 0, 0, 50, 49),)},
        {"operations": (tsg.Operation(1, 0, 0, 50, 50, b"\xff\xd8 no picture"),)},
        {"operations": (), "history": b""},
    ],
    ids=[
        "off the screen",
        "a copy from off the screen",
        "too few pixels",
        "too many pixels",
        "no JPEG",
        "fine",
    ],
)
def test_wrong_frames_are_refused_without_harm(
    browser: Browser, viewer: Viewer, changes: dict[str, object]
) -> None:
    frame = viewer.painter.frame((0, 0, 50, 50))
    values = {"number": 2, "flags": frame.flags, "operations": frame.operations, "history": frame.history}
    viewer.send(tsg.Frame(**{**values, **changes}))
    viewer.shown(2)
    assert bool(viewer.of(tsg.Refresh)) == ("history" not in changes)
    viewer.painter.restart()
    viewer.send(viewer.painter.frame())
    viewer.shown(3)
    sees(browser, viewer.painter)


@IN_BOTH
def test_pointer_picture(browser: Browser, viewer: Viewer) -> None:
    viewer.send(tsg.Cursor(2, 2, 1, 1, bytes([0, 0, 255, 255] * 4)))
    browser.evaluate(until("document.querySelector('.stage').style.cursor.includes(' 1 1')"))
    assert "data:image/png" in browser.evaluate("document.querySelector('.stage').style.cursor")
    viewer.send(tsg.Cursor(0, 0, 0, 0, b""))
    browser.evaluate(until("document.querySelector('.stage').style.cursor.includes(' 3 3')"))


# ---- connections


def notice(browser: Browser, key: str) -> str:
    return browser.text(f"[data-notice={key}]")


@IN_BOTH
def test_starting_shows_progress(browser: Browser, attached: Viewer) -> None:
    attached.greet(tsg.State(tsg.SessionState.STARTING, 40, "Booting the machine"))
    assert "Booting the machine" in notice(browser, "starting")
    assert browser.evaluate("document.querySelector('progress').value") == 40
    attached.send(tsg.State(tsg.SessionState.ACTIVE, 255, ""))
    notice(browser, "waiting")
    attached.show()
    browser.wait(".notice", gone=True)


@IN_BOTH
def test_cut_keeps_the_picture_and_comes_back(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    server.refuse_connections = True
    viewer.cut()
    assert "goes on" in notice(browser, "lost")
    sees(browser, viewer.painter)
    browser.wait("[data-notice=gone]")
    sees(browser, viewer.painter)
    server.refuse_connections = False
    browser.click(".notice .primary")  # Retry now
    again = server.viewer()
    assert again.hello.ticket != viewer.hello.ticket
    again.greet()
    browser.wait("[data-notice=returning]")
    assert browser.evaluate("document.querySelector('.is-dimmed') !== null"), "an old picture is no new one"
    sees(browser, viewer.painter)
    again.painter.random(9)
    again.show()
    again.shown(1)
    browser.wait(".notice", gone=True)
    sees(browser, again.painter)


def test_the_next_attempt_is_counted_down_to(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    server.refuse_connections = True
    viewer.cut()
    browser.wait("[data-notice=gone]")
    for seconds in (2, 1):
        browser.evaluate(until(f"document.querySelector('.attempt')?.innerText.endsWith(' in {seconds} s')"))


def test_a_notice_keeps_its_buttons_while_attempts_pass(
    browser: Browser, server: DevServer, viewer: Viewer
) -> None:
    """A press that began on a button has to end on it."""
    server.refuse_connections = True
    viewer.close(tsg.CloseCode.SHUTDOWN, "restarting")
    browser.wait("[data-notice=shutdown]")
    browser.evaluate("window.retry = document.querySelector('.notice .primary')")
    browser.evaluate(until("document.querySelector('.attempt').innerText.startsWith('Attempt 3')"))
    assert browser.evaluate("retry.isConnected")


def test_a_session_that_cannot_be_ended_is_told(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    server.refuse_connections = True
    choose(browser, "More", ".danger")
    browser.click("dialog .danger")
    browser.evaluate(until("document.querySelector('dialog')?.innerText.includes('The server is down.')"))
    browser.click("dialog .button")
    browser.wait("dialog", gone=True)
    browser.evaluate(until("document.activeElement.className === 'stage'"))  # after the menu has closed


def test_a_browser_that_cannot_decode_is_told(browser: Browser, server: DevServer) -> None:
    server.signed_in = True
    server.missing.add("/static/vendor/zstddec-stream.mjs")
    browser.open(server.url)
    browser.click(".card .primary")
    assert "zstddec-stream.mjs" in notice(browser, "broken")


def test_silence_is_a_cut(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    server.silent = True
    notice(browser, "silent")
    server.silent = False
    server.viewer()


def test_server_restart(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    server.refuse_connections = True
    viewer.close(tsg.CloseCode.SHUTDOWN, "restarting")
    notice(browser, "shutdown")


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (tsg.CloseCode.SESSION_ENDED, "ended"),
        (tsg.CloseCode.TAKEN_OVER, "taken"),
        (tsg.CloseCode.SIGNED_OUT, "signedout"),
        (tsg.CloseCode.VERSION, "version"),
        (tsg.CloseCode.DISCONNECTED, "disconnected"),
    ],
)
def test_every_final_close_is_explained(
    browser: Browser, viewer: Viewer, code: tsg.CloseCode, key: str
) -> None:
    viewer.close(code, "because of a test")
    assert len(notice(browser, key)) > 30
    assert browser.evaluate("document.activeElement.closest('.notice') !== null"), "the way on has the focus"


def test_ended_can_be_started_again(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    server.desktops[0]["session"] = None
    viewer.close(tsg.CloseCode.SESSION_ENDED, "The guest was shut down.")
    assert "The guest was shut down." in notice(browser, "ended")
    browser.click(".notice .primary")
    again = server.viewer()
    assert again.session["id"] != viewer.session["id"]


def test_taken_over_can_be_taken_back(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    viewer.close(tsg.CloseCode.TAKEN_OVER, "elsewhere")
    notice(browser, "taken")
    browser.click(".notice .primary")
    again = server.viewer()
    again.greet()
    browser.wait("[data-notice=returning]")  # until there is a picture


def test_who_was_disconnected_is_told_why_and_reconnects(
    browser: Browser, server: DevServer, viewer: Viewer
) -> None:
    viewer.close(tsg.CloseCode.DISCONNECTED, "It was not used for 10 minutes.")
    assert "not used for 10 minutes" in notice(browser, "disconnected")
    browser.click(".notice .primary")
    server.viewer().greet()
    browser.wait("[data-notice=returning]")


def test_a_session_in_use_is_refused_until_it_is_free(
    browser: Browser, server: DevServer, attached: Viewer
) -> None:
    attached.close(tsg.CloseCode.IN_USE, "In use by ada, for 5 minutes.")
    assert "by ada, for 5 minutes" in notice(browser, "inuse")
    browser.click(".notice .primary")
    server.viewer().close(tsg.CloseCode.IN_USE, "In use by ada, for 6 minutes.")
    browser.evaluate(until("document.querySelector('.notice')?.innerText.includes('6 minutes')"))
    browser.click(".notice .primary")
    again = server.viewer()
    again.greet()
    again.show()
    browser.wait(".notice", gone=True)


def test_after_a_cut_ones_own_last_connection_is_waited_for(
    browser: Browser, server: DevServer, viewer: Viewer
) -> None:
    viewer.cut()
    server.viewer().close(tsg.CloseCode.IN_USE, "In use by ada, for 5 minutes.")
    server.viewer().greet()
    browser.wait("[data-notice=returning]")


RECORD = """(() => {
    localStorage.setItem("tsgateway.alerts", "on");
    document.hasFocus = () => false;
    window.alerted = [];
    window.Notification = class extends Notification {
        constructor(title, options) {
            super(title, options);
            this.onshow = () => window.alerted.push([this.title, this.body]);
        }
    };
    return true;
})()"""


@ONLY_CHROMIUM
def test_the_system_shows_what_comes_behind_another_window(browser: Browser, viewer: Viewer) -> None:
    browser.permit("notifications")
    browser.evaluate(RECORD)
    viewer.send(tsg.Dialog(7, tsg.DialogKind.MESSAGE, 0, "ruth", "Lunch", "<b>At one?</b>"))
    browser.evaluate(until("window.alerted.length"))
    assert browser.evaluate("window.alerted") == [["Lunch", "<b>At one?</b>"]]


def test_a_warning_counts_down_and_is_answered(browser: Browser, viewer: Viewer) -> None:
    viewer.send(tsg.Notice(tsg.NoticeLevel.ABSENCE, 60, "You will be disconnected."))
    assert "You will be disconnected." in browser.text(".announcement")
    browser.evaluate(until("/^0:5[0-9]$/.test(document.querySelector('.announcement-left').innerText)"))
    assert not browser.evaluate("document.querySelector('.is-dimmed, .notice')"), "the picture goes on"
    browser.click(".announcement .primary")
    viewer.heard(lambda message: isinstance(message, tsg.Stay))
    browser.wait(".announcement", gone=True)
    assert browser.evaluate("document.activeElement.className") == "stage"
    viewer.send(tsg.Notice(tsg.NoticeLevel.WARNING, 10, "Time is up soon."))
    browser.wait(".announcement.is-urgent")
    viewer.send(tsg.Notice(tsg.NoticeLevel.INFORMATION, 0, "A new notice <b>replaces</b> the last one."))
    browser.evaluate(until("document.querySelector('.announcement')?.innerText.includes('<b>replaces</b>')"))
    assert browser.evaluate("document.querySelectorAll('.announcement').length") == 1
    assert not browser.evaluate("document.querySelector('.announcement-left, .announcement.is-urgent')")
    viewer.send(tsg.Notice(0, 0, ""))
    browser.wait(".announcement", gone=True)


@pytest.mark.parametrize(
    ("status", "key"), [(403, "refused"), (404, "refused"), (410, "ended"), (401, "signedout")]
)
def test_no_ticket_for_another_connection(
    browser: Browser, server: DevServer, viewer: Viewer, status: int, key: str
) -> None:
    server.ticket_status = status
    viewer.cut()
    notice(browser, key)


@pytest.mark.parametrize("rubbish", [b"\x7f", b"", b"\x24\x00", b"\x21\xff\xff\xff\xff", b"\x01" * 6])
def test_rubbish_is_survived_once_and_explained_twice(
    browser: Browser, server: DevServer, viewer: Viewer, rubbish: bytes
) -> None:
    viewer.send_bytes(rubbish)
    again = server.viewer()
    assert any(close.code in (1, 2, 5) for close in viewer.of(tsg.Close))
    again.greet()
    again.send_bytes(rubbish)
    assert "disagree" in notice(browser, "protocol")


def test_version_of_the_future(browser: Browser, attached: Viewer) -> None:
    attached.greet(version=2)
    notice(browser, "version")


@IN_BOTH
def test_reload_comes_back_to_the_session(browser: Browser, server: DevServer, viewer: Viewer) -> None:
    browser.reload()
    again = server.viewer()
    assert again.session == viewer.session
    again.greet()
    again.show()
    browser.wait(".notice", gone=True)


def test_watching_only_is_said(browser: Browser, attached: Viewer) -> None:
    attached.greet(control=0)
    attached.show()
    assert "Watching" in browser.text(".toolbar .chip")


def test_leaving_says_good_bye(browser: Browser, viewer: Viewer) -> None:
    use_toolbar(browser, "Disconnect")
    browser.wait(".card")
    assert viewer.heard(lambda m: isinstance(m, tsg.Close)) == tsg.Close(tsg.CloseCode.NORMAL)


@IN_BOTH
def test_nothing_is_complained_of(browser: Browser, viewer: Viewer) -> None:
    """No script error and nothing that the content policy had to stop, in all tests before."""
    browser.evaluate("1")  # what was written before this has arrived
    complaints = [
        line for line in browser.log if "Content-Security-Policy" in line or line.startswith("error: ")
    ]
    assert [
        line
        for line in complaints
        if not any(each in line for each in ("Failed to load resource", "WebSocket", "/api/v1/events"))
    ] == []
