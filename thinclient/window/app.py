"""The program's window, from start to end."""

from __future__ import annotations

import signal
import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from thinclient.connection import Connection
from thinclient.window import theme
from thinclient.window.flow import Flow, Secrets
from thinclient.window.looking import Looking
from tsgateway.client import ClientError


def run(
    connection: Connection, secrets: Secrets, appearance: str, looking: Looking | None = None
) -> ClientError | None:
    """Show the window until it is closed. Returns the error that ended the desktop, if one did.

    looking: the session of somebody else's that is looked at, in place of a desktop.
    """
    app = QApplication(sys.argv[:1])
    app.setApplicationName("tsclient")
    app.setApplicationDisplayName("tsgateway")
    app.setDesktopFileName("tsclient")
    app.setQuitOnLastWindowClosed(False)
    theme.dress(app, appearance)
    ended: list[ClientError | None] = []

    def over(error: ClientError | None) -> None:
        ended.append(error)
        app.exit()  # quit() would ask every window

    flow = Flow(connection, secrets, looking)
    flow.over.connect(over)
    signal.signal(signal.SIGINT, lambda *_: app.exit())
    signal.signal(signal.SIGTERM, lambda *_: app.exit())
    beat = QTimer(interval=200)  # Python sees signals between two events only
    beat.timeout.connect(lambda: None)
    beat.start()
    QTimer.singleShot(0, flow.start)
    app.exec()
    flow.leave()
    return ended[0] if ended else None
