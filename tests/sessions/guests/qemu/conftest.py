import uuid

import pytest
import pytest_twisted

from tests.sessions.guests.qemu.machine import Machine


def new_folder(parent):
    """A guest's folder; its name, which QEMU's process shows, is no other test's."""
    folder = parent / f"guest-{uuid.uuid4().hex}"
    folder.mkdir(mode=0o700)
    return folder


@pytest_twisted.async_yield_fixture
async def machine(tmp_path):
    """A running tiny guest of the test's own."""
    folder = new_folder(tmp_path)
    started = Machine(folder)
    try:
        yield await started.start()
    finally:
        await started.guest.stop()


@pytest.fixture
def folder(tmp_path):
    return new_folder(tmp_path)
