"""The clipboard's channel between viewers and a guest that does what the test says."""

import pytest
from twisted.internet.defer import Deferred

from sessions.channels import EVERYTHING, NOTHING
from sessions.clipboard.base import ClipboardError, TooLarge
from sessions.clipboard.channel import AT_ONCE, ClipboardChannel
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from sessions.wire.tsg import CLIPBOARD_PIECE, CLIPBOARD_WINDOW, Capability, ClipboardPart, ClipboardReason
from sessions.wire.tsg import ClipboardFormat as Format

MAXIMUM = 2 << 20
ALL = frozenset(Format)
TEXT = b"hello " * 1000


class Guest:
    """A guest's clipboard that writes down what it is told."""

    def __init__(self):
        self.maximum = 0
        self.events = None
        self.offered = []
        self.provided = []
        self.fetches = []

    def follow(self, events):
        self.events = events

    def offer(self, formats):
        self.offered.append(tuple(formats))

    def provide(self, format, data):
        self.provided.append((format, data))

    def fetch(self, format):
        self.fetches.append((format, Deferred()))
        return self.fetches[-1][1]


class Viewer:
    def __init__(self, allowed=EVERYTHING, capabilities=(Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT)):
        self.allowed = allowed
        self.capabilities = frozenset(capabilities)
        self.told = []

    def tell(self, message):
        self.told.append(tsg.decode(message.encode(), tsg.FROM_SERVER))

    def take(self, kind):
        """What it was told of this kind since last asked."""
        found = [message for message in self.told if isinstance(message, kind)]
        self.told = [message for message in self.told if not isinstance(message, kind)]
        return found


class Room:
    """A channel, its guest and viewers."""

    def __init__(self):
        self.guest = Guest()
        self.channel = ClipboardChannel(self.guest, MAXIMUM)
        self.channel.opened()
        self.guest.events.ready(ALL)
        self.viewers = {}

    def join(self, number, **how):
        viewer = self.viewers[number] = Viewer(**how)
        self.channel.joined(number, viewer)
        return viewer

    def say(self, number, message):
        self.channel.received(number, self.viewers[number], tsg.decode(message.encode(), tsg.FROM_VIEWER))

    def send(self, number, id, format, data):
        """What a viewer does that is asked for a content."""
        for at in range(0, len(data) or 1, CLIPBOARD_PIECE):
            piece = data[at : at + CLIPBOARD_PIECE]
            self.say(number, tsg.ClipboardData(id, format, len(data), piece))

    def collect(self, viewer, number, id, format):
        """What a viewer gets that acknowledges all it is sent."""
        data = b""
        while pieces := viewer.take(tsg.ClipboardData):
            assert sum(len(piece.data) for piece in pieces) <= CLIPBOARD_WINDOW + CLIPBOARD_PIECE
            for piece in pieces:
                assert (piece.id, piece.format) == (id, format)
                data += piece.data
                self.say(number, tsg.ClipboardAck(id, format, len(data)))
        assert len(data) == piece.size
        return data


@pytest.fixture
def room():
    return Room()


def parts(**sizes):
    return tuple(ClipboardPart(Format[name], size) for name, size in sizes.items())


def test_what_is_offered_says_what_policies_allow(room):
    assert set(room.channel.offers(EVERYTHING)) == {Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT}
    assert set(room.channel.offers(frozenset({"clipboard_in"}))) == {Capability.CLIPBOARD_IN}
    assert set(room.channel.offers(NOTHING)) == set()
    assert set(ClipboardChannel(None).offers(EVERYTHING)) == set()
    assert room.guest.maximum == MAXIMUM


def test_a_copy_is_offered_and_passes_in_pieces(room):
    viewer = room.join(1)
    assert viewer.take(tsg.ClipboardState) == [tsg.ClipboardState(0b111, MAXIMUM)]
    room.guest.events.copied((Format.TEXT, Format.PNG))
    (offer,) = viewer.take(tsg.ClipboardOffer)
    assert offer.parts == parts(TEXT=tsg.UNKNOWN_SIZE, PNG=tsg.UNKNOWN_SIZE)
    room.say(1, tsg.ClipboardRequest(offer.id, Format.TEXT, MAXIMUM))
    content = bytes(range(256)) * 4000
    room.guest.fetches[0][1].callback(content)
    assert room.collect(viewer, 1, offer.id, Format.TEXT) == content
    room.say(1, tsg.ClipboardRequest(offer.id, Format.TEXT, MAXIMUM))  # again: it is kept
    assert room.collect(viewer, 1, offer.id, Format.TEXT) == content
    assert len(room.guest.fetches) == 1


