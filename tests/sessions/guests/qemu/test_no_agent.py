"""A guest in which no agent runs: asked things it cannot, and shut down all the same."""

import pytest
import pytest_twisted
from twisted.internet import reactor

from sessions.guests.base import GuestError
from tests.sessions.guests.qemu.machine import SECONDS, qemu_count

pytestmark = pytest.mark.qemu


@pytest_twisted.ensureDeferred
async def test_it_says_so_without_waiting_and_its_power_button_works(machine):
    services = machine.guest.services
    began = {call for call in reactor.getDelayedCalls()}
    for ask in (services.info(), services.run(["true"]), services.set_time(0), services.shut_down()):
        with pytest.raises(GuestError, match="No agent runs in this guest"):
            await ask
    assert set(reactor.getDelayedCalls()) <= began  # nothing was waited for
    await machine.guest.shut_down(SECONDS)
    assert qemu_count(machine.folder.name) == 0
    await machine.guest.stop()
    assert machine.endings == []
    assert list(machine.folder.iterdir()) == []


@pytest_twisted.ensureDeferred
async def test_one_that_does_not_react_is_waited_for_no_longer_than_told(machine):
    await machine.execute("stop")  # a machine that stands still takes no notice of its button
    await machine.guest.shut_down(0.5)
    assert qemu_count(machine.folder.name) == 1
    await machine.guest.stop()
    assert qemu_count(machine.folder.name) == 0
    assert machine.endings == []
