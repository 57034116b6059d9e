"""The desktop's clipboard and this machine's are one: what is copied on either can be pasted on the other.

Only while the window is the active one: else a desktop could overwrite, or read, what somebody copies
elsewhere. What came from the desktop is never given back to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMetaType, QMimeData, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QImage

from sessions.wire import tsg
from sessions.wire.tsg import Capability
from sessions.wire.tsg import ClipboardFormat as Format
from thinclient.window.link import Link
from tsgateway.client.viewer import Content, Copied, Happening, NotTaken, Offered, Over, Taken, Welcome

TAKEN_PAUSE = 1000
"""Milliseconds after which keys wait no longer for the desktop to have what was copied."""
TOLD_PAUSE = 8000
"""Milliseconds that a sentence is to be read."""
_KINDS = {Format.TEXT: "text/plain", Format.HTML: "text/html", Format.PNG: "image/png"}
_PICTURE = "application/x-qt-image"  # of which Qt makes what each system calls a picture
_NEITHER = "The clipboard is not shared with this desktop."
_NOT_IN = "What you copy here cannot be pasted on this desktop: its policies do not allow it."
_NOT_OUT = "What you copy on this desktop stays there: its policies do not allow taking it out."


class Clipboard(QObject):
    """Between a link and the system's clipboard. told: with a sentence for the person, then with "".

    is_here: whether the window is the active one.
    """

    told = Signal(str)

    def __init__(self, link: Link, is_here: Callable[[], bool]) -> None:
        super().__init__()
        self._link = link
        self._is_here = is_here
        self._may_in = self._may_out = self._answers = False
        self._coming: Copied | None = None  # to be put into the system's clipboard
        self._is_putting = self._guest_holds = False
        self._is_new = True  # the system's clipboard holds something that was not looked at
        self._is_again = False  # nothing was copied here since it was given over another connection
        self._from_guest = self._given = ""  # marks of what either side has now from the other
        self._warned: set[str] = set()
        self._held: list[tsg.Message] | None = None
        self._taking = QTimer(self, singleShot=True, interval=TAKEN_PAUSE)
        self._taking.timeout.connect(self._release)
        self._telling = QTimer(self, singleShot=True, interval=TOLD_PAUSE)
        self._telling.timeout.connect(lambda: self.told.emit(""))
        self._system = QGuiApplication.clipboard()
        self._system.dataChanged.connect(self._changed)
        link.happened.connect(self._happened)

    def say(self, messages: Sequence[tsg.Message]) -> None:
        """Send input. Keys, and all that follows them, wait while the desktop takes what was copied here."""
        presses = any(isinstance(each, tsg.Key) and each.down for each in messages)
        if self._held is not None:
            self._held += messages
        elif presses and self._taking.isActive():
            self._held = list(messages)
        else:
            self._link.say(*messages)

    def here(self) -> None:
        """The window has become the active one: what waited for that passes now, the newer one of both."""
        if self._is_new:
            self._look()
        self._put()

    # ---- what the desktop says

    def _happened(self, event: Happening) -> None:
        match event:
            case Welcome(hello):
                self._begin(hello)
            case tsg.ClipboardState():
                self._answers = event.formats != 0
                QTimer.singleShot(0, self._look)  # what the guest holds is told right behind
            case Offered(formats):
                self._guest_holds = bool(formats)
                self._coming = None
                self._from_guest = self._given = ""
            case Copied():
                self._coming = event
                self._put()
                if event.problem:
                    self._tell(event.problem)
            case Taken():
                self._release()
            case NotTaken(reason):
                self._release()
                self._tell(reason)
            case Over():
                self._may_in = self._answers = self._guest_holds = False
                self._coming = self._held = None
                self._given = ""
                self._taking.stop()

    def _begin(self, hello: tsg.ServerHello) -> None:
        self._may_in, self._may_out = (
            each in hello.capabilities for each in (Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT)
        )
        self._is_again = not self._is_new
        self._is_new = True
        if self._may_in and not self._may_out:
            self._warn(_NOT_OUT)

    # ---- from the desktop

    def _put(self) -> None:
        """Put what the guest has copied into the system's clipboard."""
        copied = self._coming
        if copied is None or not self._is_here():
            return
        self._coming = None
        larger = [format for format, _ in copied.larger]
        if not larger and not copied.content.parts():
            return
        self._from_guest = mark(copied.content)  # before it is put there, which is told at once
        self._is_putting = True  # not every window system says at once whose it is
        self._system.setMimeData(Held(copied.content, larger, self._link.copied))
        self._is_putting = False

    # ---- to the desktop

    def _changed(self) -> None:
        if self._is_putting or self._system.ownsClipboard():
            return
        self._is_new, self._is_again = True, False
        self._coming = None  # this is newer
        self._look()

    def _look(self) -> None:
        """Offer what the system's clipboard holds, if that is anything new."""
        if not self._is_new or not self._is_here() or self._system.ownsClipboard():
            return
        if not self._may_in:
            self._is_new = False
            data = self._system.mimeData()
            if data is not None and data.formats():
                self._warn(_NOT_IN if self._may_out else _NEITHER)
            return
        if not self._answers:
            return  # there may be an answer yet
        self._is_new = False
        content = read(self._system.mimeData())
        found = mark(content) if content.parts() else ""
        is_older = self._is_again and self._guest_holds
        if not found or found in (self._from_guest, self._given) or is_older:
            return
        self._given, self._guest_holds = found, False
        self._taking.start()
        self._link.give(content)

    def _release(self) -> None:
        self._taking.stop()
        held, self._held = self._held, None
        if held:
            self._link.say(*held)

    # ----

    def _warn(self, text: str) -> None:
        """Tell something once."""
        if text not in self._warned:
            self._warned.add(text)
            self._tell(text)

    def _tell(self, text: str) -> None:
        self.told.emit(text)
        self._telling.start()


