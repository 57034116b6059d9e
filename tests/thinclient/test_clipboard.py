"""The window's clipboard and the system's, which Qt itself keeps here: what passes, when, what does not."""

import io
import os
from collections.abc import Iterator

import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PIL import Image
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sessions.wire import tsg
from sessions.wire.tsg import Capability
from sessions.wire.tsg import ClipboardFormat as Format
from thinclient.window import clipboard as clipboards
from thinclient.window.clipboard import Clipboard, Held, mark, read
from thinclient.window.link import Link
from tsgateway.client import Client
from tsgateway.client.viewer import Content, Copied, Happening, NotTaken, Offered, Over, Taken, Welcome

IN, OUT = Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT
ANSWERS = tsg.ClipboardState(7, 32_000_000)
V = (tsg.Key(1, 47, 0x76), tsg.Key(0, 47, 0x76))


class Side:
    """A clipboard whose link is not open: what would be sent is kept."""

    def __init__(self) -> None:
        self.is_here = True
        self.given: list[Content] = []
        self.said: list[tsg.Message] = []
        self.told: list[str] = []
        self.link = Link(Client.remote("https://desk.example.org"), "work", "s1", None)
        self.link.give = self.given.append  # type: ignore[method-assign]
        self.link.say = lambda *messages: self.said.extend(messages)  # type: ignore[method-assign]
        self.clipboard = Clipboard(self.link, lambda: self.is_here)
        self.clipboard.told.connect(self.told.append)

    def happens(self, *events: Happening) -> None:
        for event in events:
            self.link.happened.emit(event)
        QApplication.processEvents()

    def connects(self, *able: Capability) -> None:
        self.happens(Welcome(tsg.ServerHello(1, "s1", "Work", 1, 24, (1, *able))), ANSWERS)


@pytest.fixture
def side() -> Iterator[Side]:
    QApplication.instance() or QApplication([])
    system().clear()
    made = Side()
    yield made
    system().dataChanged.disconnect(made.clipboard._changed)
    system().clear()


def system() -> object:
    return QGuiApplication.clipboard()


def copies(text: str = "", html: str = "", image: QImage | None = None) -> None:
    """Another program copies something."""
    data = QMimeData()
    if text:
        data.setText(text)
    if html:
        data.setHtml(html)
    if image is not None:
        data.setImageData(image)
    system().setMimeData(data)
    QApplication.processEvents()


