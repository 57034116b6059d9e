"""Videos: found, shown well, left out of everybody's way, and exact when they stop."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from sessions import viewer
from sessions.encoders.base import Chunk, VideoError
from sessions.encoders.video.h264 import H264
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from sessions.wire.tsg import Capability, Codec, Encoding
from tests.sessions.pixels.pictures import photograph, text
from tests.sessions.test_pacing import EVERYTHING, VIDEOS, Line

SIZE = Size(800, 600)
PLAYER = Rect(101, 83, 481, 271)
"""A player that stands nowhere near tile borders, of odd sides."""


@cache
def film(size: Size) -> Callable[[int], Pixels]:
    """Return what makes the pictures of a film: the camera pans over a photograph, and something moves.

    It pans by fractions of a pixel, or it were a scrolled photograph.
    """
    scene = _bytes(photograph(Size(size.width + 301, size.height + 101)))
    actor = photograph(Size(90, 70), seed=9)

    def picture(number: int) -> Pixels:
        x, y = 2.7 * number % 300, 0.8 * number % 100
        left, top, part = int(x), int(y), np.float32(x % 1)
        here, beside = (
            scene[top : top + size.height, at : at + size.width].astype(np.float32) for at in (left, left + 1)
        )
        blended = (here * (1 - part) + beside * part).astype(np.uint8)
        shown = np.ascontiguousarray(blended).view("<u4")[:, :, 0]
        shown[40:110, 5 * number % 300 :][:, :90] = actor[:, : shown[0, 5 * number % 300 :][:90].size]
        return shown

    return picture


def _bytes(pixels: Pixels) -> np.ndarray:
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)


class Cinema(Line):
    """A text desktop with a player in it."""

    def __init__(
        self, without: tuple[Capability, ...] = (), size: Size = SIZE, player: Rect = PLAYER
    ) -> None:
        super().__init__(size, without)
        self.player = player
        self.picture_of = film(Size(player.width, player.height))
        self.number = 0
        written = Size(*map(min, size, SIZE))
        self.draw(Rect(0, 0, *written), text(written, 12, seed=3))
        self.settle()

    def show(self) -> None:
        """Show the next picture of the film."""
        self.draw(self.player, self.picture_of(self.number))
        self.number += 1

    def play(self, pictures: int, every: float = 1 / 30) -> None:
        for _ in range(pictures):
            self.show()
            self.turn(every)

    def error(self) -> float:
        """Return how far what is shown is from the screen, in dB (PSNR of all bytes but the fourth)."""
        shown, real = (
            each[self.player.part].copy().view(np.uint8).reshape(*each[self.player.part].shape, 4)[:, :, :3]
            for each in (self.picture.pixels, self.screen.pixels)
        )
        mean = np.mean((shown.astype(float) - real) ** 2)
        return float(10 * np.log10(255**2 / mean)) if mean else 99.0

    def beside(self) -> bool:
        """Tell whether all around the player is exact."""
        shown, real = self.picture.pixels.copy(), self.screen.pixels.copy()
        shown[self.player.part] = real[self.player.part] = 0
        return np.array_equal(shown, real)


def operations(messages: list[tsg.Message]) -> list[tsg.Operation]:
    return [each for m in messages if isinstance(m, tsg.Frame) for each in m.operations]


@pytest.mark.parametrize("codec", VIDEOS)
def test_what_keeps_changing_becomes_a_video_and_exact_when_it_stops(codec: Capability) -> None:
    line = Cinema(tuple(each for each in VIDEOS if each is not codec))
    line.play(15)
    shown, size = line.picture.videos, line.picture.video_bytes
    stills = line.picture.stills
    line.play(15)
    line.encode()
    line.deliver()
    assert line.picture.videos - shown == 15
    assert line.picture.stills == stills
    assert (line.picture.video_bytes - size) / 15 < 15_000
    assert line.error() > 35
    assert line.beside(), "no seams"
    line.acknowledge()
    for _ in range(30):
        line.turn(1 / 60)
    assert line.exact(), "within half a second"


def test_it_has_the_place_that_changes_to_the_pixel() -> None:
    line = Cinema()
    line.play(10)
    line.show()
    line.encode()
    [video] = [each for each in operations(line.deliver()) if each.encoding == Encoding.VIDEO]
    assert video[1:5] == line.player


def test_what_is_typed_does_not_wait_for_a_video() -> None:
    line = Cinema()
    line.play(10)
    line.show()
    line.clock.advance(1 / 60)
    assert line.threads.waiting, "it is being encoded"
    line.draw(Rect(20, 500, 8, 14), np.full((14, 8), 7))
    [typed] = operations(line.deliver())
    assert typed.encoding == Encoding.HISTORY
    assert line.picture.pixels[505, 22] == 7
    line.settle()
    assert line.exact()


def test_pictures_that_come_while_one_is_encoded_merge_and_the_newest_wins() -> None:
    line = Cinema()
    line.play(10)
    line.acknowledge()
    for _ in range(5):
        line.show()
        line.clock.advance(1 / 30)
        assert len(line.threads.waiting) == 1
    line.encode()
    shown = [each for each in operations(line.deliver()) if each.encoding == Encoding.VIDEO]
    assert len(shown) == 2
    assert line.error() > 34


def test_a_video_that_ends_while_it_is_encoded_draws_nothing_any_more() -> None:
    line = Cinema()
    line.play(10)
    line.show()
    line.clock.advance(1 / 60)
    assert line.threads.waiting
    for number in range(4):
        line.draw(line.player, text(Size(line.player.width, line.player.height), 12, seed=20 + number))
        line.clock.advance(1 / 30)
        line.deliver()
        line.acknowledge()
    shown = line.picture.videos
    line.encode()
    line.deliver()
    assert line.picture.videos == shown
    line.settle()
    assert line.exact()


def test_text_that_takes_the_place_of_a_video_is_sharp_at_once() -> None:
    line = Cinema()
    line.play(10)
    for number in range(4):
        line.draw(line.player, text(Size(line.player.width, line.player.height), 12, seed=20 + number))
        line.turn(1 / 30)
    line.encode()
    line.deliver()
    assert line.exact()


def test_a_film_in_a_page_is_scrolled_with_it() -> None:
    line = Cinema()
    line.play(12)
    before = line.picture.videos
    page = line.screen.pixels.copy()
    for _ in range(3):
        page = np.vstack([page[24:], text(Size(SIZE.width, 24), 12, seed=line.number)])
        line.player = line.player._replace(y=line.player.y - 24)
        page[line.player.part] = line.picture_of(line.number)
        line.number += 1
        line.draw(Rect(0, 0, *SIZE), page)
        line.turn(1 / 30)
    line.encode()
    messages = line.deliver()
    assert line.picture.copies >= 3
    assert line.picture.videos > before
    keys = [
        each
        for each in operations(messages)
        if each.encoding == Encoding.VIDEO and tsg.VideoPicture.unpack(each.data).flags & tsg.VideoFlag.KEY
    ]
    assert not keys, "the same video goes on in another place"
    line.settle()
    assert line.exact()


def test_a_screen_that_changes_its_size_in_the_middle_of_a_video() -> None:
    line = Cinema()
    for size in (Size(700, 500), Size(800, 600), Size(640, 480)):
        line.play(8)
        line.show()
        line.resize(size)
    line.settle()
    assert line.exact()
    assert line.picture.videos > 8


def test_a_hundred_sizes_a_second_while_a_video_plays() -> None:
    line = Cinema()
    line.play(8)
    for number in range(100):
        line.resize(Size(600 + number, 450 + number % 7))
        line.show()
        if number % 5 == 0:
            line.turn(0.01)
        else:
            line.clock.advance(0.01)
    line.settle()
    assert line.exact()


def test_a_viewer_without_videos_is_sent_one_jpeg_a_picture() -> None:
    line = Cinema(VIDEOS)
    line.play(10)
    line.turn()
    before = line.picture.stills
    for _ in range(5):
        line.show()
        line.clock.advance(1 / 60)
        line.encode()
        line.clock.advance(1 / 60)
        [still] = operations(line.deliver())
        assert still.encoding == Encoding.JPEG
        assert still[1:5] == line.player
        line.acknowledge()
    assert line.picture.stills - before == 5
    assert line.picture.videos == 0
    assert line.beside(), "no seams"
    line.settle()
    assert line.exact()


class BrokenAtStart(H264):
    """An encoder that is installed and cannot be opened."""

    def __init__(self, size: Size, coarse: bool) -> None:
        raise VideoError("no such device")


class BrokenLater(H264):
    """An encoder that fails in the middle."""

    def encode(self, pixels: Pixels) -> Chunk:
        if self._count == 3:
            raise VideoError("out of memory")
        return super().encode(pixels)


class Faulty(H264):
    """An encoder with a mistake in it."""

    def encode(self, pixels: Pixels) -> Chunk:
        raise ZeroDivisionError


@pytest.mark.parametrize("broken", [BrokenAtStart, BrokenLater, Faulty])
def test_an_encoder_that_fails_is_used_no_more_and_the_next_takes_its_place(
    broken: type[H264], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [make for make in viewer._videos() if make.codec is Codec.VP8]
    monkeypatch.setattr(viewer, "_videos", lambda: (broken, *others))
    line = Cinema()
    line.play(40)
    line.show()
    line.encode()
    codecs = {
        tsg.VideoPicture.unpack(each.data).codec
        for each in operations(line.deliver())
        if each.encoding == Encoding.VIDEO
    }
    assert codecs == {Codec.VP8}
    line.settle()
    assert line.exact()


def test_without_any_encoder_that_works_there_are_stills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "_videos", lambda: (BrokenAtStart,))
    line = Cinema()
    line.play(20)
    assert line.picture.videos == 0
    assert line.picture.stills >= 10
    line.settle()
    assert line.exact()


def test_a_viewer_that_cannot_decode_it_gets_the_next_codec_then_stills() -> None:
    line = Cinema()
    line.play(10)
    for codec in Codec:
        line.sharing.give_up(line.seat.recipient, Capability[codec.name], codec)
        line.encode()
        line.deliver()
        line.play(20)
        line.show()
        line.encode()
        sent = operations(line.deliver())
        assert codec not in {
            tsg.VideoPicture.unpack(each.data).codec for each in sent if each.encoding == Encoding.VIDEO
        }
    assert Encoding.JPEG in {each.encoding for each in sent}
    line.settle()
    assert line.exact()


def test_who_joins_sees_the_video_from_a_key_picture_on_and_shares_it() -> None:
    line = Cinema()
    line.play(10)
    new = line.sit(EVERYTHING)
    line.play(20)
    assert line.sharing.encodings == 1
    assert new.picture.videos >= 10
    before = line.picture.videos, new.picture.videos
    line.play(5)
    assert (line.picture.videos - before[0], new.picture.videos - before[1]) == (5, 5)
    line.settle()
    assert line.exact()


def test_two_films_at_once() -> None:
    other = Rect(590, 380, 200, 180)
    line = Cinema()
    second = film(Size(other.width, other.height))
    for number in range(15):
        line.draw(other, second(number))
        line.show()
        line.turn(1 / 30)
    places = set()
    for number in range(16, 20):
        line.draw(other, second(number))
        line.show()
        line.clock.advance(1 / 30)
        line.encode()
        places |= {each[1:5] for each in operations(line.deliver()) if each.encoding == Encoding.VIDEO}
        line.acknowledge()
    assert places == {line.player, other}
    line.settle()
    assert line.exact()


def test_a_full_screen_film_and_noise_all_over() -> None:
    line = Cinema(player=Rect(0, 0, *SIZE))
    line.play(8)
    rng = np.random.default_rng(1)
    for _ in range(6):
        line.draw(line.player, rng.integers(0, 1 << 24, (600, 800)))
        line.turn(1 / 30)
    assert line.picture.videos >= 8
    line.settle()
    assert line.exact()


@pytest.mark.parametrize("without", [(), VIDEOS])
def test_who_begins_anew_amid_a_film_all_over_the_screen_sees_it(without: tuple[Capability, ...]) -> None:
    """It ignores what comes before a new stream, whose flag goes with exact pixels."""
    line = Cinema(without, player=Rect(0, 0, *SIZE))
    line.play(10)
    line.deliver()
    line.sharing.restart(line.seat.recipient)
    line.show()
    line.clock.advance(1 / 30)
    [first, *_] = [each for each in line.deliver() if isinstance(each, tsg.Frame)]
    assert first.flags & tsg.FrameFlag.NEW_STREAM


def test_a_film_that_covers_no_whole_tile_is_none() -> None:
    line = Cinema(player=Rect(70, 20, 110, 560))
    line.play(15)
    assert line.picture.videos == 0
    for number in range(8):
        line.draw(line.player, text(Size(110, 560), 12, seed=20 + number))
        line.turn(1 / 30)
    line.encode()
    line.deliver()
    assert line.exact()


def test_a_viewer_that_cannot_be_sent_to_is_no_fault_of_the_codec() -> None:
    line = Cinema()
    line.play(15)
    line.show()
    line.clock.advance(1 / 60)
    assert line.threads.waiting

    def gone(data: bytes) -> None:
        raise ConnectionError

    line.seat.recipient.send = gone
    line.encode()
    assert line.faults == [line.seat.recipient]
    [pacer] = line.sharing._pacers
    assert pacer.composer._videos._codecs[0] is H264
