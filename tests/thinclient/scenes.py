"""Every page, dialog and card of the window: `python -m tests.thinclient.scenes FOLDER` takes their pictures.

To look at, light and dark, without a display or a gateway.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from sessions.pixels import testcard
from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from sessions.wire.tsg import CloseCode, DialogKind, MicrophoneState, NoticeLevel, SessionState, ShadowState
from thinclient.certificate import Shown
from thinclient.connection import Connection, WrongFile
from thinclient.listing import Other
from thinclient.queue import Transfers
from thinclient.transfer import State
from thinclient.upload import Upload
from thinclient.window import home as pages
from thinclient.window import theme
from thinclient.window.bar import Bar
from thinclient.window.dialogs import Asked
from thinclient.window.files_panel import FilesPanel
from thinclient.window.link import Link
from thinclient.window.session import SessionWindow, Wishes
from thinclient.window.trust import ChangedDialog, TrustDialog
from tsgateway.client import Client, ClientError, ViewerClosed
from tsgateway.client.viewer import Drawn, Look, Over, Retrying, Welcome

URL = "https://desk.example.org/"
SHOWN = Shown(
    "ab12" * 16, ("desk.example.org", "10.0.0.7"), "itself", datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2027, 2, 1, tzinfo=UTC),
)  # fmt: skip


def nothing(*_: object) -> None:
    """Do nothing."""


def desktop(title: str, description: str, kind: str, *states: str, single: bool = True) -> Any:
    running = [
        {
            "id": f"s{at}",
            "number": at,
            "state": state,
            "started": 0.0,
            "since": 0.0,
            "progress": None,
            "text": "",
        }
        for at, state in enumerate(states, 3)
    ]
    return {
        "id": title, "title": title, "description": description, "kind": kind, "session": None,
        "sessions": running, "single": single, "favourite": False, "used": None,
    }  # fmt: skip


def other(user: str, number: int, state: str, controls: bool) -> Other:
    session: Any = {"id": f"s{number}", "number": number, "user": user, "title": "Work", "state": state}
    return Other(session, True, controls)


def scenes() -> Iterator[tuple[str, QWidget]]:
    """Yield each with its name; it is shown, and gone when the next one is asked for."""
    home = pages.Home()
    yield from before(home)
    home.hide()
    yield from during()


def before(home: pages.Home) -> Iterator[tuple[str, QWidget]]:
    saved = [
        ("Work", Connection(address=URL)),
        ("Old", WrongFile("Old.tsc, line 2: nothing is called “adress”.")),
    ]
    wrong = "“http://desk” is not an address like https://desk.example.org:8443."
    pages.show_start(home, saved, wrong, nothing, nothing)
    yield "start", home
    pages.show_sign_in(
        home, Connection(URL, name="ruth"), "The name or the password is wrong.", nothing, nothing
    )
    yield "sign-in", home
    ways = [("Sign in with Example Corp & Sons", nothing), ("Sign in with the browser", nothing)]
    pages.show_sign_in(home, Connection(URL), "", nothing, nothing, ways=ways)
    yield "sign-in-ways", home
    pages.show_browser(home, f"{URL}client?redirect_uri=http%3A%2F%2F127.0.0.1%3A40001%2F&state=xyz", nothing)
    yield "browser", home
    pages.show_code(home, "The code is wrong or was used before. Wait for the next one.", nothing, nothing)
    yield "code", home
    pages.show_problem(
        home, "There is no connection", f"{URL}: nobody listens there.", ("Try again", nothing)
    )
    yield "problem", home
    desktops = [
        desktop("Work", "Debian with the programs of the office", "qemu", "disconnected"),
        desktop("Design", "Two sessions at a time", "qemu-shared", "active", single=False),
        desktop("Old machine", "", "rfb"),
    ]
    page = pages.DesktopsPage(
        "ruth",
        desktops,
        "",
        "Saved as /home/ruth/.config/tsclient/connections/Work.tsc",
        False,
        others=[other("ada", 7, "active", True), other("王小明", 12, "disconnected", False)],
    )
    home.show_page("Your desktops", page, page.first)
    yield "desktops", home
    home.show_page("Your desktops", pages.DesktopsPage("ruth", [], "It cannot be saved.", "", True))
    yield "no-desktops", home
    for name, dialog in (
        ("trust", TrustDialog(home, "desk.example.org", SHOWN, "unknown")),
        ("changed", ChangedDialog(home, URL, "cd34" * 16, SHOWN)),
        (
            "message",
            Asked(home, tsg.Dialog(1, DialogKind.MESSAGE, 95, "Ann", "Tonight", "At ten.\nSave."), nothing),
        ),
        ("question", Asked(home, tsg.Dialog(2, DialogKind.SHADOW_CONTROL, 30, "Bob", "", ""), nothing)),
    ):
        dialog.show()
        yield name, dialog
        dialog.hide()


def during() -> Iterator[tuple[str, QWidget]]:
    link = Link(Client.remote(URL), "work", "", None)  # which connects when it is opened
    window = SessionWindow(link, "Work", Wishes(), nothing)
    window.resize(1000, 640)
    window.show()
    yield "opening", window
    window._happened(tsg.State(SessionState.STARTING, 40, "The guest is booting"))
    yield "starting", window
    size = Size(window.screen_.width(), window.screen_.height())
    link.picture.pixels = testcard.frame(7, size).view(np.uint8).reshape(size.height, size.width, 4).copy()
    link.happened.emit(Welcome(tsg.ServerHello(1, "s", "Linux desktop", 1, 24, (1, 17, 18))))
    link.happened.emit(tsg.Microphone(MicrophoneState.FREE))
    QApplication.processEvents()
    window._happened(Drawn((Rect(0, 0, *size),)))
    yield "session", window
    for at, menu in enumerate(window.findChild(Bar).findChildren(QMenu)):
        menu.popup(window.pos())
        yield f"menu-{at}", menu
        menu.close()
    window._happened(
        tsg.Notice(NoticeLevel.ABSENCE, 95, "You will be disconnected, for nobody has been at work.")
    )
    window._happened(tsg.Shadow(4, ShadowState.CONTROL, "Bob"))
    window._said.tell("What you copy on this desktop stays there: its policies do not allow taking it out.")
    yield "strips", window
    window._said.tell("")
    window._happened(tsg.Notice(NoticeLevel.INFORMATION, 0, ""))
    window._happened(tsg.Shadow(4, ShadowState.OVER, "Bob"))
    window._screens.held.emit(True)
    yield "captured", window
    window._screens.held.emit(False)
    yield from files(window)
    window._happened(Over(None, ""))
    window._happened(Retrying(1.0, "Nothing comes over the line any more."))
    yield "cut", window
    window._link_ended(ViewerClosed("This desktop was opened in another place.", CloseCode.TAKEN_OVER))
    yield "ended", window
    window.hide()
    yield from looking()


def looking() -> Iterator[tuple[str, QWidget]]:
    link = Link(Client.remote(URL), "", "s7", None, look=Look.VIEW)
    window = SessionWindow(link, "Work", Wishes(look=Look.VIEW), nothing)
    window.resize(1000, 640)
    window.show()
    link.happened.emit(Welcome(tsg.ServerHello(1, "s7", "Work", 0, 24, (1,))))
    QApplication.processEvents()
    window._happened(tsg.State(SessionState.CONNECTED, 255, "ada is asked to allow it."))
    yield "asking", window
    size = Size(800, 500)
    link.picture.pixels = testcard.frame(7, size).view(np.uint8).reshape(size.height, size.width, 4).copy()
    window._happened(tsg.Shadow(4, ShadowState.VIEW, "ada"))
    window._happened(Drawn((Rect(0, 0, *size),)))
    yield "looking", window
    window._link_ended(ViewerClosed("ada does not allow it.", CloseCode.SHADOW_OVER))
    yield "refused", window
    window.hide()


def listed() -> Any:
    """A folder as the gateway tells of it."""
    rows = (
        ("Reports", True, 0),
        ("photo.png", False, 3_400_000),
        ("<b>report</b> \u202efdp.exe", False, 999),
    )
    files = [
        {"name": name, "folder": folder, "bytes": size, "changed": 1.77e9} for name, folder, size in rows
    ]
    one = {"id": "1", "path": "Work/disk.img", "bytes": 4 * 10**9, "changed": 0.0, "offset": 10**9}
    return {
        "path": "Work",
        "files": files,
        "unfinished": [one],
        "used": 4e9,
        "quota": 10**10,
        "mounted": False,
    }


def files(window: SessionWindow) -> Iterator[tuple[str, QWidget]]:
    transfers = Transfers(Client.remote(URL))
    panel = FilesPanel(window, Client.remote(URL), lambda: "s", transfers)
    panel._show(listed())
    panel.show()
    yield "files", panel
    states = {
        State.PAUSED: "", State.FAILED: "The disk of /home/ruth is full. " * 4, State.MOVING: "",
        State.WAITING: f"{URL} hung up.", State.DONE: "Work/video.mp4",
    }  # fmt: skip
    for at, (state, message) in enumerate(states.items()):
        made = Upload(Path("video.mp4"), "s", f"Work/video {at}.mp4")
        made.state, made.message, made.size, made.done = state, message, 4_000_000_000, 1_000_000_000 * at
        transfers.add(made)
    panel._rows.refresh()
    panel._failed(ClientError("Files may not be exchanged with this desktop from where you are."))
    yield "files-moving", panel
    panel.leave()
    transfers.close()
    window.show()


def main(folder: Path) -> None:
    """Write a picture of each, in both looks."""
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    for appearance in ("light", "dark"):
        theme.dress(app, appearance)
        for name, widget in scenes():
            app.processEvents()
            widget.grab().save(str(folder / f"{name}-{appearance}.png"))


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main(Path(sys.argv[1]))
