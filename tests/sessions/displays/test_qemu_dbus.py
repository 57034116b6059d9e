"""QEMU's display: the contract with the tiny guest, and what only a made-up QEMU can be made to do."""

import os
import signal
import socket
import tempfile

import numpy as np
import pytest
import pytest_twisted
from jeepney.low_level import Endianness, Header, HeaderFields, Message, MessageFlag, MessageType, Parser
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.displays.base import DisplayError
from sessions.displays.locks import ANSWER_SECONDS
from sessions.displays.qemu_dbus import AskedSize, Machine, PointerLook, open_qemu_display
from sessions.displays.sockets import SocketLink
from sessions.input.events import Button, Key, Locks, Move, Text
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.wire import qemu_display as wire
from tests.contracts.display_contract import DisplayContract, Recorder
from tests.sessions.guests.qemu import machine as real
from tests.sessions.wire import dbus_messages as peer

CAPS, NUM = 0x3A, 0x45


class Tiny:
    """The tiny guest, as the contract wants it."""

    def __init__(self, machine):
        self.machine = machine

    async def open(self, framebuffer, events):
        return await self.machine.guest.open_display(framebuffer, events)

    async def change(self, display):
        display.send(Key(True, 0x1E, 0))
        display.send(Key(False, 0x1E, 0))

    async def cut(self):
        os.kill(self.machine.pid, signal.SIGKILL)


@pytest.mark.qemu
class TestQemuDisplay(DisplayContract):
    @pytest_twisted.async_yield_fixture
    async def guest(self, tmp_path):
        folder = tmp_path / "guest"
        folder.mkdir()
        machine = real.Machine(folder)
        try:
            yield Tiny(await machine.start())
        finally:
            await machine.guest.stop()

    @pytest_twisted.ensureDeferred
    async def test_a_real_guests_locks_follow_and_it_takes_places(self, guest):
        framebuffer = Framebuffer()
        events = Recorder(framebuffer)
        display = await guest.open(framebuffer, events)
        await events.until(lambda: events.updates)
        await deferLater(reactor, 1)  # its driver is there
        for wanted, pressed in (
            (Locks(True, False), [CAPS]),
            (Locks(True, False), []),
            (Locks(False, True), [CAPS, NUM]),
            (Locks(False, False), [NUM]),
        ):
            events.inputs.clear()
            display.send(wanted)
            await deferLater(reactor, ANSWER_SECONDS + 0.5)
            assert [event.scancode for event in events.inputs if event.down] == pressed
        assert events.modes in ([], [True, False])  # until there is a driver
        display.send(Move(3, -4, Button(0)))
        assert events.inputs[-1] == Move(3, -4, Button(0))
        display.close()


class FakeEnd:
    """One of QEMU's two ends: it is the server of the sign-on, and reads with jeepney."""

    def __init__(self, descriptor):
        self.messages = []
        self.descriptors = []
        self.signing = True
        self.text = b""
        self.parser = Parser()
        self.room = memoryview(bytearray(65536))
        self.link = SocketLink(reactor, socket.socket(fileno=descriptor), self, self.descriptors.extend)

    def buffer(self):
        return self.room

    def received(self, count):
        data = bytes(self.room[:count])
        if self.signing:
            self.text += data
            for expected, answer in ((b"AUTH EXTERNAL ", b"OK 00\r\n"), (b"NEGOTIATE", b"AGREE_UNIX_FD\r\n")):
                if expected in self.text and b"\r\n" in self.text:
                    self.text = self.text.split(b"\r\n", 1)[1]
                    self.link.write(answer)
            if b"BEGIN\r\n" not in self.text:
                return
            self.signing = False
            data = self.text.split(b"BEGIN\r\n", 1)[1]
        self.parser.add_data(data, self.descriptors)
        self.descriptors.clear()
        while (message := self.parser.get_next_message()) is not None:
            self.got(message)

    def got(self, message: Message):
        self.messages.append(message)

    def closed(self, reason):
        pass

    def field(self, message, name):
        return {key.name: value for key, value in message.header.fields.items()}.get(name)


