import pytest
import pytest_twisted

from tests.sessions.guests.qemu.machine import Machine


@pytest_twisted.async_yield_fixture
async def machine(tmp_path):
    """A running tiny guest of the test's own."""
    folder = tmp_path / "guest"
    folder.mkdir(mode=0o700)
    started = Machine(folder)
    try:
        yield await started.start()
    finally:
        await started.guest.stop()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "guest"
    made.mkdir(mode=0o700)
    return made