def test_several_viewers_share_one_fetch(room):
    first, second = room.join(1), room.join(2)
    room.guest.events.copied((Format.TEXT,))
    (offer,) = first.take(tsg.ClipboardOffer)
    assert second.take(tsg.ClipboardOffer) == [offer]
    for number in (1, 2):
        room.say(number, tsg.ClipboardRequest(offer.id, Format.TEXT, MAXIMUM if number == 1 else 10))
    assert len(room.guest.fetches) == 1
    room.guest.fetches[0][1].callback(TEXT)
    assert room.collect(first, 1, offer.id, Format.TEXT) == TEXT
    (end,) = second.take(tsg.ClipboardEnd)  # it wanted no more than 10 bytes
    assert (end.reason, end.size) == (ClipboardReason.LARGER, len(TEXT))


def test_who_comes_later_is_offered_it_and_who_goes_is_forgotten(room):
    room.guest.events.copied((Format.HTML,))
    viewer = room.join(1)
    (offer,) = viewer.take(tsg.ClipboardOffer)
    room.say(1, tsg.ClipboardRequest(offer.id, Format.HTML, MAXIMUM))
    room.channel.left(1)
    room.guest.fetches[0][1].callback(b"<b>")
    assert viewer.take(tsg.ClipboardData) == []


def test_a_new_copy_ends_what_is_on_its_way(room):
    viewer = room.join(1)
    room.guest.events.copied((Format.TEXT,))
    (old,) = viewer.take(tsg.ClipboardOffer)
    room.say(1, tsg.ClipboardRequest(old.id, Format.TEXT, MAXIMUM))
    room.guest.fetches[0][1].callback(bytes(1 << 20))
    sent = len(viewer.take(tsg.ClipboardData))
    assert sent * CLIPBOARD_PIECE <= CLIPBOARD_WINDOW + CLIPBOARD_PIECE
    room.guest.events.copied((Format.TEXT,))
    (new,) = viewer.take(tsg.ClipboardOffer)
    room.say(1, tsg.ClipboardAck(old.id, Format.TEXT, CLIPBOARD_PIECE))
    assert viewer.take(tsg.ClipboardData) == []
    room.say(1, tsg.ClipboardRequest(old.id, Format.TEXT, MAXIMUM))
    (end,) = viewer.take(tsg.ClipboardEnd)
    assert end.reason == ClipboardReason.GONE
    assert new.id != old.id


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooLarge("too large", 99 << 20), ClipboardReason.TOO_LARGE),
        (ClipboardError("not to be had"), ClipboardReason.FAILED),
    ],
)
def test_what_cannot_be_had_is_told_in_words(room, error, reason):
    viewer = room.join(1)
    room.guest.events.copied((Format.TEXT,))
    (offer,) = viewer.take(tsg.ClipboardOffer)
    room.say(1, tsg.ClipboardRequest(offer.id, Format.TEXT, MAXIMUM))
    room.guest.fetches[0][1].errback(error)
    (end,) = viewer.take(tsg.ClipboardEnd)
    assert (end.reason, end.text) == (reason, str(error))


def test_a_small_paste_is_fetched_at_once_and_outlasts_its_viewer(room):
    viewer = room.join(1)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=len(TEXT))))
    assert room.guest.offered == [(Format.TEXT,)]
    assert viewer.take(tsg.ClipboardRequest) == [tsg.ClipboardRequest(7, Format.TEXT, MAXIMUM)]
    room.guest.events.taken()
    assert viewer.take(tsg.ClipboardTaken) == [tsg.ClipboardTaken(7)]
    room.send(1, 7, Format.TEXT, TEXT)
    room.channel.left(1)
    room.guest.events.wanted(Format.TEXT)
    assert room.guest.provided == [(Format.TEXT, TEXT)]


def test_a_large_paste_is_fetched_when_it_is_wanted(room):
    viewer = room.join(1)
    large = bytes(AT_ONCE + 1)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=len(large))))
    assert viewer.take(tsg.ClipboardRequest) == []
    for _ in range(2):
        room.guest.events.wanted(Format.TEXT)
    assert len(viewer.take(tsg.ClipboardRequest)) == 1
    room.send(1, 7, Format.TEXT, large)
    assert room.guest.provided == [(Format.TEXT, large)]
    assert viewer.take(tsg.ClipboardAck)[-1].received == len(large)


def test_who_pastes_gets_nothing_when_the_viewer_goes_or_gives_up(room):
    room.join(1)
    for leave in (True, False):
        room.say(1, tsg.ClipboardOffer(7, parts(TEXT=10)))
        room.guest.events.wanted(Format.TEXT)
        if leave:
            room.channel.left(1)
        else:
            room.say(1, tsg.ClipboardEnd(7, Format.TEXT, ClipboardReason.GONE, 0, ""))
        assert room.guest.provided.pop() == (Format.TEXT, None)
        room.join(1)


