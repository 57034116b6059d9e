"""Asking a session host from a command: one that talks of other things has not answered."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.wire.link import Kind, LinkReader, encode
from tsgateway.hosts.asking import AskedHost
from tsgateway.hosts.link import HostError, HostRefused

EVENT = encode(Kind.EVENT, 0, {"event": "load", "params": {}})


class Talker(threading.Thread):
    """A host that answers `hello` and refuses `no`; else it only goes on telling of its load."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__()
        self.listening = listening

    def run(self) -> None:
        with self.listening.accept()[0] as connected, contextlib.suppress(OSError):
            connected.settimeout(0.01)
            reader = LinkReader()
            while True:
                with contextlib.suppress(TimeoutError):
                    data = connected.recv(65536)
                    if not data:
                        return
                    for message in reader.receive(data):
                        self.answer(connected, message.body)
                connected.sendall(EVENT)

    def answer(self, connected: socket.socket, request: dict) -> None:
        answers = {"hello": {"result": {"sessions": [], "pid": 1}}, "no": {"error": "No."}}
        if request["method"] in answers:
            connected.sendall(encode(Kind.REPLY, 0, {"id": request["id"], **answers[request["method"]]}))


@pytest.fixture
def host() -> Iterator[AskedHost]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder) / "link"
        listening.bind(str(path))
        listening.listen()
        talker = Talker(listening)
        talker.start()
        asked = AskedHost(0, path)
        try:
            yield asked
        finally:
            asked.close()
            talker.join()


def test_a_host_that_talks_of_other_things_has_not_answered(host: AskedHost) -> None:
    with pytest.raises(HostError, match="does not answer: timed out"):
        host.ask("guest", {}, within=0.3)
    with pytest.raises(HostRefused, match="No"):
        host.ask("no", {})
