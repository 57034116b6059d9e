"""Videos in real browsers: what was encoded is what is seen, and a codec that fails harms nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sessions.encoders.base import VideoEncoder
from sessions.encoders.video.av1 import Av1
from sessions.encoders.video.h264 import H264
from sessions.encoders.video.vpx import Vp8, Vp9
from sessions.pixels.geometry import Size
from sessions.wire import tsg
from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer, Viewer
from tests.e2e.machine import wait_for
from tests.e2e.pages import choose, until
from tests.e2e.test_client_session import sees, shown
from tests.reference.video import VideoSource
from tests.tsgateway.client.test_video import COLOURS, psnr, waves

pytestmark = pytest.mark.browser

ENCODERS: dict[tsg.Codec, type[VideoEncoder]] = {encoder.codec: encoder for encoder in (H264, Vp8, Vp9, Av1)}
CAPABILITY = {codec: tsg.Capability[codec.name] for codec in tsg.Codec}


@pytest.fixture(params=tsg.Codec)
def codec(request: pytest.FixtureRequest) -> tsg.Codec:
    """Each codec: Debian's browsers decode all of them, in the right colours."""
    return tsg.Codec(request.param)


def send(viewer: Viewer, *operations: tsg.Operation, flags: int = tsg.FrameFlag.LAST) -> None:
    """Send a frame of these operations, none of which is of the history stream."""
    viewer.painter.number += 1
    viewer.send(tsg.Frame(viewer.painter.number, flags, operations, b""))


def show(viewer: Viewer, *operations: tsg.Operation) -> None:
    send(viewer, *operations)
    viewer.shown(viewer.painter.number)


def fresh(viewer: Viewer) -> np.ndarray:
    """What the viewer was shown at first, as height × width × (blue, green, red): the test may change it."""
    return viewer.painter.pixels[:, :, :3].copy()


def sees_video(
    browser: Browser,
    around: np.ndarray,
    *places: tuple[int, int, np.ndarray],
    codec: tsg.Codec = tsg.Codec.H264,
) -> None:
    """Wait until the page shows videos at places (x, y, picture), and exactly `around` elsewhere."""

    def right() -> bool:
        seen = shown(browser)
        outside = np.ones(seen.shape[:2], bool)
        for x, y, meant in places:
            area = np.s_[y : y + meant.shape[0], x : x + meant.shape[1]]
            outside[area] = False
            if psnr(seen[area], meant) < 33:
                return False
        return np.array_equal(seen[outside], around[outside])

    wait_for(right, f"the picture with its videos, {codec.name}")


def test_capabilities_are_what_works(browser: Browser, attached: Viewer) -> None:
    named = {codec for codec in tsg.Codec if CAPABILITY[codec] in attached.hello.capabilities}
    assert named == set(tsg.Codec)


def test_pictures_follow_each_other(browser: Browser, viewer: Viewer) -> None:
    around = fresh(viewer)
    for codec in tsg.Codec:
        source = VideoSource(0, codec)
        for phase in range(4):
            meant = waves(240, 320, phase / 3)
            show(viewer, source.operation(100, 60, meant))
            sees_video(browser, around, (100, 60, meant), codec=codec)


@pytest.mark.parametrize(("width", "height"), [(960, 540), (101, 67)])
def test_what_the_session_host_encodes(browser: Browser, viewer: Viewer, width: int, height: int) -> None:
    for codec in tsg.Codec:
        encoder = ENCODERS[codec](Size(width, height), False)
        pixels = np.zeros((height, width, 4), np.uint8)
        for phase in range(3):
            pixels[:, :, :3] = waves(height, width, codec + phase / 3)
            chunk = encoder.encode(pixels.view("<u4")[:, :, 0])
            flags = tsg.VideoFlag.KEY if chunk.key else 0
            data = tsg.VideoPicture(0, codec, flags, chunk.data).pack()
            show(viewer, tsg.Operation(tsg.Encoding.VIDEO, 21, 33, width, height, data))
        encoder.close()
        sees_video(browser, fresh(viewer), (21, 33, pixels[:, :, :3]), codec=codec)


