"""Guests that stand ready for sessions: how many, of which version, and what becomes of those that fail."""

import itertools
import json

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions.guests.base import GuestError
from sessions.host import spares
from sessions.host.registry import Registry, SessionRefused
from sessions.host.settings import Settings
from sessions.host.spare import Wish
from sessions.identity import Identity
from sessions.images.store import Image, ImageStore, describe
from sessions.pixels.geometry import Size
from sessions.wire.tsg import SessionState
from tests.fakes import guests
from tests.sessions.host.process import at_once

SCREEN = Size(320, 200)


class World:
    """A session host's registry on a clock of the test's own; `again` is the next process."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock()
        self.told = 0
        self.begin()

    def begin(self):
        settings = Settings(
            socket=self.folder / "s", state=self.folder / "state", images=self.folder / "images"
        )
        self.registry = Registry(settings, self.clock, lambda session: None, at_once)
        self.registry.load_changed = self.count
        self.registry.adopt_all()

    def again(self):
        """The process was killed: nothing of it goes on. A new one begins."""
        self.clock = Clock()
        self.begin()

    def count(self):
        self.told += 1

    def wish(self, *wishes):
        self.registry.wish([Wish(desktop, spec, number) for desktop, spec, number in wishes])
        self.clock.advance(0)

    def start(self, name="a" * 32, desktop="office", spec=None):
        spec = {"kind": "obedient"} if spec is None else spec
        return self.registry.start(Identity(name, desktop, "ada", "Office", spec), SCREEN)

    def pool(self, desktop="office"):
        return next(pool for pool in self.registry.pools()["pools"] if pool["desktop"] == desktop)

    @property
    def folders(self):
        return {path.name for path in (self.folder / "state").iterdir()}

    @property
    def running(self):
        return len(list((self.folder / "state").glob("*/guest/running")))


@pytest.fixture
def world(tmp_path, monkeypatch):
    guests.install(monkeypatch)
    return World(tmp_path)


def wish(number, kind="obedient", desktop="office", **spec):
    return desktop, {"kind": kind, **spec}, number


# ---- as many as are wanted


def test_as_many_stand_ready_as_are_wanted(world):
    world.wish(wish(2), wish(1, desktop="lab"))
    assert world.registry.spares() == {"office": 2, "lab": 1}
    assert (world.running, len(world.folders)) == (3, 3)
    world.wish(wish(1))
    assert world.registry.spares() == {"office": 1}
    assert (world.running, len(world.folders)) == (1, 1)
    world.wish()
    assert world.registry.spares() == {}
    assert world.registry.pools() == {"pools": [], "left": 0}
    assert world.folders == set()


def test_whom_to_ask_is_known_for_sessions_and_for_those_that_wait(world, monkeypatch):
    monkeypatch.setattr(guests.ObedientGuest, "services", property(lambda guest: guest), raising=False)
    world.wish(wish(2))
    world.start()
    world.start("b" * 32, spec={"kind": "testcard"})  # nobody to ask in there
    asked = dict(world.registry.services())
    assert set(asked.values()) == set(guests.made)
    assert "a" * 32 in asked
    assert len(asked) == 2  # one has a session, the other waits
    world.again()
    assert set(dict(world.registry.services())) == set(asked)


def test_they_start_one_after_the_other(world):
    world.wish(wish(2, "slow"), wish(1, "slow", "lab"))
    assert [guest.log for guest in guests.made] == [["begin"]]
    guests.made[0].started.callback(None)
    assert [guest.log for guest in guests.made] == [["begin", "start"], ["begin"]]
    assert [guest.place.desktop for guest in guests.made] == ["office", "lab"]  # who has none comes first
    guests.made[1].started.callback(None)
    guests.made[2].started.callback(None)
    assert world.registry.spares() == {"office": 2, "lab": 1}


def test_a_session_gets_one_at_once_and_another_takes_its_place(world):
    world.wish(wish(1))
    [spare] = guests.made
    told = world.told
    session = world.start()
    assert session.state is SessionState.DISCONNECTED  # it runs, and nobody looks
    assert world.told > told
    assert world.registry.spares() == {}
    world.clock.advance(0)
    assert world.registry.spares() == {"office": 1}
    assert spare.log == ["start"]
    assert len(world.folders) == 2
    Deferred.fromCoroutine(session.end("Enough."))
    assert spare.log == ["start", "stop"]
    assert len(world.folders) == 1


def test_its_session_hears_of_its_end(world):
    world.wish(wish(1))
    session = world.start()
    guests.made[0].die("The guest was shut down.")
    assert session.state is SessionState.ENDED
    assert session.info()["text"] == "The guest was shut down."
    world.clock.advance(0)
    assert world.pool()["ready"] == 1


@pytest.mark.parametrize(("desktop", "spec"), [
    ("lab", {"kind": "obedient"}), ("office", {"kind": "obedient", "fps": 1}),
])  # fmt: skip
def test_a_session_of_another_desktop_or_of_other_settings_gets_none(world, desktop, spec):
    world.wish(wish(1))
    world.start(desktop=desktop, spec=spec)
    assert world.registry.spares() == {"office": 1}
    assert guests.made[0].log == ["start"]
    assert guests.made[1].place.user == "ada"


def test_other_settings_want_other_guests(world):
    world.wish(wish(2))
    world.wish(wish(2, fps=1))
    assert [guest.log for guest in guests.made] == [
        ["start", "stop"],
        ["start", "stop"],
        ["start"],
        ["start"],
    ]
    assert len(world.folders) == 2


def test_one_that_is_starting_is_called_off_when_it_is_not_wanted_any_more(world):
    world.wish(wish(1, "slow"))
    world.wish()
    [guest] = guests.made
    assert guest.log == ["begin", "stopping"]
    assert world.registry.pools()["left"] == 1
    guest.stopped.callback(None)
    assert world.registry.pools()["left"] == 0
    assert world.folders == set()


# ---- template versions


def build(world, version):
    with ImageStore(world.folder / "images").writing("one") as folder:
        (folder / "vmlinux").touch()
        kernel = folder / "vmlinux"
        describe(
            folder,
            Image(name="one", folder=folder, kind="tiny", version=version, memory_mb=64, kernel=kernel),
        )


def test_spares_of_an_old_image_are_replaced(world):
    build(world, "1")
    world.wish(wish(1, template="one"))
    build(world, "2")
    world.clock.advance(spares.LOOK_EVERY)
    assert [guest.log for guest in guests.made] == [["start", "stop"], ["start"]]
    assert world.registry.spares() == {"office": 1}


def test_nobody_gets_one_of_an_old_image(world):
    build(world, "1")
    world.wish(wish(1, template="one"))
    build(world, "2")
    world.start(spec={"kind": "obedient", "template": "one"})
    assert guests.made[-1].place.user == "ada"
    world.clock.advance(spares.LOOK_EVERY)
    assert guests.made[0].log == ["start", "stop"]


def test_a_new_image_is_tried_at_once_whatever_failed_before(world):
    build(world, "1")
    world.wish(wish(1, "failing", template="one"))
    for _ in range(100):
        world.clock.advance(100)
    tried = len(guests.made)
    world.clock.advance(spares.LOOK_EVERY)
    assert len(guests.made) == tried
    build(world, "2")
    world.clock.advance(spares.LOOK_EVERY)
    assert len(guests.made) == tried + 1
    assert world.pool()["trouble"] == ""


# ---- failures


@pytest.mark.parametrize("kind", ["failing", "broken", "dying"])
def test_what_never_works_is_tried_ever_more_rarely_and_leaves_nothing(world, kind):
    world.wish(wish(3, kind))
    moments = []
    for _ in range(4 * 3600):
        before = len(guests.made)
        world.clock.advance(1)
        if len(guests.made) > before:
            moments.append(world.clock.seconds())
        assert len(world.folders) <= 3
    waits = [later - sooner for sooner, later in itertools.pairwise(moments)]
    assert all(later >= sooner - 2 for sooner, later in itertools.pairwise(waits)), waits
    assert waits[-1] >= spares.BACK_OFF[-1]
    assert len(guests.made) < 60
    assert world.running == 0
    assert world.folders == set()
    assert "in a row" in world.pool()["trouble"]


def test_trouble_says_why_and_goes_once_all_is_well(world, monkeypatch):
    world.wish(wish(1, "failing"))
    assert world.pool()["trouble"] == ""
    world.clock.pump([1] * 15)
    assert world.pool()["trouble"] == "The guest's disk could not be made. (3 failures in a row)"
    monkeypatch.setitem(guests.KINDS, "failing", guests.ObedientGuest)
    world.clock.pump([1] * 60)
    assert world.pool()["ready"] == 1
    assert world.pool()["trouble"] != ""  # who knows how long
    world.clock.advance(spares.STEADY_SECONDS)
    assert world.pool()["trouble"] == ""


def test_one_pool_that_fails_does_not_hold_up_another(world):
    world.wish(wish(1, "failing"), wish(1, "never", "cellar"), wish(2, desktop="lab"))
    world.clock.pump([10] * 400)
    assert world.registry.spares() == {"lab": 2}
    assert "did not start within" in world.pool("cellar")["trouble"] or world.pool("cellar")["starting"]


def test_one_that_never_starts_is_given_up(world):
    world.wish(wish(1, "never"))
    world.clock.advance(spares.START_SECONDS)
    assert guests.made[0].log == ["start", "stop"]
    assert world.folders == set()
    world.clock.advance(spares.BACK_OFF[0])
    assert len(guests.made) == 2


def test_the_next_is_not_tried_before_the_last_is_gone(world):
    world.wish(wish(1, "slow"))
    [guest] = guests.made
    guest.started.errback(GuestError("It does not start."))
    world.clock.pump([60] * 60)
    assert [made.log for made in guests.made] == [["begin", "stopping"]]
    guest.stopped.callback(None)
    world.clock.advance(0)
    assert len(guests.made) == 2


def test_a_spare_that_dies_is_replaced(world):
    world.wish(wish(1))
    world.clock.advance(spares.STEADY_SECONDS)
    guests.made[0].die()
    assert world.registry.spares() == {}
    world.clock.pump([1] * 5)
    assert world.registry.spares() == {"office": 1}
    assert (world.running, len(world.folders)) == (1, 1)


def test_none_is_started_while_memory_is_short(world, monkeypatch):
    free = [spares.LOW_MEMORY - 1]
    monkeypatch.setattr(spares, "memory_free", lambda: free[0])
    world.wish(wish(2))
    world.clock.pump([spares.LOOK_EVERY] * 3)
    assert guests.made == []
    assert world.pool()["trouble"].startswith("Too little memory is free")
    free[0] = spares.LOW_MEMORY
    world.clock.advance(spares.LOOK_EVERY)
    assert (world.pool()["ready"], world.pool()["trouble"]) == (2, "")
    free[0] = 0  # not known: that keeps nobody
    world.wish(wish(3))
    assert world.pool()["ready"] == 3


def test_no_room_for_a_spares_folder(world, monkeypatch):
    """The disk is full: said, tried again later, and nothing half written stays."""

    def full(self, folder):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sessions.host.spare.Kept.write", full)
        world.wish(wish(1))
        world.clock.pump([1] * 60)
        assert world.folders == set()
        assert world.pool()["trouble"].startswith(
            "The guest's folder cannot be written: No space left on device."
        )
        assert guests.made == []
    world.clock.advance(spares.BACK_OFF[-1])
    assert world.registry.spares() == {"office": 1}


def test_no_room_for_the_session_that_gets_one(world, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    world.wish(wish(1))
    with monkeypatch.context() as patch:
        patch.setattr("sessions.host.registry.write_whole", full)
        with pytest.raises(SessionRefused, match="No space left"):
            world.start()
    assert guests.made[0].log == ["start", "stop"]
    world.clock.advance(0)
    assert (world.running, len(world.folders)) == (1, 1)


# ---- the next process


def test_spares_are_found_again_after_the_host_was_killed(world):
    world.wish(wish(2))
    names = world.folders
    world.again()
    assert world.folders == names
    assert world.registry.pools() == {"pools": [], "left": 2}
    world.wish(wish(2))
    assert world.registry.spares() == {"office": 2}
    assert [guest.log for guest in guests.made] == [["start"], ["start"], ["adopt"], ["adopt"]]
    session = world.start()
    assert session.state is SessionState.DISCONNECTED
    assert len(world.folders & names) == 2


def test_found_ones_that_are_not_wanted_are_ended(world):
    world.wish(wish(2), wish(1, desktop="lab"))
    world.again()
    world.wish(wish(1, fps=1))
    assert world.registry.spares() == {"office": 1}
    assert (world.running, len(world.folders)) == (1, 1)


def test_one_that_had_not_started_when_the_host_was_killed_is_ended(world):
    world.wish(wish(1, "slow"))
    (guests.made[0].place.folder / "running").write_text("half way")
    world.again()
    assert guests.made[1].log == ["adopt", "stopping"]
    guests.made[1].stopped.callback(None)
    assert world.folders == set()


def test_one_whose_guest_is_gone_is_forgotten(world):
    world.wish(wish(1))
    (guests.made[0].place.folder / "running").unlink()
    world.again()
    assert world.folders == set()


def test_a_session_that_got_a_spare_is_found_as_a_session(world):
    world.wish(wish(1))
    world.start()
    world.wish()
    world.again()
    assert [session.identity.user for session in world.registry] == ["ada"]
    assert world.registry.pools()["left"] == 0
    Deferred.fromCoroutine(world.registry["a" * 32].end("Enough."))
    assert world.folders == set()


def test_killed_between_the_two_steps_of_giving_one_away(world):
    """Both files are there: it is the session's."""
    world.wish(wish(1))
    [name] = world.folders
    kept = (world.folder / "state" / name / "spare.json").read_text()
    world.start()
    world.wish()
    (world.folder / "state" / name / "spare.json").write_text(kept)
    world.again()
    assert [session.identity.session for session in world.registry] == ["a" * 32]
    assert world.registry.pools()["left"] == 0


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"desktop": "office"}', "[" * 100_000, "null"])
def test_a_half_written_spare_is_removed_unless_a_guest_may_be_in_it(world, rubbish):
    world.wish(wish(2))
    one, other = sorted(world.folders)
    for name in (one, other):
        (world.folder / "state" / name / "spare.json").write_text(rubbish)
    (world.folder / "state" / one / "guest" / "running").unlink()
    world.again()
    assert world.folders == {other}


def test_a_host_that_leaves_keeps_what_is_ready_and_ends_what_is_starting(world):
    world.wish(wish(1), wish(1, "slow", "lab"))
    left = Deferred.fromCoroutine(world.registry.leave())
    assert guests.made[0].log == ["start", "detach"]
    assert guests.made[1].log == ["begin", "stopping"]
    assert not left.called
    guests.made[1].stopped.callback(None)
    assert left.called
    assert len(world.folders) == 1
    world.clock.pump([spares.LOOK_EVERY] * 10)
    assert len(guests.made) == 2


def test_spare_files_are_for_the_owner_only(world):
    """A spec may hold a password."""
    world.wish(wish(1))
    [name] = world.folders
    assert (world.folder / "state" / name).stat().st_mode & 0o077 == 0
    path = world.folder / "state" / name / "spare.json"
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text())["ready"] is True
