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

SWITCH_SECONDS = 0.0005
"""After so long a thread lets another one have the interpreter: window, connection and sound device wait for
each other. By Python's own 5 ms pictures and sound would now and then be as much later."""


def run(
    connection: Connection, secrets: Secrets, appearance: str, looking: Looking | None = None
) -> ClientError | None:
    """Show the window until it is closed. Returns the error that ended the desktop, if one did.

    looking: the session of somebody else's that is looked at, in place of a desktop.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
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
