"""Warm templates of the tiny guest: built, cloned, damaged, and built by several at once."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from sessions.guests.qemu import command
from sessions.guests.qemu.warm import build, clone, devices, templates
from sessions.guests.qemu.warm.store import DEVICES, MAX_FAILURES
from sessions.input.events import Key, Text
from sessions.pixels.geometry import Size
from tests.images_fixture import tiny_image
from tests.sessions.guests.qemu.machine import open_files, qemu_count, status_of
from tests.sessions.guests.qemu.test_guest import equal_to_screendump, until
from tests.sessions.guests.qemu.warm.host import BUILD_SECONDS, Host, template_of

pytestmark = [pytest.mark.qemu, pytest.mark.slow]


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Nobody else is kept waiting by a build in a test."""
    monkeypatch.setattr(command, "NICE", 0)
    monkeypatch.setattr(build, "CALM_SECONDS", 1)


@pytest.fixture
def images(tmp_path):
    """A store of our own with a copy of the tiny image."""
    store = tmp_path / "images"
    shutil.copytree(tiny_image().folder, store / "tiny")
    return store


def rebuild(images, **fields):
    """Replace the image by another version of it."""
    path = images / "tiny" / "image.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.fixture(scope="module")
def prepared():
    """What the first test has built, for those after it."""
    return {}


@pytest_twisted.async_yield_fixture
async def host(tmp_path, images, prepared):
    """A host with a warm template of the tiny guest."""
    made = Host(tmp_path, images)
    if "warm" not in prepared:
        await made.warmed()
        prepared["warm"] = keep_aside(tmp_path / "warm")
    else:
        copy(prepared["warm"], tmp_path / "warm")
    try:
        yield made
    finally:
        await made.leave()


@pytest.fixture(scope="module", autouse=True)
def tidy(prepared):
    yield
    if "warm" in prepared:
        shutil.rmtree(prepared["warm"].parent)


def keep_aside(folder):
    aside = Path(tempfile.mkdtemp()) / "warm"
    copy(folder, aside)
    return aside


def copy(folder, to):
    subprocess.run(["cp", "-a", "--sparse=always", folder, to], check=True)


@pytest_twisted.ensureDeferred
async def test_a_clone_goes_on_where_its_template_stood(host):
    (template,) = host.store.list()
    host.house.store.close()
    before = open_files()
    machine = await host.start()
    assert template_of(machine) == template.key
    assert machine.progress[-1] == (100, "The guest is ready")
    display, framebuffer, events = await machine.screen()
    await events.until(lambda: framebuffer.size == Size(1280, 800))
    await equal_to_screendump(machine, framebuffer)
    assert events.cursors, "QEMU tells how the pointer looks when that changes; it did so in the template"
    display.send(Key(True, 0x1E, 0x61))
    display.send(Key(False, 0x1E, 0x61))
    await machine.says("key 30 down", "key 30 up")
    await until(lambda: display.takes_text)
    display.send(Text("Grüße"))
    await machine.says("text Grüße")
    display.request_size(Size(1024, 700))
    await machine.says("READY 1024x700")
    await events.until(lambda: framebuffer.size == Size(1024, 700))
    await equal_to_screendump(machine, framebuffer)
    status = status_of(machine.pid)
    assert status["Seccomp"] == "2"
    if os.geteuid() == 0:
        assert int(status["Uid"].split()[0]) >= 0x70000000
    display.close()
    await machine.guest.stop()
    assert list(machine.folder.iterdir()) == []
    assert qemu_count(machine.folder.name) == 0
    host.house.store.close()
    assert open_files() == before


@pytest_twisted.ensureDeferred
async def test_the_screen_becomes_as_large_as_the_persons(host):
    machine = host.machine()
    machine.guest._place = dataclasses.replace(machine.place, screen=Size(1600, 900))
    await machine.start()
    display, framebuffer, events = await machine.screen()
    await events.until(lambda: framebuffer.size == Size(1600, 900))
    display.close()


@pytest_twisted.ensureDeferred
async def test_clones_change_neither_the_template_nor_each_other(host):
    (template,) = host.store.list()
    files = [host.folder / "warm" / template.key / name for name in ("memory", DEVICES)]
    before = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    one, other = await gatherResults([Deferred.fromCoroutine(host.start()) for _ in range(2)])
    assert [template_of(machine) for machine in (one, other)] == [template.key] * 2
    display, ours, _ = await one.screen()
    _, theirs, _ = await other.screen()
    await equal_to_screendump(other, theirs)
    await equal_to_screendump(one, ours)
    await until(lambda: display.takes_text)
    display.send(Text("only here"))
    await one.says("text only here")
    await until(lambda: not np.array_equal(ours.pixels, theirs.pixels))  # it draws after it has said so
    await one.guest.stop()
    assert [hashlib.sha256(file.read_bytes()).hexdigest() for file in files] == before
    third = await host.start()
    _, fresh, _ = await third.screen()
    await equal_to_screendump(third, fresh)
    assert np.array_equal(fresh.pixels, theirs.pixels)


