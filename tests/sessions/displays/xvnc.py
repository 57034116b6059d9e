"""A real Xvnc for tests, and what its X server says it shows."""

import os
import signal
import struct
import subprocess

import numpy as np

from sessions.wire.rfb.handshake import answer

_FILE_KEY = bytes([23, 82, 107, 6, 35, 78, 88, 7])  # what all VNC servers veil their password files with


class Xvnc:
    """Xvnc on a Unix socket in `folder`, with no password unless one is given. options: further ones."""

    def __init__(self, folder, size=(640, 480), password=None, options=()):
        self.socket = str(folder / "vnc")
        security = ["-SecurityTypes", "None"]
        if password is not None:
            file = folder / "passwd"
            file.write_bytes(answer(_FILE_KEY, password.encode().ljust(8, b"\0")))
            security = ["-SecurityTypes", "VncAuth", "-PasswordFile", str(file)]
        read, write = os.pipe()
        command = ["Xvnc", "-displayfd", str(write), "-rfbunixpath", self.socket, "-rfbport", "-1"]
        command += ["-geometry", "{}x{}".format(*size), "-depth", "24", "-nolisten", "tcp", *security]
        command += options
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, pass_fds=[write], stdout=log, stderr=log)
        os.close(write)
        with os.fdopen(read) as number:
            self.display = ":" + number.readline().strip()
        if self.display == ":":
            raise RuntimeError((folder / "log").read_text())
        self.children = []

    def run(self, *command):
        """Start an X client."""
        environment = {**os.environ, "DISPLAY": self.display, "LC_ALL": "C.UTF-8"}
        null = subprocess.DEVNULL
        child = subprocess.Popen(command, env=environment, stdout=null, stderr=null)
        self.children.append(child)
        return child

    def ask(self, *command):
        """Run an X client to its end and return what it says."""
        environment = {**os.environ, "DISPLAY": self.display}
        return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120).stdout

    def screen(self):
        """Return what xwd sees of the root window: (height, width) of 0x00RRGGBB."""
        data = self.ask("xwd", "-root", "-silent")
        head = struct.unpack(">25I", data[:100])
        size, width, height, order, bits, stride, colours = (head[n] for n in (0, 4, 5, 7, 11, 12, 19))
        assert (order, bits) == (0, 32)
        rows = np.frombuffer(data, "<u4", offset=size + 12 * colours).reshape(height, stride // 4)
        return rows[:, :width] & 0xFFFFFF

    def kill(self):
        """End the server at once, and with it its clients."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(120)
