"""Real QEMU guests, from start to every kind of end."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater

from sessions.guests.base import GuestError
from sessions.guests.qemu.accelerator import probe
from sessions.guests.qemu.boot import GRAPHICS_SECONDS
from sessions.guests.qemu.process import ProcessId
from sessions.images.store import ImageStore
from sessions.input.events import Button, Key, Pointer, Text, Wheel
from sessions.pixels.geometry import Size
from tests.images_fixture import tiny_image
from tests.sessions.guests.qemu.machine import Machine, open_files, qemu_count, status_of

pytestmark = pytest.mark.qemu


async def equal_to_screendump(machine, framebuffer):
    """Wait until our picture and QEMU's own are the same."""
    for _ in range(1000):
        truth = await machine.screendump()
        if truth.shape == framebuffer.pixels.shape and np.array_equal(truth, framebuffer.pixels):
            return
        await deferLater(reactor, 0.1)
    raise AssertionError("the picture never became what the guest shows")


async def until(test, seconds=180):
    for _ in range(int(seconds / 0.02)):
        if test():
            return
        await deferLater(reactor, 0.02)
    raise AssertionError("it never happened")


@pytest_twisted.ensureDeferred
async def test_picture_input_and_size(machine):
    assert machine.progress[0][0] == 0
    assert machine.progress[-1] == (100, "The guest is ready")
    percents = [percent for percent, _ in machine.progress]
    assert percents == sorted(percents)
    display, framebuffer, events = await machine.screen()
    assert framebuffer.size == Size(1280, 800)
    await equal_to_screendump(machine, framebuffer)
    assert framebuffer.pixels[10, 0] == 0xFFFFFF  # the first of the bars is white

    for x, y in ((640, 400), (0, 0), (1279, 799), (1, 1), (777, 333), (1278, 798)):
        display.send(Pointer(x, y, Button(0)))
        await machine.says(f"pointer {x} {y} buttons 0")
    display.send(Pointer(5000, -7, Button.LEFT | Button.RIGHT))
    await machine.says("pointer 1279 0 buttons 5")
    display.send(Pointer(100, 100, Button.BACK))
    await machine.says("pointer 100 100 buttons 8")
    display.send(Wheel(0, 240))
    await machine.says("wheel -2")
    display.send(Wheel(0, -60))
    display.send(Wheel(0, -60))
    await machine.says("wheel 1")

    before = framebuffer.pixels.copy()
    display.send(Key(True, 0x1E, 0x61))
    display.send(Key(False, 0x1E, 0x61))
    display.send(Key(True, 0x9D, 0))
    display.send(Key(False, 0x9D, 0))
    await machine.says("key 30 down", "key 30 up", "key 97 down", "key 97 up")
    display.send(Key(True, 0, ord("B")))
    display.send(Key(False, 0, ord("B")))
    await machine.says("key 42 down", "key 48 down", "key 42 up", "key 48 up")
    await until(lambda: not np.array_equal(before, framebuffer.pixels))
    await until(lambda: display.takes_text)
    for event in (Text("Grüße, 世界"), Key(True, 0x1E, 0x61), Key(False, 0x1E, 0x61)):
        display.send(event)
    await machine.says("text Grüße, 世界", "key 30 down", "key 30 up")
    await equal_to_screendump(machine, framebuffer)

    for size in (Size(1024, 700), Size(1920, 1080)):
        display.request_size(size)
        await events.until(lambda size=size: framebuffer.size == size)
        await machine.says(f"READY {size.width}x{size.height}")
        await equal_to_screendump(machine, framebuffer)
        display.send(Pointer(size.width - 1, size.height // 2, Button(0)))
        await machine.says(f"pointer {size.width - 1} {size.height // 2} buttons 0")
    await events.until(lambda: any(cursor.size.width for cursor in events.cursors))
    display.close()
    assert events.faults == []
    assert events.losses == []


@pytest_twisted.ensureDeferred
async def test_a_killed_qemu_is_noticed_and_told_once(machine):
    _display, _framebuffer, events = await machine.screen()
    os.kill(machine.pid, signal.SIGKILL)
    await until(lambda: machine.endings and events.losses)
    await machine.guest.stop()
    assert len(machine.endings) == 1
    assert machine.endings[0].startswith("The guest")
    assert len(events.losses) == 1
    assert list(machine.folder.iterdir()) == []


@pytest_twisted.ensureDeferred
async def test_a_guest_that_shuts_down_says_so(machine):
    await machine.execute("system_powerdown")
    await until(lambda: machine.endings)
    assert machine.endings == ["The guest was shut down."]


@pytest_twisted.ensureDeferred
async def test_a_guest_that_has_ended_starts_again_on_its_disk(machine, tmp_path):
    """Its image may have been replaced meanwhile; here it is gone altogether."""
    await machine.execute("system_powerdown")
    await until(lambda: machine.endings)
    first = machine.pid
    machine.place = dataclasses.replace(machine.place, images=tmp_path / "nowhere")
    machine.guest._place = machine.place
    await machine.start()
    assert machine.pid != first
    display, framebuffer, _ = await machine.screen()
    await equal_to_screendump(machine, framebuffer)
    display.send(Key(True, 0x10, 0))
    await machine.says("key 16 down")
    display.close()


@pytest_twisted.ensureDeferred
async def test_it_runs_apart_from_us_and_with_few_rights(machine):
    status = status_of(machine.pid)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert os.getsid(machine.pid) == machine.pid
    kept = json.loads((machine.folder / "guest.json").read_text())
    assert kept["process"]["pid"] == machine.pid
    if os.geteuid() == 0:
        assert status["Uid"].split() == [str(kept["uid"])] * 4
        assert kept["uid"] >= 0x70000000
        assert status["Groups"].strip() == ""
        assert int(status["CapEff"], 16) == 0
    assert machine.folder.stat().st_uid == os.geteuid()


@pytest_twisted.ensureDeferred
async def test_adopted_after_detaching(machine):
    display, _framebuffer, events = await machine.screen()
    await events.until(lambda: events.cursors)
    display.close()
    await machine.guest.detach()
    other = machine.successor()
    await other.guest.adopt()
    display, framebuffer, told = await other.screen()
    await told.until(lambda: told.cursors)
    assert told.cursors[-1] == events.cursors[-1], "QEMU tells how the pointer looks once only"
    await equal_to_screendump(other, framebuffer)
    await until(lambda: display.takes_text)
    display.send(Text("again"))
    await other.says("text again")
    os.kill(other.pid, signal.SIGKILL)
    await until(lambda: other.endings)
    assert machine.endings == []  # whoever has let go is told nothing
    await other.guest.stop()


HOST = """
    import sys
    from pathlib import Path
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from sessions.guests.base import Place
    from sessions.guests.qemu.guest import QemuGuest
    from sessions.pixels.framebuffer import Framebuffer
    from tests.contracts.display_contract import Recorder

    async def main():
        place = Place(Path(sys.argv[1]), Path(sys.argv[2]), print, reactor, {"accelerator": "tcg"})
        guest = QemuGuest({"template": "tiny"}, place)
        await guest.start(lambda *_: None)
        framebuffer = Framebuffer()
        await guest.open_display(framebuffer, Recorder(framebuffer))
        print("running", flush=True)

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()).addErrback(lambda f: f.printTraceback()))
    reactor.run()
"""


def session_host(folder, images):
    """Another process that starts a guest in `folder` and shows it."""
    command = [sys.executable, "-c", textwrap.dedent(HOST), str(folder), str(images)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4])


@pytest_twisted.ensureDeferred
async def test_adopted_after_the_session_host_was_killed(folder):
    images = tiny_image().folder.parent
    host = session_host(folder, images)
    machine = Machine(folder, images)
    try:
        assert host.stdout.readline() == b"running\n"
        host.kill()
        host.wait()
        await machine.guest.adopt()
        _display, framebuffer, _ = await machine.screen()
        await equal_to_screendump(machine, framebuffer)
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
        await machine.guest.stop()
    assert qemu_count(folder.name) == 0


@pytest_twisted.ensureDeferred
async def test_one_whose_number_was_never_kept_is_ended_with_its_session(machine):
    """The session host was killed between launching QEMU and writing down which process it is."""
    await machine.guest.detach()
    (machine.folder / "guest.json").unlink()
    successor = machine.successor()
    with pytest.raises(GuestError, match="is gone"):
        await successor.guest.adopt()
    assert qemu_count(machine.folder.name) == 1
    await successor.guest.stop()
    assert qemu_count(machine.folder.name) == 0


@pytest_twisted.ensureDeferred
async def test_stale_folders_are_refused(machine):
    empty = machine.folder.parent / "empty"
    empty.mkdir()
    with pytest.raises(GuestError, match="is gone"):
        await Machine(empty).guest.adopt()

    await machine.guest.detach()
    path = machine.folder / "guest.json"
    good = path.read_text()

    def changed(**process):
        kept = json.loads(good)
        kept["process"].update(process)
        path.write_text(json.dumps(kept))

    for rubbish in ("", "[]", "{", '{"process": {}}'):
        path.write_text(rubbish)
        with pytest.raises(GuestError, match="cannot be found"):
            await machine.successor().guest.adopt()
    changed(started=1)  # the pid is another process's now
    with pytest.raises(GuestError, match="has ended while nobody"):
        await machine.successor().guest.adopt()
    us = ProcessId.of(os.getpid())
    changed(pid=us.pid, started=us.started)  # alive, but not what answers on the socket
    with pytest.raises(GuestError, match="does not answer"):
        await machine.successor().guest.adopt()
    path.write_text(good)
    (machine.folder / "qmp.sock").rename(machine.folder / "away")
    with pytest.raises(GuestError, match="does not answer"):
        await machine.successor().guest.adopt()
    (machine.folder / "away").rename(machine.folder / "qmp.sock")
    other = machine.successor()
    await other.guest.adopt()
    await other.guest.stop()
    assert qemu_count(machine.folder.name) == 0


@pytest_twisted.ensureDeferred
async def test_two_at_once_and_nothing_left_behind(tmp_path):
    tiny_image()
    before = open_files()
    long_name = "a-folder-whose-path-is-longer-than-a-unix-socket-path-may-be-" * 3
    machines = []
    for name in (long_name, "second"):
        (tmp_path / name).mkdir()
        machines.append(Machine(tmp_path / name))
    await gatherResults([Deferred.fromCoroutine(machine.start()) for machine in machines])
    screens = [await machine.screen() for machine in machines]
    screens[0][0].send(Key(True, 0x10, 0))
    await machines[0].says("key 16 down")
    await machines[1].execute("query-status")
    assert b"key" not in machines[1].log
    uids = [json.loads((machine.folder / "guest.json").read_text())["uid"] for machine in machines]
    assert os.geteuid() != 0 or uids[0] != uids[1]
    for machine in machines:
        await machine.guest.stop()
        await machine.guest.stop()
    for display, _, _ in screens:
        display.close()
    assert [list(machine.folder.iterdir()) for machine in machines] == [[], []]
    assert [qemu_count(machine.folder.name) for machine in machines] == [0, 0]
    assert [machine.endings for machine in machines] == [[], []]
    assert open_files() == before


@pytest_twisted.ensureDeferred
async def test_a_qemu_that_hangs_is_ended_all_the_same(machine):
    process = machine.guest._vm.process
    process.send(signal.SIGSTOP)
    await machine.guest.stop()
    assert not process.alive
    assert machine.endings == []


@pytest_twisted.ensureDeferred
async def test_a_start_that_is_cancelled_leaves_nothing(folder):
    machine = Machine(folder)
    starting = Deferred.fromCoroutine(machine.start())
    try:
        await until(lambda: "The guest is booting" in [text for _, text in machine.progress])
        assert qemu_count(folder.name) == 1
    finally:
        starting.cancel()
    with pytest.raises(CancelledError):
        await starting
    assert qemu_count(folder.name) == 0
    assert list(folder.iterdir()) == []


@pytest_twisted.ensureDeferred
async def test_a_start_cancelled_while_the_disk_is_made(folder, images, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\ntouch "$0.runs"\nsleep 1\nexec qemu-img "$@"\n')
    slow.chmod(0o755)
    make_disk(images / "tiny")
    describe(images, disk="disk.qcow2")
    starting = Deferred.fromCoroutine(Machine(folder, images, qemu_img=str(slow)).start())
    await until((tmp_path / "slow.runs").exists)
    starting.cancel()
    with pytest.raises(CancelledError):
        await starting
    assert list(folder.iterdir()) == []


# Images and hosts that are not right.


@pytest.fixture
def images(tmp_path):
    """A store of our own with a copy of the tiny image, to be spoilt."""
    tiny = tiny_image()
    store = tmp_path / "images"
    shutil.copytree(tiny.folder, store / "tiny")
    return store


async def failure(machine):
    with pytest.raises(GuestError) as caught:
        await machine.start()
    assert str(caught.value).endswith(".")
    assert qemu_count(machine.folder.name) == 0
    assert list(machine.folder.iterdir()) == []
    assert machine.endings == []
    return str(caught.value), caught.value.detail


def describe(store, **fields):
    path = store / "tiny" / "image.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest_twisted.ensureDeferred
async def test_an_image_that_is_missing(folder, tmp_path):
    message, detail = await failure(Machine(folder, tmp_path, {"template": "desktop"}))
    assert "“desktop”" in message
    assert "image build desktop" in detail


@pytest_twisted.ensureDeferred
async def test_an_image_that_is_broken(folder, images):
    (images / "tiny" / "vmlinux").unlink()
    message, _ = await failure(Machine(folder, images))
    assert "broken" in message


@pytest_twisted.ensureDeferred
async def test_a_kernel_that_is_rubbish(folder, images):
    (images / "tiny" / "vmlinux").write_bytes(os.urandom(5000))
    message, _ = await failure(Machine(folder, images, boot_seconds=5))
    assert "broken" in message


@pytest_twisted.ensureDeferred
async def test_a_disk_that_is_rubbish(folder, images):
    (images / "tiny" / "disk.qcow2").write_bytes(b"rubbish")
    describe(images, disk="disk.qcow2")
    message, detail = await failure(Machine(folder, images))
    assert "may be broken" in message
    assert "qcow2" in detail


@pytest_twisted.ensureDeferred
async def test_a_guest_that_never_boots(folder, images):
    describe(images, kernel=None, initrd=None, firmware="bios")
    message, detail = await failure(Machine(folder, images, boot_seconds=3))
    assert "within 3 seconds" in message
    assert "serial log" in detail


@pytest_twisted.ensureDeferred
async def test_a_foreign_guest_that_says_nothing_is_ready_once_it_shows_graphics(folder, images):
    describe(images, kind="disk", append=tiny_image().append.replace("console=ttyS0", ""))
    (images / "tiny" / "initrd").write_bytes(
        (images / "tiny" / "initrd").read_bytes().replace(b"READY %dx%d", b"reedy %dx%d")
    )
    machine = Machine(folder, images)
    try:
        started = reactor.seconds()
        await machine.start()
        assert reactor.seconds() - started >= GRAPHICS_SECONDS
        _display, framebuffer, _ = await machine.screen()
        assert framebuffer.size == Size(1280, 800)
    finally:
        await machine.guest.stop()


@pytest_twisted.ensureDeferred
async def test_no_qemu(folder, images):
    message, detail = await failure(Machine(folder, images, qemu="qemu-system-nowhere"))
    assert "QEMU is not installed" in message
    assert "apt-get install qemu-system-x86" in detail


@pytest_twisted.ensureDeferred
async def test_no_qemu_tools(folder, images):
    (images / "tiny" / "disk.qcow2").write_bytes(b"")
    describe(images, disk="disk.qcow2")
    _, detail = await failure(Machine(folder, images, qemu_img="qemu-img-nowhere"))
    assert "qemu-utils" in detail


@pytest_twisted.ensureDeferred
async def test_a_qemu_without_the_display(folder, images, tmp_path):
    fake = tmp_path / "qemu"
    fake.write_text(
        "#!/bin/sh\necho \"qemu: -display dbus: Parameter 'type' does not accept value 'dbus'\" >&2\nexit 1\n"
    )
    tmp_path.chmod(0o755)
    fake.chmod(0o755)
    _, detail = await failure(Machine(folder, images, qemu=shutil.copy(fake, "/tmp/qemu-without-dbus")))
    assert "qemu-system-gui" in detail


def make_disk(image, content=0):
    disk = image / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "16M"], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -P {content} 1M 1M", disk], check=True)


@pytest_twisted.ensureDeferred
async def test_a_linked_clone_boots_and_keeps_its_writes_to_itself(folder, images):
    make_disk(images / "tiny")
    describe(images, disk="disk.qcow2")
    template = (images / "tiny" / "disk.qcow2").read_bytes()
    machine = Machine(folder, images)
    try:
        await machine.start()
        (device,) = await machine.guest._vm.monitor.execute("query-block")
        assert device["inserted"]["node-name"] == "disk"
        assert device["inserted"]["image"]["backing-image"]["filename"] == "/dev/fdset/1"
        size = (folder / "disk.qcow2").stat().st_size
        write = {
            "command-line": 'qemu-io -d /machine/peripheral-anon/device[0]/virtio-backend "write -P 7 0 64k"'
        }
        assert "error" not in (await machine.execute("human-monitor-command", **write)).lower()
        assert (folder / "disk.qcow2").stat().st_size > size
    finally:
        await machine.guest.stop()
    assert (images / "tiny" / "disk.qcow2").read_bytes() == template


def build_anew(store, content):
    """Replace the image as `image build` does, by one with another disk and no kernel that runs."""
    with ImageStore(store).writing("tiny") as folder:
        for path in (store / "tiny").iterdir():
            shutil.copy(path, folder / path.name)
        (folder / "disk.qcow2").unlink()
        make_disk(folder, content)
        (folder / "vmlinux").write_bytes(b"no kernel")


async def reads(machine, content, path):
    """Whether the running guest's disk has the content: QEMU copies all of it into a file."""
    path.write_bytes(b"")
    os.truncate(path, 16 << 20)
    descriptor = os.open(path, os.O_RDWR)
    await machine.guest._vm.monitor.execute("add-fd", {"fdset-id": 9}, [descriptor])
    os.close(descriptor)
    file = {"driver": "file", "filename": "/dev/fdset/9"}
    await machine.execute("blockdev-add", driver="raw", file=file, **{"node-name": "copy"})
    await machine.execute(
        "blockdev-backup", device="disk", target="copy", sync="full", **{"job-id": "copying"}
    )
    while await machine.execute("query-block-jobs"):
        await deferLater(reactor, 0.05)
    await machine.execute("blockdev-del", **{"node-name": "copy"})
    await machine.execute("remove-fd", **{"fdset-id": 9})
    return path.read_bytes()[1 << 20 : 2 << 20] == bytes([content]) * (1 << 20)


def overlay_holds(folder, content):
    """The same as anybody sees it who opens the overlay, following what its header names."""
    read = ["qemu-io", "-r", "-U", "-f", "qcow2", "-c", f"read -P {content} 1M 64k", folder / "disk.qcow2"]
    done = subprocess.run(read, capture_output=True, text=True, check=False)
    return "read 65536/65536" in done.stdout and "failed" not in done.stdout


@pytest_twisted.ensureDeferred
async def test_an_image_built_anew_leaves_its_guests_what_they_were_made_from(folder, images, tmp_path):
    make_disk(images / "tiny", 5)
    describe(images, disk="disk.qcow2")
    machine = await Machine(folder, images).start()
    try:
        assert overlay_holds(folder, 5)
        build_anew(images, 9)
        assert await reads(machine, 5, tmp_path / "copy")
        assert overlay_holds(folder, 5)
        await machine.guest.detach()
        other = machine.successor()
        await other.guest.adopt()
        assert await reads(other, 5, tmp_path / "copy")
        assert overlay_holds(folder, 5)
    finally:
        await machine.guest.stop()
    assert list(folder.iterdir()) == []


@pytest_twisted.ensureDeferred
async def test_an_image_built_anew_while_a_guest_starts_does_not_mix_old_and_new(
    folder, images, tmp_path, monkeypatch
):
    make_disk(images / "tiny", 5)
    describe(images, disk="disk.qcow2")

    async def probe_meanwhile(*arguments, **named):
        build_anew(images, 9)
        return await probe(*arguments, **named)

    monkeypatch.setattr("sessions.guests.qemu.guest.probe", probe_meanwhile)
    machine = await Machine(folder, images).start()
    try:
        assert await reads(machine, 5, tmp_path / "copy")
    finally:
        await machine.guest.stop()