@pytest_twisted.ensureDeferred
async def test_a_clone_is_adopted_like_any_guest(host):
    machine = await host.start()
    display, _, _ = await machine.screen()
    display.close()
    await machine.guest.detach()
    other = machine.successor()
    host.machines.append(other)
    await other.guest.adopt()
    display, framebuffer, _ = await other.screen()
    await equal_to_screendump(other, framebuffer)
    display.send(Key(True, 0x10, 0))
    await other.says("key 16 down")
    display.close()


@pytest_twisted.ensureDeferred
async def test_a_clone_that_has_ended_boots_on_its_own_disk(host):
    machine = await host.start()
    await machine.execute("system_powerdown")
    await until(lambda: machine.endings)
    await machine.start()
    assert template_of(machine) == ""
    display, framebuffer, _ = await machine.screen()
    await equal_to_screendump(machine, framebuffer)
    display.send(Key(True, 0x10, 0))
    await machine.says("key 16 down")
    display.close()


@pytest_twisted.ensureDeferred
async def test_who_wants_a_boot_gets_one_and_no_template_is_made(host):
    machine = await host.start({"kind": "qemu", "template": "tiny", "start": "boot"})
    assert template_of(machine) == ""
    other = await host.start({"kind": "qemu", "template": "tiny", "memory_mb": 160, "start": "boot"})
    assert template_of(other) == ""
    assert not host.house._builds


@pytest_twisted.ensureDeferred
async def test_another_image_gets_another_template_while_clones_run(host):
    (old,) = host.store.list()
    running = await host.start()
    rebuild(host.images, version="another")
    assert template_of(await host.start()) == "", "there is no template of this version yet"
    await host.built()
    (new,) = host.store.list()
    assert (new.version, new.slot) == ("another", old.slot)
    assert new.key != old.key
    assert template_of(await host.start()) == new.key
    display, framebuffer, _ = await running.screen()
    display.send(Key(True, 0x10, 0))
    await running.says("key 16 down")
    await equal_to_screendump(running, framebuffer)
    display.close()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("truncated", marks=pytest.mark.long),
        pytest.param("rubbish", marks=pytest.mark.long),
        "empty",
        pytest.param("missing", marks=pytest.mark.long),
        "description",
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_template_that_is_damaged_is_removed_and_the_guest_boots(host, damage, monkeypatch):
    (template,) = host.store.list()
    entry = host.folder / "warm" / template.key
    state = (entry / DEVICES).read_bytes()
    match damage:
        case "truncated":
            (entry / DEVICES).write_bytes(state[: len(state) // 2])
        case "rubbish":
            (entry / DEVICES).write_bytes(os.urandom(len(state)))
        case "empty":
            (entry / DEVICES).write_bytes(b"")
        case "missing":
            (entry / "memory").unlink()
        case "description":
            (entry / "template.json").write_text("{")
    with monkeypatch.context() as hurried:
        hurried.setattr(devices, "SECONDS", 1)  # an empty state makes QEMU wait for what does not come
        machine = await host.start()
    assert template_of(machine) == ""
    display, framebuffer, _ = await machine.screen()
    await equal_to_screendump(machine, framebuffer)
    display.close()
    assert machine.endings == []
    assert qemu_count(machine.folder.name) == 1
    assert len((host.folder / "warm" / f"{template.key}.failures").read_text().splitlines()) == 1
    if damage == "truncated":
        await host.built()
        assert [made.key for made in host.store.list()] == [template.key], "it is built anew"
        assert template_of(await host.start()) == template.key


@pytest_twisted.ensureDeferred
async def test_one_that_fails_again_and_again_is_left_alone(host):
    (template,) = host.store.list()
    for _ in range(MAX_FAILURES):
        host.store.spoil(template.key, "a test")
    machine = await host.start()
    assert template_of(machine) == ""
    await host.built()
    assert host.store.list() == []


@pytest_twisted.ensureDeferred
async def test_a_guest_whose_agent_is_silent_boots(host, monkeypatch):
    """The tiny guest has no agent; here it says that it is a desktop, which would have one."""
    monkeypatch.setattr(clone.renew, "__defaults__", (0.5,))
    monkeypatch.setattr(build, "AGENT_SECONDS", 0.5)
    rebuild(host.images, kind="desktop")
    machine = await host.start()
    assert template_of(machine) == ""
    await host.built()
    (failures,) = (host.folder / "warm").glob("*.failures")
    assert failures.read_text().count("silent") == 2, "the clone's, and the new template's"
    assert host.store.list() == []


@pytest_twisted.ensureDeferred
async def test_foreign_images_are_not_even_tried(host):
    rebuild(host.images, kind="disk")
    machine = await host.start()
    assert template_of(machine) == ""
    assert not host.house._builds


@pytest.mark.long
@pytest_twisted.ensureDeferred
async def test_several_session_hosts_build_once(tmp_path, images, monkeypatch):
    monkeypatch.setattr(templates, "WAIT_SECONDS", 0.2)
    hosts = [Host(tmp_path, images, name) for name in ("one", "two", "three")]
    builds, wanted = [], []
    whole, want = build.Builder.build, templates.Templates.want

    async def counted(self, order):
        builds.append(order.key)
        return await whole(self, order)

    def noted(self, *order):
        wanted.append(order)
        want(self, *order)

    monkeypatch.setattr(build.Builder, "build", counted)
    monkeypatch.setattr(templates.Templates, "want", noted)
    try:
        first = await hosts[0].start()
        for host in hosts[1:]:
            want(host.house, *wanted[0])
        for host in hosts:
            await host.built()
        assert len(builds) == 1
        for host in hosts:
            assert template_of(await host.start()) == builds[0]
        inodes = {os.fstat(held).st_ino for host in hosts for held, _ in host.house.store._memories.values()}
        assert len(inodes) == 1, "they share one memory"
        assert template_of(first) == ""
    finally:
        for host in hosts:
            await host.leave()


BUILDER = """
    import sys
    from pathlib import Path
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from sessions.guests.base import Place, Site
    from sessions.guests.qemu.guest import QemuGuest

    folder, images = Path(sys.argv[1]), Path(sys.argv[2])
    settings = {"accelerator": "tcg", "warm_folder": str(folder / "warm")}
    house = QemuGuest.open_house(Site(folder / "house", images, reactor, settings, lambda: None))

    async def work():
        place = Place(folder / "guest", images, print, reactor, settings, house=house)
        guest = QemuGuest({"kind": "qemu", "template": "tiny"}, place)
        await guest.start(lambda percent, text: None)
        await guest.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(work()))
    reactor.run()
"""


def builder(folder, images):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(BUILDER), folder, images])