def test_pure_colours(browser: Browser, viewer: Viewer) -> None:
    """A wrong matrix, range or transfer would be 16 levels off and more."""
    for codec, colour in itertools.product(tsg.Codec, COLOURS):
        meant = np.full((64, 64, 3), colour, np.uint8)
        show(viewer, VideoSource(0, codec).operation(10, 10, meant))

        def right(meant: np.ndarray = meant) -> bool:
            return int(np.abs(shown(browser)[10:74, 10:74].astype(int) - meant).max()) <= 3

        wait_for(right, f"the colour {colour} in {codec.name}")


@pytest.mark.parametrize(
    ("x", "y", "width", "height"), [(33, 17, 161, 121), (1, 0, 97, 64), (903, 637, 97, 63)]
)
def test_odd_sizes_at_odd_places_without_seams(
    browser: Browser, viewer: Viewer, x: int, y: int, width: int, height: int
) -> None:
    for codec in tsg.Codec:
        source = VideoSource(3, codec)
        for phase in range(2):
            meant = waves(height, width, phase)
            show(viewer, source.operation(x, y, meant))
            sees_video(browser, fresh(viewer), (x, y, meant), codec=codec)


def test_order_with_other_operations(browser: Browser, viewer: Viewer) -> None:
    """A video lies over what came before it in its frame, and under what came after it."""
    painter, source, meant = viewer.painter, VideoSource(0, tsg.Codec.H264), waves(100, 200)
    around = fresh(viewer)
    painter.random(2)
    exact = painter.frame((10, 10, 60, 60), (100, 40, 30, 20))
    around[40:60, 100:130] = painter.pixels[40:60, 100:130, :3]
    below, above = exact.operations
    operations = (below, source.operation(0, 0, meant), above)
    viewer.send(tsg.Frame(exact.number, exact.flags, operations, exact.history))
    viewer.shown(exact.number)
    pieces = [
        (0, 0, meant[:40]),
        (0, 40, meant[40:60, :100]),
        (130, 40, meant[40:60, 130:]),
        (0, 60, meant[60:]),
    ]
    sees_video(browser, around, *pieces)


def test_parts_are_shown_together(browser: Browser, viewer: Viewer) -> None:
    source, before = VideoSource(0, tsg.Codec.H264), fresh(viewer)
    for phase in range(2):
        meant = waves(64, 64, phase)
        send(viewer, source.operation(50, 50, meant), flags=0)
        assert viewer.shown(viewer.painter.number).present_us == 0
        sees(browser, before)
    show(viewer, source.operation(200, 50, waves(64, 64, 2)))
    sees_video(browser, before, (50, 50, meant), (200, 50, waves(64, 64, 2)))


def test_a_video_goes_on_while_a_large_change_arrives(browser: Browser, viewer: Viewer) -> None:
    """However long that takes; what counts is each stream's newest picture."""
    sources = [VideoSource(stream, tsg.Codec.H264) for stream in range(2)]
    for phase in range(40):
        pictures = [waves(600, 400, phase), waves(500, 401, phase / 2)]
        both = (source.operation(500 * at, 9, pictures[at]) for at, source in enumerate(sources))
        send(viewer, *both, flags=0 if phase < 39 else tsg.FrameFlag.LAST)
    viewer.shown(viewer.painter.number)
    assert not viewer.of(tsg.Refresh)
    sees_video(browser, fresh(viewer), *((500 * at, 9, picture) for at, picture in enumerate(pictures)))


def test_a_video_is_scrolled(browser: Browser, viewer: Viewer) -> None:
    """What is there is copied, and the stream goes on at the new place."""
    source, around = VideoSource(0, tsg.Codec.H264), fresh(viewer)
    first, second = waves(150, 301, 0), waves(150, 301, 1)
    show(viewer, source.operation(101, 203, first))
    copy = tsg.Operation(tsg.Encoding.COPY, 101, 190, 301, 150, tsg.copy_source(101, 203))
    show(viewer, copy)
    sees_video(browser, around, (101, 190, first), (101, 340, first[-13:]))
    show(viewer, copy._replace(y=177, data=tsg.copy_source(101, 190)), source.operation(101, 177, second))
    sees_video(browser, around, (101, 177, second), (101, 327, first[-13:]), (101, 340, first[-13:]))


