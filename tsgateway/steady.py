"""A time of day that goes on evenly when somebody sets the clock, also over a restart of the gateway.

Sign-ins are counted on it: when the clock is set forward by an hour, nobody has been away for an hour. It is
the system's time as it was when the gateway was first started after the machine, plus what has passed since
then; a file keeps the former. Only a start of the machine, which ends all guests, has it look at the clock
again.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from sessions.files import write_whole

BOOT = Path("/proc/sys/kernel/random/boot_id")


def steady_time(
    kept: Path,
    wall: Callable[[], float] = time.time,
    passed: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
) -> Callable[[], float]:
    """Return the clock: seconds since 1970. kept: the file. passed: seconds since the machine was started."""
    boot = BOOT.read_text().strip()
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        table = json.loads(kept.read_text())
        if table["boot"] == boot:
            base = float(table["base"])
            return lambda: base + passed()
    base = wall() - passed()
    with contextlib.suppress(OSError):  # without it, the next gateway looks at the clock
        write_whole(kept, json.dumps({"boot": boot, "base": base}).encode())
    return lambda: base + passed()
