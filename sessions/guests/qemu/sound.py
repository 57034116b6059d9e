"""What a QEMU guest plays, from QEMU's VNC server; and a port through which the guest hears.

The VNC server (command.py) listens nowhere: QMP hands QEMU one end of a socket pair. It is asked for no
pictures, and sends none; it slows its looks at the screen down to one in three seconds then.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred, TimeoutError

from sessions.displays.sockets import Reactor, SocketLink
from sessions.guests.base import GuestError, Listener
from sessions.guests.qemu.monitor import Monitor, MonitorError
from sessions.wire.rfb.audio import AudioClient, Samples

OPEN_SECONDS = 10
MAX_UNSENT = 4800
"""Bytes of a voice that the guest may leave unread, 0.1 s, before it is dropped."""
_NAME = "tsgateway-sound"
_ROOM = 16 * 1024


class MicrophonePort:
    """Our end of the virtio port that a program in the guest makes a microphone of.

    changed: called when `ready` has changed.
    """

    def __init__(self, reactor: Reactor) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._reactor = reactor
        self._room = memoryview(bytearray(256))
        self._link: SocketLink | None = None
        self._listening = False

    def open(self, connected: socket.socket) -> None:
        """Take over the socket that leads to it."""
        self._link = SocketLink(self._reactor, connected, self)

    @property
    def ready(self) -> bool:
        """Whether something in the guest listens."""
        return self._listening and self._link is not None and self._link.open

    def listens(self, listening: bool) -> None:
        """Learn whether something in the guest has opened its end."""
        self._listening = listening
        self.changed()

    def speak(self, samples: bytes) -> None:
        """Let the guest hear; dropped when it does not keep up, or nothing listens."""
        if self._link is not None and self.ready and self._link.unsent < MAX_UNSENT:
            self._link.write(samples)

    def close(self) -> None:
        """Let go of the port."""
        if self._link is not None:
            self._link.close()
            self._link = None

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Ignore what a guest says here: a microphone only hears."""

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone, which the monitor tells as well."""


class SoundSource(Protocol):
    """The part of a running QEMU that sound needs."""

    microphone: MicrophonePort

    @property
    def monitor(self) -> Monitor:
        """The monitor. Raises MonitorError when it is not connected."""


class QemuSound:
    """A guest's sound (`Sound` of sessions/guests/base.py). vm: set whenever there is another QEMU."""

    def __init__(self, reactor: Reactor) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._reactor = reactor
        self._vm: SoundSource | None = None
        self._playing: _Playing | None = None

    @property
    def vm(self) -> SoundSource | None:
        """The QEMU that runs, or ran last."""
        return self._vm

    @vm.setter
    def vm(self, vm: SoundSource) -> None:
        self.close()
        self._vm = vm
        vm.microphone.changed = self._microphone_changed

    def _microphone_changed(self) -> None:
        self.changed()

    async def open(self, listener: Listener) -> None:
        """Have QEMU send what the guest plays. Raises GuestError."""
        self.close()
        if self._vm is None:
            raise GuestError("The guest does not run.")
        ours, theirs = socket.socketpair()
        playing = self._playing = _Playing(self._reactor, ours, listener)
        try:
            monitor = self._vm.monitor
            await monitor.execute("getfd", {"fdname": _NAME}, [theirs.fileno()])
            add = {"protocol": "vnc", "fdname": _NAME, "skipauth": True}
            await monitor.execute("add_client", add)
            await playing.begun.addTimeout(OPEN_SECONDS, self._reactor)
            playing.check()
        except (MonitorError, TimeoutError) as error:
            playing.close()
            raise GuestError("The guest's sound cannot be heard.", str(error)) from error
        except BaseException:
            playing.close()
            raise
        finally:
            theirs.close()

    def close(self) -> None:
        """Let go of QEMU's sound."""
        if self._playing is not None:
            self._playing.close()
            self._playing = None

    @property
    def hears(self) -> bool:
        """Whether a program in the guest listens at the port."""
        return self._vm is not None and self._vm.microphone.ready

    def speak(self, samples: bytes) -> None:
        """Pass a voice on."""
        if self._vm is not None:
            self._vm.microphone.speak(samples)


class _Playing:
    """One connection to QEMU's VNC server. begun: fires when it has agreed to send sound."""

    def __init__(self, reactor: Reactor, connected: socket.socket, listener: Listener) -> None:
        self.begun: Deferred[None] = Deferred()
        self._listener = listener
        self._client = AudioClient()
        self._failure: GuestError | None = None
        self._room = memoryview(bytearray(_ROOM))
        self._link = SocketLink(reactor, connected, self)

    def check(self) -> None:
        """Raise GuestError when it has failed."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Close it; the listener is told nothing any more."""
        self._link.close()
        self._fail(GuestError("The guest's sound was closed."))

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Pass on what the guest plays. Raises ProtocolError."""
        for event in self._client.receive(self._room[:count]):
            if isinstance(event, Samples):
                self._listener.played(event.data)
        if data := self._client.data_to_send():
            self._link.write(data)
        if self._client.agreed and not self.begun.called:
            self.begun.callback(None)

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone, or broke the protocol."""
        if self._failure is None and self.begun.called:
            self._listener.deafened(str(reason))
        self._fail(GuestError("The guest's sound cannot be heard.", str(reason)))

    def _fail(self, reason: GuestError) -> None:
        self._failure = self._failure or reason
        if not self.begun.called:
            self.begun.callback(None)