def test_what_a_viewer_brings_is_not_offered_to_others_and_ends_what_was(room):
    first, second = room.join(1), room.join(2)
    room.guest.events.copied((Format.TEXT,))
    assert first.take(tsg.ClipboardOffer)
    assert second.take(tsg.ClipboardOffer)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=3)))
    assert first.take(tsg.ClipboardOffer) == []
    (over,) = second.take(tsg.ClipboardOffer)
    assert over.parts == ()


def test_directions_that_are_forbidden_are_not_heard_of(room):
    reader = room.join(1, allowed=frozenset({"clipboard_out"}))
    writer = room.join(2, allowed=frozenset({"clipboard_in"}))
    nobody = room.join(3, allowed=NOTHING)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=3)))
    assert room.guest.offered == []
    room.guest.events.copied((Format.TEXT,))
    (offer,) = reader.take(tsg.ClipboardOffer)
    assert writer.take(tsg.ClipboardOffer) == nobody.take(tsg.ClipboardOffer) == []
    for number in (2, 3):
        room.say(number, tsg.ClipboardRequest(offer.id, Format.TEXT, MAXIMUM))
    assert room.guest.fetches == []
    room.say(3, tsg.ClipboardOffer(8, parts(TEXT=3)))
    assert nobody.told == []
    room.say(2, tsg.ClipboardOffer(9, parts(TEXT=3)))
    assert room.guest.offered == [(Format.TEXT,)]


def test_what_is_too_large_is_said_and_the_rest_passes(room):
    viewer = room.join(1)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=3, PNG=MAXIMUM + 1)))
    (end,) = viewer.take(tsg.ClipboardEnd)
    assert (end.format, end.reason) == (Format.PNG, ClipboardReason.TOO_LARGE)
    assert "at most 2 MB" in end.text
    assert room.guest.offered == [(Format.TEXT,)]


def test_a_picture_that_is_none_does_not_reach_the_guest(room):
    viewer = room.join(1)
    room.say(1, tsg.ClipboardOffer(7, parts(PNG=5)))
    room.guest.events.wanted(Format.PNG)
    room.send(1, 7, Format.PNG, b"<svg>")
    assert room.guest.provided == [(Format.PNG, None)]
    assert viewer.take(tsg.ClipboardEnd)[0].reason == ClipboardReason.FAILED


@pytest.mark.parametrize(
    "piece",
    [
        tsg.ClipboardData(7, Format.TEXT, MAXIMUM + 1, b"x"),
        tsg.ClipboardData(7, Format.TEXT, 5, b"123456"),
        tsg.ClipboardData(7, Format.TEXT, 5, b""),
    ],
)
def test_pieces_that_do_not_fit_cost_the_viewer(room, piece):
    room.join(1)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=5)))
    with pytest.raises(ProtocolError):
        room.say(1, piece)


def test_what_nobody_asked_for_costs_the_viewer_and_what_comes_late_does_not(room):
    room.join(1)
    piece = tsg.ClipboardData(7, Format.TEXT, 1 << 20, bytes(CLIPBOARD_PIECE))
    with pytest.raises(ProtocolError, match="nobody has asked"):
        room.say(1, piece)
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=1 << 20)))
    room.say(1, piece)
    room.guest.events.copied((Format.TEXT,))
    for _ in range(CLIPBOARD_WINDOW // CLIPBOARD_PIECE):
        room.say(1, piece)
    rest = tsg.ClipboardData(7, Format.TEXT, 1 << 20, bytes(1 + CLIPBOARD_WINDOW % CLIPBOARD_PIECE))
    room.say(1, piece)
    with pytest.raises(ProtocolError, match="nobody has asked"):
        room.say(1, rest)


def test_the_guest_may_go_and_come_again(room):
    viewer = room.join(1)
    room.guest.events.copied((Format.TEXT,))
    viewer.told.clear()
    events = room.guest.events
    room.channel.closed()
    assert viewer.take(tsg.ClipboardState) == [tsg.ClipboardState(0, MAXIMUM)]
    assert [offer.parts for offer in viewer.take(tsg.ClipboardOffer)] == [()]
    assert room.guest.events is None
    room.channel.opened()
    assert room.guest.events is events


def test_an_empty_content_passes(room):
    viewer = room.join(1)
    room.guest.events.copied((Format.TEXT,))
    (offer,) = viewer.take(tsg.ClipboardOffer)
    room.say(1, tsg.ClipboardRequest(offer.id, Format.TEXT, MAXIMUM))
    room.guest.fetches[0][1].callback(b"")
    assert room.collect(viewer, 1, offer.id, Format.TEXT) == b""
    room.say(1, tsg.ClipboardOffer(7, parts(TEXT=0)))
    room.send(1, 7, Format.TEXT, b"")
    room.guest.events.wanted(Format.TEXT)
    assert room.guest.provided == [(Format.TEXT, b"")]
