"""The software was updated while session hosts ran: the gateway meets one of another version."""

import json
import os
import subprocess
import sys

import pytest
import pytest_twisted
from twisted.logger import eventAsText, globalLogPublisher

from tests.sessions.host.process import SECONDS, Gateway, listens
from tests.tsgateway.support import World, until
from tsgateway.hosts import supervisor
from tsgateway.hosts.place import host_place

NEW = (sys.executable, "-m", "sessions.host")
OLD = (
    sys.executable,
    "-c",
    "import sessions.wire.link as link; link.VERSION = 0; from sessions.host.__main__ import main; main()",
)
STUBBORN = (
    sys.executable,
    "-c",
    "import sessions.wire.link as link; link.VERSION = 0; from sessions.host.server import HostLink;"
    "del HostLink._METHODS['quit']; from sessions.host.__main__ import main; main()",
)
DESKTOPS = {"card": {"title": "Test card", "kind": "testcard", "groups": ["users"]}}


class Older:
    """The session host that an older gateway has left running, with a session of ada's."""

    def __init__(self, world, command, number=0):
        layout = world.gateway.layout
        layout.prepare()
        place = host_place(world.config, layout, number, command)
        place.folder.mkdir()
        self.socket = place.socket
        settings = place.folder / "old.json"
        settings.write_text(json.dumps({"socket": str(place.socket), **place.settings}))
        log = place.folder / "old.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen([*command, "--settings", settings], stderr=output)

    async def begin(self):
        await until(lambda: listens(self.socket), "the older session host")
        gateway = Gateway(self.socket)
        assert gateway.ask("hello", version=0)["result"]["sessions"] == []
        started = gateway.start(desktop="card")
        assert "error" not in started
        gateway.socket.close()


@pytest.fixture
def world():
    return World(host_command=NEW, desktops=DESKTOPS)


@pytest.fixture
def said():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield lambda words: any(words in eventAsText(event) for event in events)
    globalLogPublisher.removeObserver(events.append)


@pytest.mark.parametrize("number", [0, 1])
@pytest_twisted.ensureDeferred
async def test_a_host_of_an_older_version_makes_room_and_its_sessions_go_on(said, number):
    world = World(host_command=NEW, desktops=DESKTOPS, hosts={"count": 2})
    older = Older(world, OLD, number)
    try:
        await older.begin()
        await world.start()
        assert older.process.wait(SECONDS) == 0
        found = world.gateway.sessions.find("ada", "card")
        assert (found.info["session"], found.host.number) == ("a" * 32, number)
        ada = await world.sign_in()
        assert (await ada.ticket("card"))[0] == "a" * 32
        assert said("is of another version and is asked to leave")
        assert not said("is gone")
        assert not said("ended with status")
    finally:
        older.process.kill()
        older.process.wait()
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_one_that_does_not_leave_keeps_its_socket_and_is_told_of(world, said, monkeypatch):
    monkeypatch.setattr(supervisor, "BACK_OFF", (0.05,))
    older = Older(world, STUBBORN)
    try:
        await older.begin()
        address = os.stat(older.socket).st_ino
        await world.gateway.start()
        await until(lambda: said("of another version and does not leave"), "a word of it")
        assert said(str(world.gateway.layout.host(0) / "guests" / "lock"))
        assert os.stat(older.socket).st_ino == address
        assert older.process.poll() is None
        assert not world.hosts[0].up
        older.process.kill()  # as the operator does who has read it
        older.process.wait()
        await world.host_up()
        assert world.gateway.sessions.find("ada", "card").info["session"] == "a" * 32
    finally:
        older.process.kill()
        older.process.wait()
        await world.stop()