class Held(QMimeData):
    """What a desktop holds, for the system's clipboard.

    What is large is fetched when a program pastes it: larger names its formats, and fetch, which may wait and
    returns None when it cannot be had, is called once.
    """

    def __init__(
        self, content: Content, larger: Sequence[Format], fetch: Callable[[], Content | None]
    ) -> None:
        super().__init__()
        self._parts = content.parts()
        self._larger = list(larger)
        self._fetch = fetch

    def formats(self) -> list[str]:
        """Return what it can be had as."""
        there = sorted({*self._parts, *self._larger})
        return [_KINDS[each] for each in there] + ([_PICTURE] if Format.PNG in there else [])

    def hasFormat(self, mimetype: str) -> bool:
        """Tell whether it can be had as this."""
        return mimetype in self.formats()

    def retrieveData(self, mimetype: str, preferredType: QMetaType | QMetaType.Type) -> Any:
        """Return it as one of `formats`, None as anything else."""
        if mimetype == _PICTURE:
            return QImage.fromData(self._part(Format.PNG))
        for format, kind in _KINDS.items():
            if kind == mimetype:
                data = self._part(format)
                return QByteArray(data) if format == Format.PNG else data.decode(errors="replace")
        return None

    def _part(self, format: Format) -> bytes:
        if format in self._larger:
            self._larger.clear()
            content = self._fetch()
            self._parts |= content.parts() if content is not None else {}
        return self._parts.get(format, b"")


def read(data: QMimeData | None) -> Content:
    """Return what a clipboard holds, as far as it can be given to a desktop."""
    if data is None:
        return Content()
    return Content(
        data.text() if data.hasText() else "", data.html() if data.hasHtml() else "", _picture(data)
    )


def _picture(data: QMimeData) -> bytes:
    if data.hasFormat(_KINDS[Format.PNG]):
        return bytes(data.data(_KINDS[Format.PNG]).data())
    image = data.imageData() if data.hasImage() else None
    if not isinstance(image, QImage) or image.isNull():
        return b""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 80)  # type: ignore[call-overload]  # quickly, and a little larger
    return bytes(buffer.data().data())


def mark(content: Content) -> str:
    """Return what is the same for the same content, also when another program has handed it on.

    Ends of lines, HTML and how pictures are encoded may change on the way.
    """
    parts = content.parts()
    if text := parts.get(Format.TEXT):
        return "text " + _digest(text.replace(b"\r\n", b"\n"))
    if not content.png:
        return "html " + _digest(parts.get(Format.HTML, b""))
    image = QImage.fromData(content.png).convertToFormat(QImage.Format.Format_RGBA8888)
    pixels = bytes(image.constBits()) if not image.isNull() else content.png
    return f"picture {image.width()}×{image.height()} {_digest(pixels)}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
