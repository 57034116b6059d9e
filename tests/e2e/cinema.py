"""A desktop that shows a film: a VNC server (RFC 6143) on a Unix socket."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path

import numpy as np

from sessions.pixels.geometry import Rect, Size
from tests.sessions.pixels.pictures import text
from tests.sessions.test_videos import film
from tests.sessions.wire import rfb_server

FPS = 30
_LENGTHS = {0: 19, 3: 9, 4: 7, 5: 5}  # of messages of one length, without their type
_ASKS = 3


class Cinema:
    """Text all over, and a film in `player` for as long as `playing` is set.

    pixels: what is on the screen, (height, width) of 0x00RRGGBB. shown: pictures of the film that were.
    """

    def __init__(self, path: Path, size: Size, player: Rect) -> None:
        self.pixels = text(size, 12, seed=3) & 0xFFFFFF
        self.path = path
        self.player = player
        self.shown = 0
        self.playing = threading.Event()
        self.picture = film(Size(player.width, player.height))
        self._asked = threading.Semaphore(0)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        height, width = self.pixels.shape
        with contextlib.suppress(OSError), client, client.makefile("rb") as heard:
            client.sendall(rfb_server.hello(width, height))
            heard.read(12 + 1 + 1)
            threading.Thread(target=self._listen, args=(heard,), daemon=True).start()
            self._asked.acquire()
            client.sendall(self._update(Rect(0, 0, width, height)))
            while True:
                self.playing.wait()
                self._asked.acquire()
                picture = self.picture(self.shown) & 0xFFFFFF
                self.pixels[self.player.part] = picture
                client.sendall(self._update(self.player))
                self.shown += 1
                time.sleep(1 / FPS)

    def _listen(self, heard: socket.SocketIO) -> None:
        with contextlib.suppress(OSError, ValueError):
            while kind := heard.read(1):
                if kind[0] == 2:
                    heard.read(4 * struct.unpack(">xH", heard.read(3))[0])
                else:
                    heard.read(_LENGTHS[kind[0]])
                if kind[0] == _ASKS:
                    self._asked.release()

    def _update(self, rect: Rect) -> bytes:
        data = np.ascontiguousarray(self.pixels[rect.part]).tobytes()
        return rfb_server.update(rfb_server.raw(*rect, data))
