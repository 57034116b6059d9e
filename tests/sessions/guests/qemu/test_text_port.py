"""The port that takes text: guests that do not read, and guests that say when they have typed."""

import socket

import pytest
from twisted.internet.testing import MemoryReactorClock

from sessions.guests.qemu.text_port import CHARACTERS_A_LINE, MAX_UNSENT, TextPort


def test_a_guest_that_does_not_read_loses_text_and_not_the_port():
    ours, theirs = socket.socketpair()
    with theirs:
        reactor = MemoryReactorClock()
        port = TextPort(reactor, ours)
        port.listens(True)
        for _ in range(1000):
            port.type("x" * 4096)
        reactor.advance(1)
        assert port.ready
        assert port._link.unsent < 2 * MAX_UNSENT
        port.close()


@pytest.fixture
def port():
    ours, theirs = socket.socketpair()
    with theirs:
        made = TextPort(MemoryReactorClock(), ours)
        made.guest = theirs
        yield made
        made.close()


def says(port, data):
    port.guest.sendall(data)
    port._link.doRead()


def test_a_guest_that_answers_is_waited_for(port):
    port.listens(True)
    assert port.guest.recv(99) == b"\n"
    assert not port.busy
    says(port, b"\n")
    port.type("x" * (CHARACTERS_A_LINE + 1))
    assert port.guest.recv(9999).count(b"\n") == 2
    assert port.busy
    says(port, b"\n")
    assert port.busy
    says(port, b"\n")
    assert not port.busy
    says(port, b"\n" * 100)
    port.type("y")
    assert port.busy


def test_a_guest_that_never_answers_is_not(port):
    port.listens(True)
    port.type("x")
    says(port, b"whatever")
    assert not port.busy


def test_what_listens_anew_is_asked_anew(port):
    port.listens(True)
    says(port, b"\n")
    port.type("x")
    port.listens(False)
    assert not port.busy
    port.listens(True)
    assert not port.busy
