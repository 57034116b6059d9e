"""The port that takes text, with a guest that does not read."""

import socket

from twisted.internet.testing import MemoryReactorClock

from sessions.guests.qemu.text_port import MAX_UNSENT, TextPort


def test_a_guest_that_does_not_read_loses_text_and_not_the_port():
    ours, theirs = socket.socketpair()
    with theirs:
        reactor = MemoryReactorClock()
        port = TextPort(reactor, ours)
        port.listening = True
        for _ in range(1000):
            port.type("x" * 4096)
        reactor.advance(1)
        assert port.ready
        assert port._link.unsent < 2 * MAX_UNSENT
        port.close()
