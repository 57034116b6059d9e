"""Channels: who is told what, and that a fault in one stays there."""

from dataclasses import dataclass

import pytest

from sessions.channels import EVERYTHING, NOTHING, Channels
from sessions.wire import tsg
from sessions.wire.tsg import Capability


@dataclass
class Recorder:
    """A channel that writes down what it is told; `broken`: and fails at it."""

    takes: frozenset
    capability: Capability
    needs: str
    broken: bool = False

    def __post_init__(self):
        self.heard = []

    def offers(self, allowed):
        return [self.capability] if self.needs in allowed else []

    def __getattr__(self, name):
        if name not in ("opened", "closed", "joined", "left", "received"):
            raise AttributeError(name)

        def note(*arguments):
            self.heard.append((name, *arguments))
            if self.broken:
                raise RuntimeError("a test")

        return note


@pytest.fixture
def kinds():
    return (
        Recorder(frozenset({tsg.Stay}), Capability.TEXT, "files", broken=True),
        Recorder(frozenset({tsg.Refresh}), Capability.RESIZE, "audio"),
    )


def test_all_hear_of_guest_and_viewers_whoever_fails(kinds):
    channels = Channels("s1", kinds)
    channels.opened()
    channels.joined(7, "viewer")
    channels.left(7)
    channels.closed()
    for kind in kinds:
        assert kind.heard == [("opened",), ("joined", 7, "viewer"), ("left", 7), ("closed",)]


def test_who_never_joined_never_leaves_and_is_not_heard(kinds):
    channels = Channels("s1", kinds)
    channels.left(7)
    assert channels.received(7, "viewer", tsg.Refresh())
    assert kinds[1].heard == []


def test_a_message_goes_to_the_one_that_takes_it(kinds):
    channels = Channels("s1", kinds)
    channels.joined(7, "viewer")
    assert channels.received(7, "viewer", tsg.Refresh())
    assert kinds[1].heard[-1] == ("received", 7, "viewer", tsg.Refresh())
    assert not channels.received(7, "viewer", tsg.ReleaseKeys())
    with pytest.raises(RuntimeError):  # which costs the viewer
        channels.received(7, "viewer", tsg.Stay())


def test_capabilities_are_told_by_what_is_allowed(kinds):
    channels = Channels("s1", kinds)
    assert channels.capabilities == {Capability.TEXT, Capability.RESIZE} == channels.offers(EVERYTHING)
    assert channels.offers(frozenset({"audio"})) == {Capability.RESIZE}
    assert channels.offers(NOTHING) == set()
