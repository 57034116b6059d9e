"""Copies of a running desktop are machines of their own."""

import time

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from sessions.pixels.geometry import Size
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu import sounds
from tests.sessions.guests.qemu.test_guest import until
from tests.sessions.guests.qemu.warm.host import Host, template_of
from tests.warm import warm_desktop

pytestmark = [pytest.mark.qemu, pytest.mark.slow, pytest.mark.long]
DESKTOP = {"kind": "qemu", "template": "desktop"}
SECONDS = 600

LOOK = """
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo
cat /etc/machine-id
hostname
cat /sys/class/net/e*/address
date +%s.%N
"""
SCREEN = "runuser -u user -- env DISPLAY=:0 HOME=/home/user xdotool getmouselocation"


@pytest_twisted.async_yield_fixture
async def host(tmp_path):
    settings = {"warm_folder": str(warm_desktop()), "boot_seconds": SECONDS}
    made = Host(tmp_path, desktop_image().folder.parent, **settings)
    try:
        yield made
    finally:
        await made.leave()


async def run(machine, script):
    done = await machine.guest.services.run(["/bin/sh", "-c", script], seconds=120)
    assert done.code == 0, done.err
    return done.out.decode().split("\n")


@pytest_twisted.ensureDeferred
async def test_two_clones_are_two_machines_and_start_again_as_such(host):
    one, other = await gatherResults([Deferred.fromCoroutine(host.start(DESKTOP)) for _ in range(2)])
    assert template_of(one) == template_of(other) != ""
    asked = time.time()
    looks = [await run(machine, LOOK) for machine in (one, other)]
    answered = time.time()
    for ours, theirs in zip(*looks, strict=True):
        assert ours != theirs or ours == ""
    for machine, (_, machine_id, name, mac, clock, _) in zip((one, other), looks, strict=True):
        assert len(machine_id) == 32
        assert name.startswith("desktop-")
        assert mac.startswith("52:54:00:")
        # Some seconds pass on the way on a busy machine; a clock nobody set is off by a whole boot.
        assert asked - 20 < float(clock) < answered + 5
        assert (await run(machine, SCREEN))[0].startswith("x:"), (
            "programs can open windows under the new name"
        )
        (line, *_) = await run(machine, "journalctl --no-pager -n 1 -o cat")
        assert line, "the journal is found under the new machine id"

    # The first picture is the template's, of its size; then the screen becomes the person's.
    _display, framebuffer, events = await one.screen()
    await events.until(lambda: framebuffer.size == Size(1280, 800))

    # It plays, and hears.
    await sounds.until_it_hears(other)
    heard = await sounds.hear(other, (440, 1), (880, 1))
    assert sounds.halves(heard) == (pytest.approx(440, rel=0.03), pytest.approx(880, rel=0.03))
    assert await sounds.told(other, 660) == pytest.approx(660, rel=0.03)

    await run(one, "echo kept >/home/user/file; sync")
    await one.execute("system_powerdown")
    await until(lambda: one.endings, SECONDS)
    await other.guest.stop()
    await one.start()
    assert template_of(one) == ""
    assert await run(one, "cat /home/user/file /etc/machine-id /etc/hostname") == ["kept", *looks[0][1:3], ""]