class FakeConsole(FakeEnd):
    def __init__(self, qemu, descriptor):
        super().__init__(descriptor)
        self.qemu = qemu
        self.asked = []

    def got(self, message):
        super().got(message)
        if self.field(message, "member") == "RegisterListener":
            if self.qemu.occupied:
                self.qemu.occupied -= 1
                os.close(message.body[0])
                text = "`p2p` is already registered!"
                self.link.write(
                    peer.error(message.header.serial, "org.freedesktop.DBus.Error.InvalidArgs", text)
                )
                return
            self.qemu.listener = FakeEnd(message.body[0])
            if self.qemu.rude:
                self.qemu.listener.link.write(b"rubbish\r\n" * 100)
                return
            self.link.write(peer.reply(message.header.serial))
        if self.field(message, "member") == "Get":
            self.asked.append(message.body)
            value = self.qemu.properties[message.body[1]]
            self.link.write(peer.reply(message.header.serial, "v", (value,)))


class FakeQemu:
    """Commands and typist of a QEMU that is not there."""

    ready = True

    def __init__(self):
        self.occupied = 0
        self.rude = False
        self.passed = {}
        self.posted = []
        self.typed = []
        self.listener = None
        self.mute = False
        self.properties = {"Modifiers": ("u", 0), "IsAbsolute": ("b", True)}

    async def execute(self, name, arguments=None, descriptors=()):
        if name == "getfd":
            self.passed[arguments["fdname"]] = os.dup(descriptors[0])
        elif name == "add_client":
            assert arguments["protocol"] == "@dbus-display"
            descriptor = self.passed.pop(arguments["fdname"])
            self.console = None if self.mute else FakeConsole(self, descriptor)
            self.unused = descriptor if self.mute else -1

    def post(self, name, arguments):
        self.posted.append((name, arguments))

    def type(self, text):
        self.typed.append(text)

    def close(self):
        for end in (self.console, self.listener):
            if end is not None:
                end.link.close()
        if self.unused >= 0:
            os.close(self.unused)


@pytest.fixture
def qemu():
    made = FakeQemu()
    yield made
    made.close()


async def opened(qemu, pointer=None, asked=None):
    framebuffer = Framebuffer()
    events = Recorder(framebuffer)
    machine = Machine(qemu, qemu, pointer or PointerLook(), asked or AskedSize())
    display = await open_qemu_display(reactor, machine, framebuffer, events)
    return display, framebuffer, events


async def until(test):
    for _ in range(12000):
        if test():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it never happened")


@pytest_twisted.ensureDeferred
async def test_a_listener_that_has_just_left_is_waited_for(qemu):
    qemu.occupied = 3
    display, _, _ = await opened(qemu)
    assert qemu.occupied == 0
    display.close()


@pytest_twisted.ensureDeferred
async def test_shared_memory_is_offered_and_used(qemu):
    display, framebuffer, events = await opened(qemu)
    await until(lambda: not qemu.listener.signing)
    for interface, expected in ((wire.LISTENER, {"Interfaces": ("as", [wire.LISTENER_MAP])}), ("other", {})):
        call = peer.call("GetAll", "s", (interface,), interface=wire.PROPERTIES, serial=77)
        qemu.listener.link.write(call)
        await until(lambda: qemu.listener.messages)
        answer = qemu.listener.messages.pop()
        assert qemu.listener.field(answer, "reply_serial") == 77
        assert answer.body == (expected,)

    picture = np.arange(64 * 48, dtype="<u4").reshape(48, 64)
    rows = np.zeros((48, 80), "<u4")  # a stride beyond the width
    rows[:, :64] = picture
    with tempfile.TemporaryFile() as file:
        file.write(bytes(4096) + rows.tobytes())
        file.flush()
        values = (0, 4096, 64, 48, 320, wire.X8R8G8B8)
        scanout = peer.call("ScanoutMap", "uuuuuu", values, interface=wire.LISTENER_MAP, serial=5, fds=1)
        qemu.listener.link.write(scanout.replace(b"\6uuuuuu", b"\6huuuuu"), [file.fileno()])
        await events.until(lambda: events.updates)
        assert np.array_equal(framebuffer.pixels, picture)
        await until(lambda: qemu.listener.messages)
        assert qemu.listener.field(qemu.listener.messages.pop(), "reply_serial") == 5

        file.seek(4096 + 10 * 320 + 20 * 4)
        file.write(b"\1\2\3\0")
        file.flush()
        before = events.updates
        qemu.listener.link.write(
            peer.call("UpdateMap", "iiii", (20, 10, 600, 1), interface=wire.LISTENER_MAP)
        )
        await events.until(lambda: events.updates > before)
        assert framebuffer.pixels[10, 20] == 0x030201
        picture[10, 20] = 0x030201
        assert np.array_equal(framebuffer.pixels, picture)

        file.truncate(4096 + 320 * 20)  # must not kill us
        qemu.listener.link.write(peer.call("UpdateMap", "iiii", (0, 0, 64, 48), interface=wire.LISTENER_MAP))
        await events.until(lambda: events.losses)
    assert "smaller than it should be" in str(events.losses[0])
    display.close()
    assert events.faults == []


