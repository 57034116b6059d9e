"""The four encoders of videos, and a machine that has none."""

import ctypes
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from bench.video import Viewer
from sessions import plugins
from sessions.encoders.base import VideoError
from sessions.encoders.video import PREFERENCE
from sessions.encoders.video.h264 import H264
from sessions.pixels.geometry import Size
from tests.contracts.video_contract import VideoContract

BT709, BT601, SRGB, LIMITED = 1, 6, 13, 1
"""Numbers of ITU-T H.273, and FFmpeg's of the range."""


class TestH264(VideoContract):
    name = "h264"

    def test_the_stream_is_what_every_browser_takes(self, make):
        """Annex B; parameter sets with the key picture; High profile."""
        encoder = make(64, 64)
        key, later = (encoder.encode(np.full((64, 64), grey, "<u4")).data for grey in (0x101010, 0x707070))
        assert [kind for kind in _units(key) if kind != 6] == [7, 8, 5]
        assert _units(later) == [1]
        parameters = key.index(b"\0\0\0\1\x67") + 5
        assert key[parameters] == 100

    def test_the_stream_says_its_colours(self, make):
        assert _colours(make, self.name) == (BT601, BT709, SRGB, LIMITED)


class TestVp8(VideoContract):
    name = "vp8"


class TestVp9(VideoContract):
    name = "vp9"

    def test_the_stream_says_its_colours(self, make):
        matrix, _, _, extent = _colours(make, self.name)
        assert (matrix, extent) == (BT601, LIMITED)


class TestAv1(VideoContract):
    name = "av1"

    def test_no_thread_is_given_priority_over_other_programs(self, make):
        """SVT-AV1 does that where it may: everything that this process starts later would inherit it."""
        encoder = make(64, 64)
        for grey in (0x101010, 0x707070, 0x202020):
            encoder.encode(np.full((64, 64), grey, "<u4"))
            threads = map(int, os.listdir("/proc/self/task"))
            assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}
            assert remembered_scheduler() == os.SCHED_OTHER

    def test_the_stream_says_its_colours(self, make):
        assert _colours(make, self.name) == (BT601, BT709, SRGB, LIMITED)


WITHOUT = """
import sys
sys.modules["av"] = None  # as if it were not installed
from sessions import plugins
from sessions.encoders.base import VideoError
from sessions.pixels.geometry import Size
assert not [plugin.error for plugin in plugins.installed() if plugin.kind == "video" and plugin.error]
for name in ("h264", "vp8", "vp9", "av1"):
    assert "PyAV" in plugins.load("video", name).missing()
    try:
        plugins.load("video", name)(Size(64, 64), False)
    except VideoError as error:
        print(error)
"""


def remembered_scheduler() -> int:
    """What the C library believes of this thread, and gives to threads that it starts."""
    policy, priority = ctypes.c_int(-1), ctypes.c_int(-1)
    me = ctypes.c_ulong(threading.get_ident())
    ctypes.CDLL(None).pthread_getschedparam(me, ctypes.byref(policy), ctypes.byref(priority))
    return policy.value


def test_a_machine_without_pyav_has_no_videos_and_says_why():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], check=True, capture_output=True, text=True, timeout=60
    )
    sentences = done.stdout.splitlines()
    assert [sentence.split(":")[0] for sentence in sentences] == [
        f"no {library} on this machine" for library in ("libx264", "libvpx", "libvpx-vp9", "libsvtav1")
    ]


class Unknown(H264):
    LIBRARY = "libnothing"


class Misled(H264):
    def settings(self, coarse):
        return super().settings(coarse) | {"profile": "none such"}


@pytest.mark.parametrize("variant", [Unknown, Misled])
def test_an_encoder_that_cannot_be_had_is_one_error(variant):
    with pytest.raises(VideoError, match=f"no {variant.LIBRARY} on this machine"):
        variant(Size(64, 64), False)


class Delayed(H264):
    def settings(self, coarse):
        return super().settings(coarse) | {"tune": "film"}


def test_an_encoder_that_keeps_a_picture_back_is_an_error():
    encoder = Delayed(Size(64, 64), False)
    with pytest.raises(VideoError, match="0 chunks of picture 0"):
        encoder.encode(np.zeros((64, 64), "<u4"))


def test_the_order_names_every_variant():
    named = {plugin.name for plugin in plugins.installed() if plugin.kind == "video"}
    assert set(PREFERENCE) == named


def test_pyav_is_loaded_when_the_first_video_begins():
    load = "import sys; from sessions import plugins; plugins.load('video', 'h264')"
    code = f"{load}; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def _colours(make, name):
    """Return what the decoder is told: matrix, primaries, transfer, range."""
    frame = Viewer(name).decode(make(64, 64).encode(np.zeros((64, 64), "<u4")).data)
    return frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range


def _units(data):
    """Return the types of a byte stream's NAL units."""
    return [unit[0] & 31 for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]]