@pytest.mark.long
@pytest_twisted.ensureDeferred
async def test_a_builder_that_is_killed_leaves_nothing_behind_after_the_next(tmp_path, images):
    (tmp_path / "guest").mkdir()
    killed = builder(tmp_path, images)
    partials = []

    def building():
        partials[:] = (tmp_path / "warm").glob("*.partial-*")
        return partials and qemu_count(partials[0].name)

    try:
        await until(building, BUILD_SECONDS)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    await until(lambda: not qemu_count(partials[0].name))
    assert partials[0].exists()
    host = Host(tmp_path, images)
    try:
        made = await host.warmed()
        assert not partials[0].exists()
        names = {path.name for path in (tmp_path / "warm").iterdir()}
        assert names == {made.key, "building"}
    finally:
        await host.leave()


@pytest_twisted.ensureDeferred
async def test_a_host_that_leaves_gives_up_its_build(tmp_path, images):
    before = open_files()
    host = Host(tmp_path, images)
    machine = await host.start()
    partials = []

    def building():
        partials[:] = (tmp_path / "warm").glob("*.partial-*")
        return partials and qemu_count(partials[0].name)

    await until(building, BUILD_SECONDS)
    await host.leave()
    assert not qemu_count(partials[0].name)
    assert [path.name for path in (tmp_path / "warm").iterdir()] == ["building"]
    assert list(machine.folder.iterdir()) == []
    assert open_files() == before


@pytest_twisted.ensureDeferred
async def test_nothing_is_built_when_memory_or_disk_are_short(tmp_path, images, monkeypatch):
    monkeypatch.setattr(templates, "SPARE_MEMORY", 1 << 60)
    host = Host(tmp_path, images)
    try:
        await host.start()
        await host.built()
        assert host.store.list() == []
        assert {path.name for path in (tmp_path / "warm").iterdir()} == {"building"}
    finally:
        await host.leave()