def test_streams_are_apart(browser: Browser, viewer: Viewer) -> None:
    """Of different codecs and of the same, in one frame and in turns."""
    around = fresh(viewer)
    codecs = [tsg.Codec.H264, tsg.Codec.AV1, tsg.Codec.H264]
    sources = [VideoSource(stream, codec) for stream, codec in enumerate(codecs)]
    for phase in range(3):
        pictures = [waves(80, 120 + 7 * at, phase + 5 * at) for at in range(3)]
        show(viewer, *(source.operation(200 * at, 30, pictures[at]) for at, source in enumerate(sources)))
    sees_video(browser, around, *((200 * at, 30, picture) for at, picture in enumerate(pictures)))
    show(viewer, sources[1].operation(200, 30, waves(80, 127, 9)))
    pictures[1] = waves(80, 127, 9)
    sees_video(browser, around, *((200 * at, 30, picture) for at, picture in enumerate(pictures)))


def test_a_stream_begins_anew_with_another_size_and_codec(browser: Browser, viewer: Viewer) -> None:
    around = fresh(viewer)
    source = VideoSource(5, tsg.Codec.H264)
    for width, height in [(320, 200), (160, 121), (640, 360)]:
        meant = waves(height, width, width)
        show(viewer, source.operation(0, 0, waves(height, width)), source.operation(0, 0, meant))
    sees_video(browser, around, (0, 0, meant))
    other = VideoSource(5, tsg.Codec.VP9)
    for phase in range(2):
        show(viewer, other.operation(0, 0, waves(360, 640, phase)))
    sees_video(browser, around, (0, 0, waves(360, 640, 1)))


def test_the_screen_changes_its_size_in_a_video(browser: Browser, viewer: Viewer) -> None:
    source = VideoSource(0, tsg.Codec.H264)
    show(viewer, source.operation(0, 0, waves(100, 100)))
    send(viewer, source.operation(0, 0, waves(100, 100, 1)), flags=0)
    viewer.painter.resize(600, 400)
    viewer.painter.random(5)
    viewer.send(tsg.ScreenSize(600, 400), viewer.painter.frame())
    show(viewer, source.operation(500, 300, waves(100, 100, 2)))
    sees_video(browser, fresh(viewer), (500, 300, waves(100, 100, 2)))


def test_pictures_do_not_pile_up(browser: Browser, viewer: Viewer) -> None:
    """A decoder stops when the pictures that it gave are not given back."""
    source, around = VideoSource(0, tsg.Codec.H264), fresh(viewer)
    for phase in range(90):
        send(viewer, source.operation(7, 9, waves(144, 256, phase / 9)))
    viewer.shown(viewer.painter.number)
    sees_video(browser, around, (7, 9, waves(144, 256, 89 / 9)))


def test_statistics_tell_how_the_picture_travels(browser: Browser, viewer: Viewer) -> None:
    choose(browser, "More", "[role=menuitem]")
    show(viewer, VideoSource(0, tsg.Codec.H264).operation(0, 0, waves(90, 160)))
    browser.evaluate(
        until("document.querySelector('.statistics-figures').innerText.includes('video H.264 160×90, ')")
    )
    browser.evaluate(until("!document.querySelector('.statistics-figures').innerText.includes('video')"))


# ---- what goes wrong


def garbage(operation: tsg.Operation) -> tsg.Operation:
    head = operation.data[:3]
    return operation._replace(data=head + b"\x00\x00\x01\xff\xee" * 40)


def failures(viewer: Viewer) -> list[int]:
    return [message.codec for message in viewer.of(tsg.VideoFailed)]


@pytest.mark.parametrize("at", [0, 2], ids=["at the start", "in the middle"])
def test_a_codec_that_fails(
    browser: Browser, server: DevServer, viewer: Viewer, codec: tsg.Codec, at: int
) -> None:
    """It is said once, the picture stands, the session and other codecs go on; it is not named again."""
    source, around = VideoSource(0, codec), fresh(viewer)
    for phase in range(at):
        show(viewer, source.operation(20, 30, waves(96, 128, phase)))
    broken = source.operation(20, 30, waves(96, 128, 8))
    show(viewer, garbage(broken))
    assert viewer.heard(lambda m: isinstance(m, tsg.VideoFailed)).codec == codec
    standing = [(20, 30, waves(96, 128, at - 1))] if at else []
    sees_video(browser, around, *standing)
    show(viewer, source.operation(20, 30, waves(96, 128, 9)))  # those in flight
    show(viewer, VideoSource(1, codec).operation(20, 30, waves(96, 128, 9)))
    sees_video(browser, around, *standing)

    other = tsg.Codec.VP9 if codec is not tsg.Codec.VP9 else tsg.Codec.H264
    show(viewer, VideoSource(0, other).operation(20, 30, waves(96, 128, 3)))
    sees_video(browser, around, (20, 30, waves(96, 128, 3)))
    assert failures(viewer) == [codec]
    assert not viewer.of(tsg.Refresh)

    viewer.cut()
    again = server.viewer()
    assert CAPABILITY[codec] not in again.hello.capabilities
    assert CAPABILITY[other] in again.hello.capabilities


