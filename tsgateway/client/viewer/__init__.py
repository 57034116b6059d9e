"""Sees a desktop and uses it, without a window: for tests, monitoring, and programs that drive desktops.

    gateway = signed_in("https://desk.example.org", "ruth", password)
    with Viewer(gateway, "work") as viewer:
        viewer.wait_for_picture()
        viewer.type("hello\\n")
        viewer.save("work.png")

`Conversation` and `Picture` are the same without I/O, for whoever has an event loop of another kind.
"""

from tsgateway.client.viewer.access import Look
from tsgateway.client.viewer.blocking import Viewer
from tsgateway.client.viewer.clipboard import Clipboard, Content, Copied, NotTaken, Offered, Taken
from tsgateway.client.viewer.connections import Retrying
from tsgateway.client.viewer.conversation import Conversation, Drawn, Event, Over, Welcome
from tsgateway.client.viewer.decode import Picture, Pixels
from tsgateway.client.viewer.desktop import AsyncViewer, Happening, Queued
from tsgateway.client.viewer.sound import Hearing, Played

__all__ = [
    "AsyncViewer",
    "Clipboard",
    "Content",
    "Conversation",
    "Copied",
    "Drawn",
    "Event",
    "Happening",
    "Hearing",
    "Look",
    "NotTaken",
    "Offered",
    "Over",
    "Picture",
    "Pixels",
    "Played",
    "Queued",
    "Retrying",
    "Taken",
    "Viewer",
    "Welcome",
]
