"""The guest agent's client, against agents that behave badly."""

import base64
import contextlib
import json
import tempfile
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from sessions.displays.sockets import connect_unix
from sessions.guests.base import Finished, GuestError, GuestInfo
from sessions.guests.qemu import agent as agents
from sessions.guests.qemu import state
from sessions.guests.qemu.agent import MAX_WAITING, Agent, AgentSilent
from sessions.wire.qga import MAX_LINE
from tests.sessions.guests.qemu.machine import open_files


def line(value):
    return json.dumps({"return": value}).encode() + b"\n"


class FakeAgent(Factory):
    """Listens in a guest's folder. answers: by command, what to say to its arguments; None: nothing."""

    def __init__(self, folder):
        self.answers = {"guest-ping": lambda _: line({})}
        self.before_sync = b""
        self.asked = []
        self.clients = []
        self.port = reactor.listenUNIX(str(folder / state.AGENT), self)

    def buildProtocol(self, address):
        client = Client()
        client.factory = self
        self.clients.append(client)
        return client

    async def close(self):
        await self.port.stopListening()
        for client in self.clients:
            client.transport.abortConnection()

    async def until(self, test):
        for _ in range(6000):
            if test():
                return
            await deferLater(reactor, 0.02)
        raise AssertionError("it never happened")


class Client(Protocol):
    def connectionMade(self):
        self.data = b""
        self.gone = False

    def connectionLost(self, reason):
        self.gone = True

    def dataReceived(self, data):
        *lines, self.data = (self.data + data).split(b"\n")
        for each in lines:
            request = json.loads(each.lstrip(b"\xff"))
            name, arguments = request["execute"], request.get("arguments", {})
            if name == "guest-sync-delimited":
                self.transport.write(self.factory.before_sync + b"\xff" + line(arguments["id"]))
                continue
            self.factory.asked.append(name)
            answer = self.factory.answers[name](arguments)
            if answer is not None:
                self.transport.write(answer)