def test_pictures_of_another_size_are_a_failure(browser: Browser, viewer: Viewer) -> None:
    for codec in tsg.Codec:
        operation = VideoSource(0, codec).operation(0, 0, waves(96, 128))
        show(viewer, operation._replace(width=126))
        failed = viewer.heard(lambda m, codec=codec: isinstance(m, tsg.VideoFailed) and m.codec == codec)
        assert "128" in failed.reason
        sees(browser, viewer.painter)


def test_a_stream_in_the_middle_is_asked_for_anew(browser: Browser, viewer: Viewer) -> None:
    source = VideoSource(0, tsg.Codec.H264)
    source.operation(0, 0, waves(96, 128))
    show(viewer, source.operation(0, 0, waves(96, 128, 1)))
    assert viewer.of(tsg.Refresh)
    assert not failures(viewer)
    viewer.painter.restart()
    viewer.send(viewer.painter.frame())
    show(viewer, source.operation(0, 0, waves(96, 128, 2), key=True))
    sees_video(browser, fresh(viewer), (0, 0, waves(96, 128, 2)))


def test_a_video_goes_on_over_a_damaged_stream(browser: Browser, viewer: Viewer) -> None:
    """Its chunks go to its decoder, also those of pictures that cannot be shown."""
    painter, source = viewer.painter, VideoSource(0, tsg.Codec.H264)
    show(viewer, source.operation(0, 0, waves(96, 128)))
    exact = painter.frame((500, 500, 50, 50))
    operations = (*exact.operations, source.operation(0, 0, waves(96, 128, 1)))
    viewer.send(tsg.Frame(exact.number, exact.flags, operations, b"\xff" * 40))
    viewer.heard(lambda m: isinstance(m, tsg.Refresh))
    send(viewer, source.operation(0, 0, waves(96, 128, 2)))
    painter.restart()
    viewer.send(painter.frame())
    show(viewer, source.operation(0, 0, waves(96, 128, 3)))
    sees_video(browser, fresh(viewer), (0, 0, waves(96, 128, 3)))
    assert not failures(viewer)


def test_too_many_pictures_in_one(browser: Browser, viewer: Viewer) -> None:
    """More than there are streams to show, at once: that is no server of ours."""
    source = VideoSource(0, tsg.Codec.H264)
    show(viewer, *(source.operation(0, 0, waves(32, 32, phase)) for phase in range(17)))
    assert viewer.of(tsg.Refresh)
    viewer.painter.restart()
    viewer.send(viewer.painter.frame())
    show(viewer, *(source.operation(0, 0, waves(32, 32, phase), key=not phase) for phase in range(16)))
    sees_video(browser, fresh(viewer), (0, 0, waves(32, 32, 15)))


@pytest.mark.parametrize("how", ["cut", "reload"])
def test_videos_begin_anew_with_a_connection(
    browser: Browser, server: DevServer, viewer: Viewer, how: str
) -> None:
    source = VideoSource(0, tsg.Codec.H264)
    show(viewer, source.operation(0, 0, waves(96, 128)))
    viewer.cut() if how == "cut" else browser.reload()
    again = server.viewer()
    assert CAPABILITY[tsg.Codec.H264] in again.hello.capabilities
    again.greet()
    again.painter.random(6)
    again.show()
    show(again, source.operation(0, 0, waves(96, 128, 1), key=True))
    sees_video(browser, fresh(again), (0, 0, waves(96, 128, 1)))
    assert not failures(again)


def test_nothing_is_complained_of(browser: Browser, viewer: Viewer) -> None:
    """Every failure was said once, and every picture was given back, in all tests before."""
    browser.evaluate("1")  # what was written before this has arrived
    assert any("does not decode a video after all" in line for line in browser.log)
    faults = [line for line in browser.log if "garbage collected" in line or line.startswith("error: ")]
    # The stand-in for a gateway tells of no events; browsers say so.
    assert [line for line in faults if "Failed to load" not in line and "/api/v1/events" not in line] == []
