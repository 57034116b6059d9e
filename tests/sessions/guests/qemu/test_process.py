"""What the kernel tells of a process's time."""

import os
import subprocess
import sys
import time

from sessions.guests.qemu.process import ProcessId


def test_how_long_a_process_has_run_and_waited_for_a_processor():
    core = min(os.sched_getaffinity(0))
    spin = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    rivals = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(2)]
    try:
        processes = [ProcessId.of(rival.pid) for rival in rivals]
        deadline = time.monotonic() + 60
        while not all(one.cpu_seconds() > 0.1 and one.held_up_seconds() > 0.1 for one in processes):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()
    assert [one.cpu_seconds() for one in processes] == [0, 0]
    assert [one.held_up_seconds() for one in processes] == [0, 0]