@pytest.fixture
def folder():
    """A guest's folder, so near the root that a socket in it can be named."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest_twisted.async_yield_fixture
async def fake(folder):
    made = FakeAgent(folder)
    yield made
    await made.close()


@pytest.fixture
def agent(fake, folder):
    made = Agent(folder, reactor)
    yield made
    made.close()


def asking(agent, name="guest-ping", **options):
    return Deferred.fromCoroutine(agent.execute(name, **options))


@pytest_twisted.ensureDeferred
async def test_one_is_asked_at_a_time_and_all_are_answered(fake, agent):
    waiting = []

    def later(arguments):
        waiting.append(arguments)
        assert len(waiting) == 1
        reactor.callLater(0.01, answer)

    def answer():
        fake.clients[-1].transport.write(line(waiting.pop()))

    fake.answers["echo"] = later
    asked = [asking(agent, "echo", arguments={"n": n}) for n in range(MAX_WAITING)]
    assert await gatherResults(asked) == [{"n": n} for n in range(MAX_WAITING)]
    assert len(fake.clients) == 1


@pytest_twisted.ensureDeferred
async def test_more_than_may_wait_is_refused(fake, agent):
    fake.answers["slow"] = lambda _: None
    asked = [asking(agent, "slow") for _ in range(MAX_WAITING + 1)]
    with pytest.raises(GuestError, match="too much at once"):
        await agent.execute("slow")
    agent.close()
    for each in asked:
        with pytest.raises(GuestError):
            await each
    assert len(fake.clients) <= 1  # who waited has not knocked again


@pytest_twisted.ensureDeferred
async def test_a_late_answer_is_nobodys(fake, agent):
    fake.answers["slow"] = lambda _: None
    with pytest.raises(AgentSilent, match=r"did not answer within 0\.2 seconds"):
        await agent.execute("slow", seconds=0.2)
    fake.before_sync = b'rn": "half"}\n' + line("late") + b"\xff" + line(0) + line("later")
    assert await agent.execute("guest-ping") == {}
    assert len(fake.clients) == 2
    await fake.until(lambda: fake.clients[0].gone)


@pytest_twisted.ensureDeferred
async def test_a_refusal_costs_nothing_and_its_words_are_only_shown(fake, agent):
    refusal = {"error": {"class": "CommandNotFound", "desc": "no\n\x1b[31mway" + "y" * 999}}
    fake.answers["odd"] = lambda _: json.dumps(refusal).encode() + b"\n"
    with pytest.raises(GuestError, match="says no: no��") as caught:
        await agent.execute("odd")
    assert len(str(caught.value)) < 300
    assert await agent.execute("guest-ping") == {}
    assert len(fake.clients) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"rubbish\n", b"{}\n", b"[" * 50_000 + b"\n", b"\xff\xff\n", line(1) + line(2), line(1) + b"x",
        b'{"return": "' + b"x" * (MAX_LINE + 100),
    ],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_rubbish_ends_the_connection_and_the_next_one_is_sound(fake, agent, answer):
    fake.answers["odd"] = lambda _: answer
    with pytest.raises(GuestError, match=r"rubbish|more than is taken"):
        await agent.execute("odd")
    await fake.until(lambda: fake.clients[0].gone)
    assert await agent.execute("guest-ping") == {}
    assert len(fake.clients) == 2


@pytest_twisted.ensureDeferred
async def test_one_that_speaks_unasked_is_hung_up_on(fake, agent):
    await agent.execute("guest-ping")
    fake.clients[0].transport.write(b'{"return"')
    await fake.until(lambda: fake.clients[0].gone)
    assert await agent.execute("guest-ping") == {}


@pytest_twisted.ensureDeferred
async def test_one_that_goes_while_it_is_asked_is_said_to_be_gone(fake, agent):
    fake.answers["die"] = lambda _: fake.clients[-1].transport.abortConnection()
    with pytest.raises(AgentSilent, match="has gone before it answered"):
        await agent.execute("die")
    assert await agent.execute("guest-ping") == {}


@pytest_twisted.ensureDeferred
async def test_a_guest_without_an_agent_says_so_at_once(fake, agent, folder):
    agent.listens(False)
    with pytest.raises(GuestError, match="No agent runs in this guest"):
        await agent.info()
    assert fake.clients == []
    agent.listens(True)
    assert await agent.execute("guest-ping") == {}
    with pytest.raises(GuestError, match="cannot be reached"):
        await Agent(folder / "nowhere", reactor).execute("guest-ping")


@pytest_twisted.ensureDeferred
async def test_one_that_begins_to_listen_is_connected_to_and_let_go_of_at_the_end(fake, agent):
    agent.listens(True)
    await fake.until(lambda: fake.asked == ["guest-ping"])
    agent.listens(False)
    await fake.until(lambda: fake.clients[0].gone)


@pytest_twisted.ensureDeferred
async def test_who_asked_may_go_away(fake, agent):
    fake.answers["slow"] = lambda _: None
    asked, waits = asking(agent, "slow"), asking(agent)
    await fake.until(lambda: fake.asked)
    for each in (waits, asked):
        each.cancel()
        with pytest.raises(CancelledError):
            await each
    assert await agent.execute("guest-ping") == {}


@pytest_twisted.ensureDeferred
async def test_nothing_is_left_open_whatever_it_did(fake, folder):
    before = open_files()
    fake.answers |= {"silent": lambda _: None, "rubbish": lambda _: b"x\n", "long": lambda _: b"x" * MAX_LINE}
    for name in ("guest-ping", "silent", "rubbish", "long", "guest-ping") * 4:
        one = Agent(folder, reactor)
        with contextlib.suppress(GuestError):
            await one.execute(name, seconds=0.1)
        one.close()
    await fake.until(lambda: all(client.gone for client in fake.clients))
    assert open_files() == before


@pytest_twisted.ensureDeferred
async def test_one_that_goes_while_it_is_connected_to_is_let_go_of(fake, agent, monkeypatch):
    connecting = Deferred()

    async def connect_slowly(*arguments):
        connected = await connect_unix(*arguments)
        await connecting
        return connected

    monkeypatch.setattr(agents, "connect_unix", connect_slowly)
    asked = asking(agent)
    await fake.until(lambda: fake.clients)
    agent.close()
    connecting.callback(None)
    with pytest.raises(GuestError, match="No agent runs"):
        await asked
    await fake.until(lambda: fake.clients[0].gone)
    assert fake.asked == []


def program(*statuses):
    """Answers of an agent in which a program goes through these."""
    left = list(statuses)
    return {
        "guest-exec": lambda _: line({"pid": 12}),
        "guest-exec-status": lambda _: line(left.pop(0) if len(left) > 1 else left[0]),
    }


def b64(data):
    return base64.b64encode(data).decode()


@pytest_twisted.ensureDeferred
async def test_a_program_is_asked_for_until_it_has_ended(fake, agent):
    ended = {"exited": True, "exitcode": 3, "out-data": b64(b"out"), "err-data": b64(b"\0err")}
    fake.answers |= program({"exited": False}, {"exited": False}, ended)
    assert await agent.run(["true"]) == Finished(3, b"out", b"\0err")
    assert fake.asked == ["guest-exec", *["guest-exec-status"] * 3]
    fake.answers |= program({"exited": True, "signal": 9})
    assert await agent.run(["true"]) == Finished(-9, b"", b"")


@pytest_twisted.ensureDeferred
async def test_a_program_that_does_not_end_is_left_alone_and_told(fake, agent):
    fake.answers |= program({"exited": False})
    with pytest.raises(GuestError, match=r"“sleep” has not ended within 0\.2 seconds; it goes on .* 12"):
        await agent.run(["sleep", "9"], seconds=0.2)


@pytest.mark.parametrize(
    "status",
    [
        {"exited": True, "exitcode": 0, "out-data": b64(b"x" * 101)},
        {"exited": True, "exitcode": 0, "err-data": b64(b"x" * 500)},
        {"exited": True, "exitcode": 0, "out-data": "", "out-truncated": True},
    ],
)
@pytest_twisted.ensureDeferred
async def test_more_output_than_is_wanted_is_refused(fake, agent, status):
    fake.answers |= program(status)
    with pytest.raises(GuestError, match="more than 100 bytes"):
        await agent.run(["yes"], limit=100)


@pytest_twisted.ensureDeferred
async def test_what_an_old_agent_cannot_tell_is_left_out(fake, agent):
    no = b'{"error": {"class": "CommandNotFound", "desc": "no"}}\n'
    for name in ("guest-get-osinfo", "guest-get-host-name", "guest-network-get-interfaces", "guest-get-time"):
        fake.answers[name] = lambda _: no
    fake.answers["guest-info"] = lambda _: line({"version": "1.1"})
    assert await agent.info() == GuestInfo("", "", "", (), "1.1", 0.0)


@pytest_twisted.ensureDeferred
async def test_no_answer_to_a_shutdown_is_a_good_one(fake, agent):
    fake.answers["guest-shutdown"] = lambda arguments: None
    await agent.shut_down()
    assert fake.asked == ["guest-ping", "guest-shutdown"]
    fake.answers["guest-shutdown"] = lambda _: b'{"error": {"class": "x", "desc": "not now"}}\n'
    with pytest.raises(GuestError, match="not now"):
        await agent.shut_down()
    fake.answers["guest-ping"] = lambda _: fake.clients[-1].transport.abortConnection()
    with pytest.raises(AgentSilent):
        await agent.shut_down()