def changed(path=wire.CONSOLE.path):
    """A signal of QEMU's, whose content nobody reads."""
    fields = {
        HeaderFields.path: path,
        HeaderFields.interface: wire.PROPERTIES,
        HeaderFields.member: "PropertiesChanged",
        HeaderFields.signature: "s",
    }
    header = Header(Endianness.little, MessageType.signal, MessageFlag(0), 1, 0, 5, fields)
    return Message(header, ("\u2026",)).serialise()


@pytest_twisted.ensureDeferred
async def test_a_guest_that_asks_for_movements_is_told_of_and_moved(qemu):
    qemu.properties["IsAbsolute"] = ("b", False)
    display, framebuffer, events = await opened(qemu)
    await events.until(lambda: events.modes == [True])
    display.send(Move(5, -7, Button.LEFT))
    [(name, said)] = qemu.posted
    assert name == "input-send-event"
    assert said == {
        "events": [
            {"type": "rel", "data": {"axis": "x", "value": 5}},
            {"type": "rel", "data": {"axis": "y", "value": -7}},
            {"type": "btn", "data": {"button": "left", "down": True}},
        ]
    }
    qemu.properties["IsAbsolute"] = ("b", True)
    qemu.console.link.write(changed("/org/qemu/Display1/Console_1") + 30 * changed())
    await events.until(lambda: events.modes == [True, False])
    await deferLater(reactor, 0.1)
    assert len(qemu.console.asked) <= 6  # however often it says that something has changed
    later = Recorder(framebuffer)
    display.hand_over(framebuffer, later)
    assert later.modes == []
    for wrong in (("s", "yes"), ("t", 1), ("av", [])):
        qemu.properties["Modifiers"] = qemu.properties["IsAbsolute"] = wrong
        qemu.console.link.write(changed())
        await deferLater(reactor, 0.05)
    assert events.modes == [True, False]
    assert display.is_open
    assert events.losses == []
    display.close()


@pytest_twisted.ensureDeferred
async def test_many_updates_at_once_are_told_as_one(qemu):
    display, framebuffer, events = await opened(qemu)
    await until(lambda: not qemu.listener.signing)
    data = peer.scanout(64, 64, bytes(64 * 64 * 4))
    for row in range(64):
        data += peer.update(0, row, 64, 1, bytes([row, 1, 2, 255]) * 64)
    qemu.listener.link.write(data)
    await events.until(lambda: framebuffer.size == (64, 64) and framebuffer.pixels[63, 63] == 0x020100 + 63)
    assert events.updates <= 3
    display.close()


@pytest_twisted.ensureDeferred
async def test_a_guest_is_not_asked_for_the_size_that_it_was_asked_for_and_has(qemu):
    """It would look at its monitor anew for each viewer; one that has not followed is asked again."""

    def asked():
        return [
            Size(*message.body[4:])
            for message in qemu.console.messages
            if qemu.console.field(message, "member") == "SetUIInfo"
        ]

    shown, other = Size(64, 48), Size(80, 60)
    display, framebuffer, _ = await opened(qemu, asked=AskedSize(shown))
    await until(lambda: not qemu.listener.signing)
    qemu.listener.link.write(peer.scanout(*shown, bytes(64 * 48 * 4)))
    await until(lambda: framebuffer.size == shown)
    for size in (shown, other, other, shown, shown):
        display.request_size(size)
    await until(lambda: len(asked()) >= 3)
    assert asked() == [other, other, shown]
    display.close()


