"""How the agent in a guest is met, played by hand at the other end of the port."""

import contextlib
import socket

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from sessions.clipboard import agent
from sessions.wire import vdagent
from tests.sessions.clipboard.desk import Heard, until


@pytest_twisted.ensureDeferred
async def test_an_agent_that_missed_the_greeting_is_greeted_again(monkeypatch):
    monkeypatch.setattr(agent, "GREET_SECONDS", 0.05)
    ours, guest = socket.socketpair()
    guest.setblocking(False)
    heard = Heard()
    clipboard = agent.AgentClipboard(reactor)
    clipboard.follow(heard)
    clipboard.connected(ours)
    clipboard.listens(True)
    greeting = vdagent.announce(request=True)
    said = bytearray()

    def hear():
        with contextlib.suppress(BlockingIOError):
            said.extend(guest.recv(1 << 16))
        return said.count(greeting)

    await until(lambda: hear() > 2, "more than one greeting")
    clipboard.listens(False)
    before = hear()
    await deferLater(reactor, 0.3)
    assert hear() == before, "nobody is there who could answer"
    clipboard.disconnect()
    guest.close()
