"""What a real desktop's agent does for us: one guest for all tests, which they use in this order."""

import time

import pytest
import pytest_twisted

from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu.conftest import new_folder
from tests.sessions.guests.qemu.machine import Machine

pytestmark = pytest.mark.qemu

DESKTOP = {"kind": "qemu", "template": "desktop"}


async def desktop(folder):
    """A running desktop guest."""
    images = desktop_image().folder.parent
    return await Machine(new_folder(folder), images, DESKTOP, boot_seconds=300).start()


@pytest_twisted.async_yield_fixture(scope="module")
async def machine(tmp_path_factory):
    started = await desktop(tmp_path_factory.mktemp("services"))
    try:
        yield started
    finally:
        await started.guest.stop()


@pytest_twisted.ensureDeferred
async def test_it_tells_what_it_is(machine):
    info = await machine.guest.services.info()
    assert (info.os, info.version) == ("Debian GNU/Linux", "12 (bookworm)")
    assert info.host_name == "desktop"
    assert info.agent.startswith("7.2")
    assert info.time == pytest.approx(time.time(), abs=60)
