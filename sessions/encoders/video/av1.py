"""AV1 by SVT-AV1."""

from __future__ import annotations

import ctypes
import os
import threading

from sessions.encoders.base import Traits
from sessions.encoders.video.libav import LibavEncoder
from sessions.pixels.geometry import Size
from sessions.wire.tsg import Capability, Codec


class Av1(LibavEncoder):
    """AV1, main profile, 8 bits."""

    traits = Traits(lossy=True, stateful=True, capability=Capability.AV1)
    codec = Codec.AV1
    LIBRARY = "libsvtav1"

    def __init__(self, size: Size, coarse: bool) -> None:
        os.environ.setdefault("SVT_LOG", "0")  # it would write to stderr, past every log
        try:
            super().__init__(size, coarse)
        finally:
            take_back_priority()

    def settings(self, coarse: bool) -> dict[str, str]:
        """Return SVT-AV1's options: low delay, one thread, no key picture but the first."""
        return {
            "preset": "10",
            "crf": "43" if coarse else "29",
            "svtav1-params": "pred-struct=1:rtc=1:lp=1:keyint=-1:scd=0:aq-mode=0",
        }


def take_back_priority() -> None:
    """Take back the real-time priority that SVT-AV1, run by root, gives its threads and the calling one.

    With it they would starve every other program, and whatever this process starts would inherit it. The C
    library has to be told, too: it remembers what the calling thread was given, for threads that it starts.
    """
    for task in os.listdir("/proc/self/task"):
        try:
            if os.sched_getscheduler(int(task)) == os.SCHED_FIFO:
                os.sched_setscheduler(int(task), os.SCHED_OTHER, os.sched_param(0))
        except ProcessLookupError:
            continue  # a thread that has ended meanwhile
    me, priority = ctypes.c_ulong(threading.get_ident()), ctypes.c_int(0)
    ctypes.CDLL(None).pthread_setschedparam(me, os.SCHED_OTHER, ctypes.byref(priority))