@pytest_twisted.ensureDeferred
async def test_the_pointers_alpha_is_made_straight_and_outlives_the_display(qemu):
    look = PointerLook()
    display, _, events = await opened(qemu, look)
    await until(lambda: not qemu.listener.signing)
    data = bytes([64, 0, 128, 128, 0, 0, 0, 0, 9, 8, 7, 255, 1, 1, 1, 1])
    qemu.listener.link.write(peer.call("CursorDefine", "iiiiay", (2, 2, 1, 0, data)))
    await events.until(lambda: events.cursors)
    cursor = events.cursors[0]
    assert (cursor.size, cursor.hot_x, cursor.hot_y) == (Size(2, 2), 1, 0)
    assert cursor.pixels == bytes([128, 0, 255, 128, 0, 0, 0, 0, 9, 8, 7, 255, 255, 255, 255, 1])
    straight = bytes([200, 0, 0, 128])  # cannot be premultiplied
    qemu.listener.link.write(peer.call("CursorDefine", "iiiiay", (1, 1, 0, 0, straight)))
    qemu.listener.link.write(
        peer.call("MouseSet", "iii", (3, 3, 0)) + peer.call("MouseSet", "iii", (3, 3, 1))
    )
    await events.until(lambda: len(events.cursors) == 4)
    assert [cursor.pixels for cursor in events.cursors[1:]] == [straight, b"", straight]
    display.close()
    qemu.close()
    qemu.listener = None
    display, _, events = await opened(qemu, look)
    assert [cursor.pixels for cursor in events.cursors] == [straight]
    display.close()


@pytest.mark.parametrize(
    "data",
    [
        b"rubbish" * 10,
        peer.scanout(65535, 65535, b""),
        peer.update(0, 0, 4, 4, bytes(3), stride=16),
        peer.call("UpdateMap", "iiii", (0, 0, 1, 1), interface=wire.LISTENER_MAP),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_qemu_that_breaks_the_protocol_is_let_go_of(qemu, data):
    display, _, events = await opened(qemu)
    await until(lambda: not qemu.listener.signing)
    qemu.listener.link.write(data)
    await events.until(lambda: events.losses)
    assert isinstance(events.losses[0], DisplayError)
    assert events.faults == []
    display.send(Text("x"))
    display.send(Key(True, 30, 0))
    assert (qemu.typed, qemu.posted) == ([], [])


@pytest_twisted.ensureDeferred
async def test_descriptors_nobody_spoke_of_are_closed(qemu):
    before = len(os.listdir("/proc/self/fd"))
    display, _, events = await opened(qemu)
    await until(lambda: not qemu.listener.signing)
    with tempfile.TemporaryFile() as file:
        qemu.listener.link.write(peer.call("MouseSet", "iii", (0, 0, 1)), [file.fileno()] * 3)
        qemu.listener.link.write(b"rubbish" * 10, [file.fileno()] * 3)
        await events.until(lambda: events.losses)
    display.close()
    qemu.close()
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


@pytest_twisted.ensureDeferred
async def test_opening_can_be_given_up(qemu):
    qemu.mute = True
    before = len(os.listdir("/proc/self/fd"))
    opening = Deferred.fromCoroutine(opened(qemu))
    await deferLater(reactor, 0.05)
    opening.cancel()
    with pytest.raises(BaseException):  # noqa: B017, PT011
        await opening
    os.close(qemu.unused)
    qemu.unused = -1
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


@pytest_twisted.ensureDeferred
async def test_a_display_that_fails_while_it_opens_was_never_there_to_be_lost(qemu):
    """Told both ways, a session would open it again twice over."""
    qemu.rude = True
    framebuffer = Framebuffer()
    events = Recorder(framebuffer)
    with pytest.raises(DisplayError):
        await open_qemu_display(reactor, Machine(qemu, qemu, PointerLook(), AskedSize()), framebuffer, events)
    await deferLater(reactor, 0)
    assert events.losses == []