def picture(colour: str = "#4154e8") -> QImage:
    image = QImage(6, 4, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    image.setPixelColor(2, 1, QColor("#000"))
    return image


def png(image: QImage) -> bytes:
    file = io.BytesIO()
    plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
    Image.frombytes("RGBA", (image.width(), image.height()), bytes(plain.constBits())).convert("RGB").save(
        file, "PNG"
    )
    return file.getvalue()


def test_what_was_copied_before_the_desktop_was_opened_is_offered(side: Side) -> None:
    copies("Grüße 🙂", "<b>Grüße</b>")
    assert side.given == []
    side.connects(IN, OUT)
    assert side.given == [Content("Grüße 🙂", "<b>Grüße</b>")]
    side.happens(ANSWERS)
    side.clipboard.here()
    assert len(side.given) == 1


def test_what_is_copied_elsewhere_is_offered_when_the_window_is_the_active_one(side: Side) -> None:
    side.connects(IN, OUT)
    side.is_here = False
    copies("secret of another program")
    copies("for the desktop")
    assert side.given == []
    side.is_here = True
    side.clipboard.here()
    assert side.given == [Content("for the desktop")]
    copies("at once")
    assert side.given[1:] == [Content("at once")]


def test_a_picture_is_offered_as_png(side: Side) -> None:
    side.connects(IN, OUT)
    copies(image=picture())
    [content] = side.given
    seen = Image.open(io.BytesIO(content.png)).convert("RGB")
    assert (seen.size, seen.getpixel((0, 0)), seen.getpixel((2, 1))) == (
        (6, 4),
        (0x41, 0x54, 0xE8),
        (0, 0, 0),
    )


def test_what_the_desktop_copies_is_put_here_and_never_given_back(side: Side) -> None:
    side.connects(IN, OUT)
    side.happens(Offered((Format.TEXT, Format.HTML)), Copied(Content("a\nb", "<p>a")))
    assert read(system().mimeData()) == Content("a\nb", "<p>a")
    copies("a\r\nb")  # as a program that keeps clipboards hands it on
    side.clipboard.here()
    side.happens(Offered((Format.PNG,)), Copied(Content(png=png(picture()))))
    copies(image=picture())
    assert side.given == []
    copies(image=picture("#ff0000"))
    assert len(side.given) == 1


def test_what_the_desktop_copies_waits_until_the_window_is_the_active_one(side: Side) -> None:
    side.connects(IN, OUT)
    side.is_here = False
    copies("mine")
    side.happens(Offered((Format.TEXT,)), Copied(Content("theirs")))
    assert system().text() == "mine"
    side.is_here = True
    side.clipboard.here()
    assert system().text() == "theirs"
    assert side.given == [Content("mine")]  # the older one


def test_what_is_copied_here_later_is_not_replaced_by_what_waits(side: Side) -> None:
    side.connects(IN, OUT)
    side.is_here = False
    side.happens(Offered((Format.TEXT,)), Copied(Content("older")))
    copies("newer")
    side.is_here = True
    side.clipboard.here()
    assert (system().text(), side.given) == ("newer", [Content("newer")])


def test_after_a_cut_what_was_given_is_given_again_unless_the_desktop_holds_something(side: Side) -> None:
    copies("mine")
    side.connects(IN, OUT)
    side.happens(Over(None, ""))
    side.connects(IN, OUT)
    assert side.given == [Content("mine")] * 2
    side.happens(Over(None, ""))
    hello = tsg.ServerHello(1, "s1", "Work", 1, 24, (1, IN, OUT))
    side.happens(Welcome(hello), ANSWERS, Offered((Format.TEXT,)))
    assert side.given == [Content("mine")] * 2
    side.happens(Copied(Content("theirs")))
    assert system().text() == "theirs"


def test_keys_wait_until_the_desktop_has_what_was_copied(side: Side) -> None:
    side.connects(IN, OUT)
    copies("text")
    pointer = tsg.Pointer(1, 2, 0)
    side.clipboard.say([pointer])
    side.clipboard.say(V)
    side.clipboard.say([pointer])
    assert side.said == [pointer]
    side.happens(Taken(1))
    assert side.said == [pointer, *V, pointer]
    side.clipboard.say(V)
    assert side.said == [pointer, *V, pointer, *V]


def test_keys_wait_for_no_longer_than_a_moment(side: Side) -> None:
    side.connects(IN, OUT)
    side.clipboard._taking.setInterval(1)
    copies("text that nobody takes")
    side.clipboard.say(V[:1])
    side.clipboard.say(V[1:])
    assert side.said == []
    QTest.qWait(50)
    assert side.said == list(V)
    side.clipboard._taking.setInterval(60_000)
    copies("text that is too large")
    side.clipboard.say(V)
    side.happens(NotTaken("What was copied has 954 MB."))
    assert side.said == [*V, *V]
    assert side.told == ["What was copied has 954 MB."]


def test_keys_that_wait_when_the_line_is_cut_are_not_pressed(side: Side) -> None:
    side.connects(IN, OUT)
    copies("text")
    side.clipboard.say(V)
    side.happens(Over(None, ""))
    side.clipboard.say(V)
    assert side.said == list(V)


@pytest.mark.parametrize(
    ("able", "told"),
    [((IN,), clipboards._NOT_OUT), ((OUT,), clipboards._NOT_IN), ((), clipboards._NEITHER)],
)
def test_what_policies_forbid_is_told_once(side: Side, able: tuple[Capability, ...], told: str) -> None:
    side.clipboard._telling.setInterval(1)
    side.connects(*able)
    copies("one")
    copies("two")
    side.happens(Over(None, ""))
    side.connects(*able)
    QTest.qWait(30)
    assert [each for each in side.told if each] == [told]
    assert side.told[-1] == ""
    assert (side.given == []) is (IN not in able)


def test_nothing_is_given_while_no_clipboard_answers(side: Side) -> None:
    hello = tsg.ServerHello(1, "s1", "Work", 1, 24, (1, IN, OUT))
    side.happens(Welcome(hello), tsg.ClipboardState(0, 1))
    copies("text")
    assert side.given == []
    side.happens(ANSWERS)
    assert side.given == [Content("text")]


def test_what_is_large_is_fetched_when_it_is_pasted(side: Side) -> None:
    side.connects(IN, OUT)
    fetched: list[int] = []

    def fetch() -> Content:
        fetched.append(1)
        return Content("small", png=png(picture()))

    side.link.copied = fetch  # type: ignore[method-assign]
    side.happens(Offered((Format.TEXT, Format.PNG)), Copied(Content("small"), ((Format.PNG, 9_000_000),)))
    held = system().mimeData()
    assert (held.text(), held.hasImage(), held.hasFormat("image/png"), held.hasHtml()) == (
        "small",
        True,
        True,
        False,
    )
    assert fetched == []
    assert held.data("image/png").data() == png(picture())
    assert system().image().pixelColor(2, 1) == QColor("#000")
    assert fetched == [1]


def test_what_cannot_be_fetched_is_nothing(side: Side) -> None:
    held = Held(Content(), [Format.TEXT], side.link.copied)  # whose link is not open
    assert held.hasText()
    assert held.text() == ""
    side.connects(IN, OUT)
    copies("kept")
    problem = "What was copied has 954 MB; at most 32 MB may pass the clipboard."
    side.happens(Offered((Format.TEXT,)), Copied(Content(), (), problem))
    assert (system().text(), side.told) == ("kept", [problem])


def test_marks_are_the_same_for_the_same() -> None:
    one, other = picture(), picture().convertToFormat(QImage.Format.Format_ARGB32)
    assert mark(Content(png=png(one))) == mark(Content(png=png(other)))
    assert mark(Content(png=png(one))) != mark(Content(png=png(picture("#123456"))))
    assert mark(Content(png=b"no picture")) != mark(Content(png=b"none either"))
    assert mark(Content("a\r\n", "<p>")) == mark(Content("a\n", "<b>"))
    assert mark(Content(html="<p>")) != mark(Content(html="<b>"))
