"""Takes the processor away from a thread now and then, as a machine does that others keep busy."""

from __future__ import annotations

import ctypes
import os
import time

STOPPED, RUNNING = 0.6, 0.03
"""Seconds. A guest keeps a third of a second of quick typing."""

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17  # ptrace(2)
_ALL = 0x40000000  # __WALL of waitpid(2): threads as well
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]


def held_up(thread: int, times: int = 5) -> None:
    """Stop a thread of any process so many times, and return when it runs again."""
    for _ in range(times):
        _trace(_SEIZE, thread)
        _trace(_INTERRUPT, thread)
        os.waitpid(thread, _ALL)
        time.sleep(STOPPED)
        _trace(_DETACH, thread)
        time.sleep(RUNNING)


def _trace(request: int, thread: int) -> None:
    if _libc.ptrace(request, thread, None, None):
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {thread}")
