"""A desktop's clipboard without a guest: an X server, an agent beside it, the port between that and us."""

import os
import shutil
import socket
import subprocess
from collections import deque
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater

from sessions.clipboard.agent import AgentClipboard
from tests.sessions.displays.xvnc import Xvnc

PROGRAM = Path(__file__).resolve().parents[3] / "images/desktop/files/usr/lib/tsgateway/share-clipboard"
SECONDS = 60


async def until(condition, what="it"):
    """Wait until this is so."""
    for _ in range(SECONDS * 50):
        if found := condition():
            return found
        await deferLater(reactor, 0.02)
    raise AssertionError(f"{what} has not come within {SECONDS} s")


class Heard:
    """What a guest's clipboard tells (ClipboardEvents).

    contents: what is given to who wants something; refuses: nothing is.
    """

    def __init__(self):
        self.formats = frozenset()
        self.copies = deque()
        self.wants = []
        self.takes = 0
        self.contents = {}
        self.refuses = False
        self.clipboard = None

    def ready(self, formats):
        self.formats = formats

    def copied(self, formats):
        self.copies.append(formats)

    async def copy(self):
        """Wait for the formats of what was copied last."""
        return await until(lambda: next((each for each in self.copies if each), None), "what was copied")

    def wanted(self, format):
        self.wants.append(format)
        self.clipboard.provide(format, None if self.refuses else self.contents.get(format))

    def taken(self):
        self.takes += 1


class Programs:
    """What programs of an X server do with its clipboard. A base: xvnc, folder and heard are its heirs'."""

    async def copy(self, data, target="UTF8_STRING"):
        """Have a program copy this; returns the formats that we are told of."""
        self.heard.copies.clear()
        file = self.folder / "copied"
        file.write_bytes(data)
        self.xvnc.run("xclip", "-selection", "clipboard", "-t", target, "-i", str(file))
        return await until(
            lambda: next((each for each in self.heard.copies if each), None), "what was copied"
        )

    async def paste(self, target="UTF8_STRING"):
        """What a program gets that pastes."""
        out = self.folder / "pasted"
        child = self._pasting(target, out)
        try:
            await until(lambda: child.poll() is not None, "what is pasted")
        finally:
            child.kill()
            child.wait()
        return None if child.returncode else out.read_bytes()

    def _pasting(self, target, out):
        environment = {**os.environ, "DISPLAY": self.xvnc.display}
        command = ["xclip", "-selection", "clipboard", "-t", target, "-o"]
        with open(out, "wb") as file:
            return subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.DEVNULL)


class Desk(Programs):
    """An X server, and an agent that shares its clipboard. agent: "own" or "spice"."""

    def __init__(self, folder, agent, maximum=32 << 20):
        self.xvnc = Xvnc(folder)
        self.folder = folder
        self.port = str(folder / "port")
        self.programs = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.port)
        self._listening.listen(1)
        self.heard = Heard()
        self.clipboard = self.heard.clipboard = AgentClipboard(reactor, maximum)
        self.clipboard.follow(self.heard)
        if agent == "own":
            self._start("/usr/bin/python3", str(PROGRAM), self.port)
        else:
            vdagent, uinput = str(folder / "vdagent"), folder / "uinput"
            uinput.touch()
            fake = ["-f", "-u", str(uinput)]
            self._start("spice-vdagentd", "-x", "-X", *fake, "-s", self.port, "-S", vdagent)
            self._start("spice-vdagent", "-x", "-s", self.port, "-S", vdagent, "--display", self.xvnc.display)

    def _start(self, *command):
        environment = {**os.environ, "DISPLAY": self.xvnc.display, "LC_ALL": "C.UTF-8"}
        with open(self.folder / f"log-{Path(command[0]).name}", "wb") as log:
            path = f"{os.environ['PATH']}:/usr/sbin"
            program = shutil.which(command[0], path=path)
            self.programs.append(
                subprocess.Popen([program, *command[1:]], env=environment, stdout=log, stderr=log)
            )

    async def connect(self):
        """Wait for the agent, and begin."""
        self._listening.setblocking(False)
        connected = await until(self._accepted, "the agent")
        self.clipboard.connected(connected)
        self.clipboard.listens(True)
        await until(lambda: self.heard.formats, "what the agent can")

    def _accepted(self):
        try:
            return self._listening.accept()[0]
        except BlockingIOError:
            return None

    async def offer(self, contents):
        """Hold this for the guest, and wait until it knows."""
        self.heard.contents = contents
        before = self.heard.takes
        self.clipboard.offer(contents)
        await until(lambda: self.heard.takes > before, "that the guest knows")

    def stop(self):
        self.clipboard.disconnect()
        self._listening.close()
        for program in self.programs:
            program.kill()
            program.wait()
        self.xvnc.stop()
