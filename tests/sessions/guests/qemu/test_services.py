"""What a real desktop's agent does for us: one guest for all tests, which they use in this order."""

import contextlib
import shlex
import signal
import time

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.guests.base import Finished, GuestError
from sessions.host.processes import Processes
from sessions.host.timekeeping import set_right
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu.conftest import new_folder
from tests.sessions.guests.qemu.machine import SECONDS, Machine, qemu_count
from tests.sessions.guests.qemu.warm.host import Host
from tests.warm import warm_desktop

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

DESKTOP = {"kind": "qemu", "template": "desktop"}


@pytest_twisted.async_yield_fixture(scope="module")
async def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("services")
    host = Host(folder, desktop_image().folder.parent, warm_folder=str(warm_desktop()), boot_seconds=300)
    try:
        yield await host.start(DESKTOP)
    finally:
        await host.leave()


@pytest_twisted.ensureDeferred
async def test_it_tells_what_it_is(machine):
    info = await machine.guest.services.info()
    assert (info.os, info.version) == ("Debian GNU/Linux", "12 (bookworm)")
    assert info.host_name.startswith("desktop")
    assert info.agent.startswith("7.2")
    assert info.time == pytest.approx(time.time(), abs=60)


@pytest_twisted.ensureDeferred
async def test_it_runs_programs_and_hands_over_all_they_say(machine):
    services = machine.guest.services
    done = await services.run(["sh", "-c", "cat; echo err >&2; exit 5"], input=b"\0in\xff" * 1000)
    assert done == Finished(5, b"\0in\xff" * 1000, b"err\n")
    done = await services.run(["head", "-c", "1048576", "/dev/zero"])
    assert done.out == bytes(1 << 20)
    with pytest.raises(GuestError, match="more than 1048576 bytes"):
        await services.run(["head", "-c", "1048577", "/dev/zero"])
    with pytest.raises(GuestError, match="more than"):  # more than any answer may have
        await services.run(["head", "-c", "9000000", "/dev/zero"])
    assert (await services.run(["sh", "-c", "kill -TERM $$"])).code == -signal.SIGTERM
    with pytest.raises(GuestError, match="No such file"):
        await services.run(["/nowhere/nothing"])


@pytest_twisted.ensureDeferred
async def test_a_program_that_takes_long_goes_on_and_holds_up_nobody(machine):
    services = machine.guest.services
    slow = Deferred.fromCoroutine(services.run(["sh", "-c", "sleep 2; touch /tmp/went-on"], seconds=1))
    assert (await services.run(["echo", "quick"])).out == b"quick\n"
    assert not slow.called
    with pytest.raises(GuestError, match="goes on in the guest"):
        await slow
    while (await services.run(["test", "-e", "/tmp/went-on"])).code:
        await deferLater(reactor, 0.2)


@pytest_twisted.ensureDeferred
async def test_its_processes_are_listed_and_ended(machine):
    services = machine.guest.services
    processes = Processes(services, reactor)
    ignoring = "trap '' TERM; while :; do sleep 1; done"
    for script in ("exec sleep 4321", ignoring):
        await services.run(["sh", "-c", f"setsid sh -c {shlex.quote(script)} >/dev/null 2>&1 &"])
    listed = {each["pid"]: each for each in await processes.all()}
    assert listed[1]["name"] == "systemd"
    assert listed[1]["user"] == "root"
    assert listed[1]["memory"] > 1 << 20
    found = await services.run(["pgrep", "-f", "-x", "sleep 4321"])
    assert listed[int(found.out)]["name"] == "sleep"
    assert await processes.end(int(found.out), "ruth", "s") == {"forced": False}
    found = await services.run(["pgrep", "-f", "-o", "^sh -c trap"])
    assert await processes.end(int(found.out), "ruth", "s") == {"forced": True}
    with pytest.raises(GuestError, match="There is no process"):
        await processes.end(int(found.out), "ruth", "s")
    with pytest.raises(GuestError, match="the system itself"):
        await processes.end(1, "ruth", "s")


@pytest.mark.parametrize("hours", [1, -1])
@pytest_twisted.ensureDeferred
async def test_its_clock_is_set(machine, hours):
    services = machine.guest.services
    await services.set_time(time.time() + hours * 3600)
    assert (await services.info()).time == pytest.approx(time.time() + hours * 3600, abs=60)
    assert await set_right(services, time.time)
    assert (await services.info()).time == pytest.approx(time.time(), abs=60)
    clock = await services.run(["hwclock", "--show", "--utc"])
    assert clock.code == 0, clock  # what it starts from when it starts again is right as well


@pytest_twisted.ensureDeferred
async def test_it_is_asked_by_a_later_host_as_well(machine):
    later = machine.successor()
    await machine.guest.detach()
    assert machine.guest.services is None
    await later.guest.adopt()
    machine.guest = later.guest
    assert (await later.guest.services.info()).host_name.startswith("desktop")


@pytest_twisted.ensureDeferred
async def test_it_is_shut_down_by_its_agent(machine):
    endings = machine.endings
    await machine.guest.shut_down(2 * SECONDS)
    assert qemu_count(machine.folder.name) == 0
    await machine.guest.stop()
    assert endings == []
    assert list(machine.folder.iterdir()) == []


@pytest.mark.long
@pytest_twisted.ensureDeferred
async def test_without_its_agent_the_power_button_does_it(tmp_path):
    machine = Machine(new_folder(tmp_path), desktop_image().folder.parent, DESKTOP, boot_seconds=300)
    await machine.start()
    try:
        with contextlib.suppress(GuestError):  # nobody is left to tell how it went
            await machine.guest.services.run(["systemctl", "stop", "qemu-guest-agent"])
        while not machine.guest.services._absent:
            await deferLater(reactor, 0.1)
        with pytest.raises(GuestError, match="No agent runs"):
            await machine.guest.services.info()
        await machine.guest.shut_down(2 * SECONDS)
        assert qemu_count(machine.folder.name) == 0
        assert machine.endings == []
    finally:
        await machine.guest.stop()
