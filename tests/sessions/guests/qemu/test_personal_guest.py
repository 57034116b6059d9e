"""Real guests whose disks are kept for their users, and guests that start again on the disk they had."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from sessions.guests.base import GuestError
from sessions.guests.qemu import guest as module
from sessions.guests.qemu.guest import QemuGuest
from sessions.guests.qemu.personal import DiskInUse, kept_disks, remove
from tests.images_fixture import tiny_image
from tests.sessions.guests.qemu.conftest import new_folder
from tests.sessions.guests.qemu.machine import Machine, open_files, qemu_count
from tests.sessions.guests.qemu.test_guest import describe, make_disk, until

pytestmark = pytest.mark.qemu

PERSONAL = {"kind": "qemu", "template": "tiny", "assignment": "personal"}


@pytest.fixture
def images(tmp_path):
    """A store whose tiny image has a disk."""
    shutil.copytree(tiny_image().folder, tmp_path / "images" / "tiny")
    make_disk(tmp_path / "images" / "tiny")
    describe(tmp_path / "images", disk="disk.qcow2")
    return tmp_path / "images"


@pytest.fixture
def made(tmp_path, images):
    """Makes machines of ada's desktop, each for a session of its own; ends them."""
    machines = []

    def make(user="ada", spec=PERSONAL):
        machine = Machine(new_folder(tmp_path), images, spec, disks_folder=str(tmp_path / "disks"))
        machine.place = dataclasses.replace(machine.place, user=user, desktop="office")
        machine.guest = QemuGuest(spec, machine.place)
        machines.append(machine)
        return machine

    yield make
    for machine in machines:
        pytest_twisted.blockon(Deferred.fromCoroutine(machine.guest.stop()))
        assert qemu_count(machine.folder.name) == 0


def overlay(tmp_path, user="ada"):
    return tmp_path / "disks" / "office" / user / "disk" / "disk.qcow2"


def write(path, byte):
    subprocess.run(["qemu-io", "-c", f"write -P {byte} 0 64k", path], check=True, capture_output=True)


def holds(path, byte):
    read = ["qemu-io", "-r", "-c", f"read -P {byte} 0 64k", path]
    return subprocess.run(read, check=False, capture_output=True).returncode == 0


@pytest_twisted.ensureDeferred
async def test_a_personal_disk_outlives_its_guest(made, tmp_path):
    before = open_files()
    first = await made().start()
    assert [kept.in_use for kept in kept_disks(tmp_path / "disks")] == [True]
    with pytest.raises(DiskInUse):
        remove(tmp_path / "disks", "office", "ada")
    await first.guest.stop()
    assert list(first.folder.iterdir()) == []
    assert [kept.in_use for kept in kept_disks(tmp_path / "disks")] == [False]
    write(overlay(tmp_path), 7)
    second = await made().start()
    await second.guest.stop()
    assert holds(overlay(tmp_path), 7)
    assert open_files() == before


@pytest_twisted.ensureDeferred
async def test_the_next_session_waits_until_the_last_has_let_go_of_the_disk(made):
    first, second = await made().start(), made()
    starting = Deferred.fromCoroutine(second.start())
    await until(lambda: "Your desktop is still shutting down" in [text for _, text in second.progress])
    assert not starting.called
    await first.guest.stop()
    await starting
    assert second.progress[-1] == (100, "The guest is ready")


@pytest_twisted.ensureDeferred
async def test_waiting_for_a_disk_has_an_end_and_can_be_called_off(made, monkeypatch):
    first = await made().start()
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.5)
    late = made()
    with pytest.raises(GuestError, match="still runs from an earlier session"):
        await late.start()
    monkeypatch.setattr(module, "LOCK_SECONDS", 60)
    waiting = made()
    starting = Deferred.fromCoroutine(waiting.start())
    await until(lambda: "Your desktop is still shutting down" in [text for _, text in waiting.progress])
    starting.cancel()
    with pytest.raises(CancelledError):
        await starting
    await first.execute("query-status")  # it goes on as if nobody had asked
    assert [list(machine.folder.iterdir()) for machine in (late, waiting)] == [[], []]


@pytest_twisted.ensureDeferred
async def test_who_it_is_for_has_to_be_known(made):
    with pytest.raises(GuestError, match="starts for its user only"):
        await made(user="").start()


HOST = """
    import sys
    from pathlib import Path
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from sessions.guests.base import Place
    from sessions.guests.qemu.guest import QemuGuest

    async def main():
        settings = {"accelerator": "tcg", "disks_folder": sys.argv[3]}
        who = {"user": "ada", "desktop": "office"}
        place = Place(Path(sys.argv[1]), Path(sys.argv[2]), print, reactor, settings, **who)
        guest = QemuGuest({"kind": "qemu", "template": "tiny", "assignment": "personal"}, place)
        await guest.start(lambda *_: None)
        print("running", flush=True)

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()).addErrback(lambda f: f.printTraceback()))
    reactor.run()
"""


def session_host(*places):
    """Another process that starts ada's guest."""
    command = [sys.executable, "-c", textwrap.dedent(HOST), *places]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4])


@pytest_twisted.ensureDeferred
async def test_a_killed_session_host_does_not_free_the_disk_and_a_killed_qemu_does(made, tmp_path, images):
    machine = made()
    host = session_host(machine.folder, images, tmp_path / "disks")
    try:
        assert host.stdout.readline() == b"running\n"
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
    assert [kept.in_use for kept in kept_disks(tmp_path / "disks")] == [True]
    await machine.guest.adopt()
    os.kill(machine.pid, signal.SIGKILL)
    await until(lambda: machine.endings)
    await until(lambda: not any(kept.in_use for kept in kept_disks(tmp_path / "disks")))


@pytest.mark.parametrize("spec", [PERSONAL, {"kind": "qemu", "template": "tiny"}])
@pytest_twisted.ensureDeferred
async def test_a_guest_that_has_ended_by_itself_starts_again_on_the_same_disk(made, spec, tmp_path):
    before = open_files()
    machine = await made(spec=spec).start()
    own = overlay(tmp_path) if spec is PERSONAL else machine.folder / "disk.qcow2"
    inode = own.stat().st_ino
    os.kill(machine.pid, signal.SIGKILL)
    await until(lambda: machine.endings)
    await deferLater(reactor, 0.1)
    write(own, 7)
    await machine.start()
    assert own.stat().st_ino == inode
    await machine.execute("system_powerdown")
    await until(lambda: len(machine.endings) == 2)
    assert machine.endings[1] == "The guest was shut down."
    assert holds(own, 7)
    await machine.guest.stop()
    assert list(machine.folder.iterdir()) == []
    assert open_files() == before
