"""What guests of one kind share within a session host: opened before them, let go of after them."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions import plugins
from sessions.guests import testcard
from sessions.host.registry import Registry
from sessions.host.settings import Settings
from sessions.identity import Identity
from sessions.pixels.geometry import Size
from tests.sessions.host.process import CARD, at_once

ID, OTHER = "a" * 32, "b" * 32


class Rooms:
    def __init__(self, site):
        self.site = site
        self.said = []
        self.free = {"d": 3}

    def adopt(self):
        self.said.append("adopt")

    def seats(self):
        return self.free

    def end_unused(self):
        self.said.append("end unused")

    async def leave(self):
        self.said.append("leave")


class Lodger(testcard.TestcardGuest):
    """A guest that lives in a house."""

    opened: list[Rooms]

    def __init__(self, spec, place):
        super().__init__(spec, place)
        self.house = place.house

    @classmethod
    def open_house(cls, site):
        cls.opened.append(Rooms(site))
        return cls.opened[-1]

    async def adopt(self):
        self.house.said.append("guest adopted")

    async def detach(self):
        self.house.said.append("guest left")
        await super().detach()


@pytest.fixture
def make(tmp_path, monkeypatch):
    load = plugins.load
    monkeypatch.setattr(plugins, "load", lambda kind, name: Lodger if kind == "guest" else load(kind, name))
    Lodger.opened = []
    settings = Settings(
        socket=tmp_path / "s",
        state=tmp_path / "state",
        images=tmp_path / "images",
        guests={"testcard": {"a": 1}},
    )
    return lambda: Registry(settings, Clock(), lambda session: None, at_once)


def start(registry, session):
    return registry.start(Identity(session, "d", "ada", "Card", CARD), Size(320, 200))


def test_guests_of_a_kind_share_one_house(make, tmp_path):
    registry = make()
    assert registry.seats() == {}
    guests = [start(registry, session)._guest for session in (ID, OTHER)]
    (house,) = Lodger.opened
    assert [guest.house for guest in guests] == [house, house]
    assert house.site.folder == tmp_path / "state" / "houses" / "testcard"
    assert house.site.settings == {"a": 1}
    assert registry.seats() == {"d": 3}


def test_a_house_tells_that_it_has_room(make):
    registry = make()
    start(registry, ID)
    told = []
    registry.load_changed = lambda: told.append(registry.seats())
    Lodger.opened[0].free = {"d": 2}
    Lodger.opened[0].site.changed()
    assert told == [{"d": 2}]


def test_a_house_is_found_again_before_its_guests_and_left_after_them(make, tmp_path):
    start(make(), ID)
    (tmp_path / "state" / "houses" / "testcard").mkdir(parents=True)
    later = make()
    later.adopt_all()
    Deferred.fromCoroutine(later.leave())
    assert Lodger.opened[-1].said == ["adopt", "guest adopted", "guest left", "leave"]


def test_what_nobody_uses_is_ended_when_a_gateway_says_so(make):
    registry = make()
    start(registry, ID)
    registry.end_unused()
    assert Lodger.opened[0].said == ["end unused"]


def test_a_house_without_guests_is_found_again(make, tmp_path):
    """A machine that nobody uses must be ended by somebody."""
    (tmp_path / "state" / "houses" / "testcard").mkdir(parents=True)
    make().adopt_all()
    assert Lodger.opened[0].said == ["adopt"]


def test_a_house_of_a_kind_that_is_not_there_any_more_is_left_alone(make, tmp_path, monkeypatch):
    def missing(kind, name):
        raise plugins.PluginError("it does not load")

    monkeypatch.setattr(plugins, "load", missing)
    folder = tmp_path / "state" / "houses" / "gone"
    folder.mkdir(parents=True)
    registry = make()
    registry.adopt_all()
    assert registry.seats() == {}
    assert folder.exists()
