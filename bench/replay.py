"""Serve a trace as a VNC server (RFC 6143, raw, no authentication) and time the input that arrives.

    python -m bench.replay TRACE FPS [ROUNDS]   prints one line of JSON a happening:
        {"port": n}             listening
        {"frame": n, "began": t, "at": t}   frame n was handed to the socket between these monotonic times
        {"key": keysym, "at": t}
        {"done": seconds}

Frames are sent in order, none is left out: the next when its time has come and the client has asked. With
ROUNDS the trace goes to and fro so many times.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.traces import HEIGHT, WIDTH, load, updates

_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_LENGTHS = {0: 19, 3: 9, 4: 7, 5: 5}


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def messages(trace: Path, rounds: int = 0) -> list[bytes]:
    whole = []
    frames = load(trace)
    if rounds:
        frames += frames[-2:0:-1]
    for update in updates(frames):
        parts = [struct.pack(">BxH", 0, len(update))]
        for frame, rect in update:
            parts.append(struct.pack(">HHHHi", *rect, 0))
            parts.append(np.ascontiguousarray(frame[rect.part]).tobytes())
        whole.append(b"".join(parts))
    return whole[:1] + whole[1:] * max(rounds, 1)


def exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = client.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def listen(client: socket.socket, asked: threading.Semaphore) -> None:
    try:
        while True:
            kind = exactly(client, 1)[0]
            if kind == 2:
                exactly(client, 4 * struct.unpack(">xH", exactly(client, 3))[0])
            elif kind == 6:
                exactly(client, struct.unpack(">xxxI", exactly(client, 7))[0])
            else:
                body = exactly(client, _LENGTHS[kind])
                if kind == 3:
                    asked.release()
                elif kind == 4 and body[0]:
                    tell(key=struct.unpack(">I", body[3:])[0], at=time.monotonic())
    except (EOFError, OSError):
        asked.release()


def welcome(server: socket.socket) -> socket.socket:
    """Accept one client and shake hands."""
    client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(b"RFB 003.008\n")
    exactly(client, 12)
    client.sendall(b"\x01\x01")
    exactly(client, 1)
    client.sendall(bytes(4))
    exactly(client, 1)
    client.sendall(struct.pack(">HH", WIDTH, HEIGHT) + _FORMAT + struct.pack(">I", 5) + b"trace")
    return client


def serve(trace: Path, fps: float, rounds: int) -> None:
    replay = messages(trace, rounds)
    server = socket.create_server(("127.0.0.1", 0))
    tell(port=server.getsockname()[1])
    client = welcome(server)
    asked = threading.Semaphore(0)
    threading.Thread(target=listen, args=(client, asked), daemon=True).start()
    sys.stdin.readline()  # the bench says when its viewer is there
    start = time.monotonic()
    for number, message in enumerate(replay):
        asked.acquire()
        time.sleep(max(0.0, start + number / fps - time.monotonic()))
        began = time.monotonic()
        client.sendall(message)
        tell(frame=number, began=began, at=time.monotonic())
    tell(done=round(time.monotonic() - start, 3))
    sys.stdin.readline()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
