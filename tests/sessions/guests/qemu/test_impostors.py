"""A guest that was replaced behind our back: what answers is not the QEMU that we know."""

import json
import os
import signal
import subprocess
import sys

import pytest
import pytest_twisted

from sessions.guests.base import GuestError
from sessions.guests.qemu.process import ProcessId
from tests.sessions.guests.qemu.machine import qemu_count

pytestmark = pytest.mark.qemu

IMPOSTOR = """
import contextlib, os, socket, sys
os.chdir(sys.argv[1])
os.unlink("qmp.sock")
listening = socket.socket(socket.AF_UNIX)
listening.bind("qmp.sock")
listening.listen()
print("listens", flush=True)
while True:
    connected, _ = listening.accept()
    with contextlib.suppress(OSError):
        connected.sendall(b'{"QMP": {"version": {}, "capabilities": []}}\\r\\n')
"""


def impostor(folder):
    """A process that takes the place of the guest's monitor."""
    program = [sys.executable, "-c", IMPOSTOR, str(folder)]
    started = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert started.stdout.readline() == "listens\n"
    return started


@pytest_twisted.ensureDeferred
async def test_another_process_that_listens_is_not_spoken_to_and_the_guest_can_be_ended(machine):
    await machine.guest.detach()
    other = impostor(machine.folder)
    try:
        found = machine.successor()
        with pytest.raises(GuestError, match="does not answer") as caught:
            await found.guest.adopt()
        assert f"belongs to process {other.pid}" in caught.value.detail
        await found.guest.stop()
        assert qemu_count(machine.folder.name) == 0
        assert list(machine.folder.iterdir()) == []
        assert other.poll() is None  # it is none of ours
    finally:
        other.kill()
        other.wait()
        other.stdout.close()


@pytest_twisted.ensureDeferred
async def test_a_process_that_has_the_guests_number_now_is_left_alone(machine):
    """The guest has ended, and its pid is somebody else's: here this very process's."""
    path = machine.folder / "guest.json"
    good = path.read_text()
    kept = json.loads(good)
    kept["process"]["pid"] = os.getpid()
    path.write_text(json.dumps(kept))
    found = machine.successor()
    with pytest.raises(GuestError, match="has ended while nobody"):
        await found.guest.adopt()
    ProcessId(os.getpid(), kept["process"]["started"]).send(signal.SIGKILL)  # and we go on
    path.write_text(good)
