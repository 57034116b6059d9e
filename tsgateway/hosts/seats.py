"""The viewers that are attached to sessions, and the way of every message between them and their hosts."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

from twisted.python.failure import Failure

from sessions.wire.tsg import ClientHello, CloseCode
from tsgateway.hosts.attachment import Attached, Attachment, Relayed, close_code
from tsgateway.hosts.link import HostError
from tsgateway.hosts.supervisor import HostSupervisor

HOST_STOPPED = "The session host stopped and is being started again."


class Seats:
    """All viewers of this gateway that are attached to a session, by their channels."""

    def __init__(self) -> None:
        self._attached: dict[int, Attached] = {}
        self.relayed = Relayed()

    def attach(self, viewer: Attached, hello: ClientHello) -> Attachment:
        """Attach a viewer; messages may be sent then, the link keeps their order.

        One that its host does not let in is closed.
        """
        channel = viewer.seat.number
        self._attached[channel] = viewer
        told = dataclasses.replace(hello, ticket=b"").encode()
        params = {
            "session": viewer.session,
            "viewer": channel,
            "hello": base64.b64encode(told).decode(),
            **({} if viewer.shadow is None else viewer.shadow.params()),
            **({} if viewer.limits is None else {"limits": dict(viewer.limits)}),
            "allow": viewer.allow,
        }
        viewer.host.request("attach", params).addErrback(self._not_attached, viewer)
        return Attachment(viewer.host, channel, self._attached, self.relayed)

    def _not_attached(self, failure: Failure, viewer: Attached) -> None:
        failure.trap(HostError)  # type: ignore[no-untyped-call]
        self._attached.pop(viewer.seat.number, None)
        viewer.seat.close(CloseCode.SERVER_ERROR, str(failure.value))

    def of(self, session: str) -> list[Attached]:
        """Return who is attached to a session, in the order they came."""
        return [viewer for viewer in self._attached.values() if viewer.session == session]

    def latest(self) -> dict[str, Attached]:
        """Return for each session the viewer that came last, without those who look on."""
        return {each.session: each for each in self._attached.values() if each.shadow is None}

    def get(self, number: int) -> Attached | None:
        """Return a viewer that is attached."""
        return self._attached.get(number)

    # ---- from the hosts

    def detached(self, host: HostSupervisor, params: dict[str, Any]) -> None:
        """The host has let a viewer go."""
        viewer = self._attached.get(params["viewer"])
        if viewer is not None and viewer.host is host:
            del self._attached[params["viewer"]]
            viewer.seat.close(close_code(params["code"]), str(params["reason"]))

    def deliver(self, host: HostSupervisor, channel: int, message: bytes) -> None:
        """Hand a message to its viewer, untouched."""
        viewer = self._attached.get(channel)
        if viewer is not None and viewer.host is host:
            self.relayed.to_viewers += len(message)
            viewer.seat.deliver(message)

    def host_down(self, host: HostSupervisor) -> None:
        """Tell its viewers."""
        for channel, viewer in list(self._attached.items()):
            if viewer.host is host:
                del self._attached[channel]
                viewer.seat.close(CloseCode.SERVER_ERROR, HOST_STOPPED)
