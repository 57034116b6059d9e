"""QEMU's sound from a machine without an operating system: its loudspeaker is played by the test."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from sessions.displays.sockets import connect_unix
from sessions.guests.base import GuestError
from sessions.guests.qemu import state
from sessions.guests.qemu.monitor import Monitor
from sessions.guests.qemu.process import QemuProcess
from sessions.guests.qemu.sound import MicrophonePort, QemuSound
from tests.sessions.guests.qemu.sounds import Heard
from tests.sessions.sound.tones import pitch

SECONDS = 60
TIMER_HERTZ = 1193182


class Beeper:
    """A QEMU with a PC's loudspeaker, and its monitor."""

    def __init__(self, folder):
        self.folder = folder
        self.microphone = MicrophonePort(reactor)

    async def start(self, *options):
        with state.listen(self.folder, state.QMP) as listening:
            monitor = f"socket,id=qmp,fd={listening.fileno()},server=on,wait=off"
            machine = ["-machine", "pc,pcspk-audiodev=sound", "-m", "16", "-display", "none"]
            command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-accel", "tcg", *machine]
            command += ["-audiodev", "none,id=sound", "-chardev", monitor, "-mon", "chardev=qmp,mode=control"]
            self.process = QemuProcess([*command, *options], (listening.fileno(),))
        self.monitor = Monitor(reactor, lambda event: None, lambda reason: None)
        with state.short_path(self.folder, state.QMP) as path:
            await self.monitor.connect(await connect_unix(reactor, path, SECONDS), SECONDS)
        return self

    async def write(self, port, byte):
        await self.monitor.execute("human-monitor-command", {"command-line": f"o /b {port} {byte}"})

    async def beep(self, hertz):
        """Have the timer swing the loudspeaker."""
        await self.write(0x43, 0xB6)
        for byte in divmod(round(TIMER_HERTZ / hertz), 256)[::-1]:
            await self.write(0x42, byte)
        await self.write(0x61, 3)

    async def stop(self):
        self.monitor.post("quit", {})
        while self.process.exit_code() is None:
            await deferLater(reactor, 0.02)
        self.monitor.close()
        self.process.let_go()


async def until(condition):
    for _ in range(SECONDS * 50):
        if condition():
            return
        await deferLater(reactor, 0.02)
    raise AssertionError("waited in vain")


@pytest_twisted.async_yield_fixture
async def beeper(tmp_path):
    made = await Beeper(tmp_path).start("-vnc", "none,audiodev=sound")
    yield made
    await made.stop()


@pytest.mark.qemu
@pytest_twisted.ensureDeferred
async def test_what_a_machine_plays_is_heard_by_whoever_listens_last(beeper):
    sound = QemuSound(reactor)
    sound.vm = beeper
    for hertz in (440, 880):
        heard = Heard()
        await sound.open(heard)
        await beeper.beep(hertz)
        await until(lambda heard=heard: len(heard.loud) > 24000)
        assert pitch(heard.loud[:24000]) == pytest.approx(hertz, rel=0.05)
        assert heard.lost == []
    sound.close()
    count = len(heard.data)
    await deferLater(reactor, 0.2)
    assert len(heard.data) == count


@pytest.mark.qemu
@pytest_twisted.ensureDeferred
async def test_qemu_goes_while_it_is_listened_to(tmp_path):
    beeper = await Beeper(tmp_path).start("-vnc", "none,audiodev=sound")
    sound, heard = QemuSound(reactor), Heard()
    sound.vm = beeper
    await sound.open(heard)
    await beeper.stop()
    await until(lambda: heard.lost)


@pytest.mark.qemu
@pytest_twisted.ensureDeferred
async def test_a_machine_that_an_older_version_has_started_makes_no_sound(tmp_path):
    beeper = await Beeper(tmp_path).start()
    sound = QemuSound(reactor)
    sound.vm = beeper
    try:
        with pytest.raises(GuestError, match="cannot be heard"):
            await sound.open(Heard())
        assert not sound.hears
        sound.speak(b"nobody listens")
    finally:
        await beeper.stop()


@pytest_twisted.ensureDeferred
async def test_a_guest_that_does_not_run():
    with pytest.raises(GuestError, match="does not run"):
        await QemuSound(reactor).open(Heard())
