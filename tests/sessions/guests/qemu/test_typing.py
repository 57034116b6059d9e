"""Keys that somebody types while the guest gets hardly any processor time: all arrive, in their order."""

import base64

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from sessions.input.events import Button, Key, Pointer
from tests.held_up import held_up

pytestmark = pytest.mark.qemu

KEYS = [*range(0x10, 0x1A), *range(0x1E, 0x27), *range(0x2C, 0x33)] * 8
"""Scan codes of letters, which Linux numbers alike."""


def typed(keys):
    return [Key(down, key, 0) for key in keys for down in (True, False)]


async def said(machine, last):
    """All that the guest says until it says this."""
    lines = b""
    for _ in range(3600):
        more = await machine.execute("ringbuf-read", device="serial", size=65536, format="base64")
        lines += base64.b64decode(more)
        if f"{last}\r\n".encode() in lines:
            return lines.decode().split("\r\n")
        await deferLater(reactor, 0.05)
    raise AssertionError(f"the guest never said {last}, but {lines[-2000:]!r}")


@pytest_twisted.ensureDeferred
async def test_keys_and_clicks_wait_for_a_guest_that_is_held_up(machine):
    display, _, _ = await machine.screen()
    (processor,) = await machine.execute("query-cpus-fast")
    for event in typed(KEYS):
        display.send(event)
    for at in range(60):
        display.send(Pointer(10 * at, 5, Button.LEFT))
        display.send(Pointer(10 * at, 5, Button(0)))
    await deferToThread(held_up, processor["thread-id"])
    lines = await said(machine, "pointer 590 5 buttons 0")
    told = [line for line in lines if line.startswith("key ")]
    assert told == [f"key {key} {way}" for key in KEYS for way in ("down", "up")]
    clicks = [f"pointer {10 * at} 5 buttons {held}" for at in range(60) for held in (1, 0)]
    assert [line for line in lines if line.startswith("pointer ")] == clicks
    display.close()
