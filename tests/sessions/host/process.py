"""A session host's process, and a gateway's end of its link, blocking."""

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from twisted.internet.defer import maybeDeferred

from sessions.wire import link, tsg

SECONDS = 120
CARD = {"kind": "testcard", "width": 320, "height": 200, "fps": 0}


def at_once(call, *arguments, **named):
    """A thread that takes no time."""
    return maybeDeferred(call, *arguments, **named)


def listens(path):
    """Whether somebody listens at a Unix socket, which is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Gateway:
    """The gateway's end of the link, blocking."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        self.socket.connect(str(path))
        self.reader = link.LinkReader()
        self.waiting = []
        self.events = []
        self.ids = 0

    def next(self):
        while not self.waiting:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.waiting += self.reader.receive(data)
        message = self.waiting.pop(0)
        if message.kind is link.Kind.EVENT:
            self.events.append(message.body)
        return message

    def ask(self, method, **params):
        self.ids += 1
        request = {"id": self.ids, "method": method, "params": params}
        self.socket.sendall(link.encode(link.Kind.REQUEST, 0, request))
        early = []  # a viewer's first messages come before the answer to its attach
        while True:
            message = self.next()
            if message.kind is link.Kind.REPLY and message.body["id"] == self.ids:
                self.waiting = early + self.waiting
                return message.body
            if message.kind is link.Kind.VIEWER:
                early.append(message)

    def start(self, session="a" * 32, spec=CARD, desktop="d", rules=None, **more):
        who = {"session": session, "desktop": desktop, "user": "ada", "title": "Card"}
        return self.ask("start", **who, spec=spec, rules=rules or {}, width=800, height=600, **more)

    def attach(self, session="a" * 32, viewer=7, **more):
        hello = tsg.ClientHello(1, b"t" * 32, "test", 320, 200, (1, 2))
        encoded = base64.b64encode(hello.encode()).decode()
        return self.ask("attach", session=session, viewer=viewer, hello=encoded, **more)

    def say(self, message, viewer=7):
        self.socket.sendall(link.encode(link.Kind.VIEWER, viewer, message.encode()))

    def until(self, test):
        deadline = time.monotonic() + SECONDS
        while not test(self.next()):
            assert time.monotonic() < deadline

    def until_event(self, test):
        while not any(test(event) for event in self.events):
            self.next()


class Host:
    """settings: beyond, or in place of, the usual ones."""

    def __init__(self, folder: Path, **settings):
        self.folder = folder
        self.settings = folder / "settings.json"
        self.settings.write_text(
            json.dumps(
                {
                    "socket": str(folder / "link.sock"),
                    "state": str(folder / "state"),
                    "images": str(folder / "images"),
                    "log_level": "debug",
                }
                | settings
            )
        )
        self.log = (folder / "log").open("a")
        self.run()

    def run(self):
        command = [sys.executable, "-m", "sessions.host", "--settings", str(self.settings)]
        self.process = subprocess.Popen(command, stderr=self.log)
        self.gateways = []

    def gateway(self):
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self.gateways.append(Gateway(self.folder / "link.sock"))
                return self.gateways[-1]
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < deadline
                assert self.process.poll() is None
                time.sleep(0.05)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        for gateway in self.gateways:
            gateway.socket.close()
        if self.process.poll() is None:
            self.kill()
        self.log.close()

    @property
    def folders(self):
        return [path.name for path in (self.folder / "state").iterdir() if path.is_dir()]
