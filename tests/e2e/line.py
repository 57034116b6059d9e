"""A network between browser and gateway that can be cut, and be slow."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class Line:
    """Carries connections from a free loopback port to another port of this machine.

    rate: bytes a second that each connection carries to the browser; None for as fast as it goes.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.to = 0
        self._is_cut = False
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        with self._lock:
            self._is_cut = True
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Carry connections again."""
        self._is_cut = False

    def stop(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    if self._is_cut:
                        near.close()
                        far.close()
                        continue
                    self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2048 if self.rate else 65536):
                if self.rate:
                    time.sleep(len(data) / self.rate)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
