"""An existing VNC server as a guest: a machine that somebody else starts and stops.

Spec of a desktop of this kind:

    kind      = "rfb"
    host      = "127.0.0.1"    # name or address of the server …
    port      = 5900           # … and its TCP port
    socket    = "/path"        # or its Unix socket, in place of host and port
    password  = "…"            # VNC password, where it asks for one; 8 characters count
    shared    = true           # false: other clients are thrown out
    encodings = "raw"          # or "zrle", for slow lines; by default raw on this machine, else zrle
    awake     = 30             # how often a second QEMU's server is kept awake; 0 for never
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.clipboard.vnc import VncClipboard
from sessions.displays.base import Display, DisplayError, DisplayEvents
from sessions.displays.rfb import AWAKE_HERTZ, open_rfb
from sessions.displays.sockets import connect_tcp, connect_unix
from sessions.guests.base import GuestError, Place, Progress
from sessions.guests.shown import OnlyShown
from sessions.pixels.framebuffer import Framebuffer
from sessions.wire.rfb import RfbClient
from sessions.wire.rfb.client import COMPACT, RAW

CONNECT_SECONDS = 10
MAX_AWAKE_HERTZ = 120

_ENCODINGS = {"raw": RAW, "zrle": COMPACT}


@dataclass(frozen=True)
class RfbSpec:
    """A valid spec; either `socket` or `host` is set."""

    host: str = ""
    port: int = 5900
    socket: str = ""
    password: str | None = None
    shared: bool = True
    encodings: str | None = None
    awake: float = AWAKE_HERTZ

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> RfbSpec:
        """Check and take a desktop's spec. Raises GuestError."""
        kinds = {
            "host": str, "port": int, "socket": str, "password": str, "shared": bool, "encodings": str,
            "awake": (int, float),
        }  # fmt: skip
        given = {key: value for key, value in spec.items() if key in kinds and value is not None}
        for key, value in given.items():
            is_number_but_bool = isinstance(value, bool) and kinds[key] is not bool
            if is_number_but_bool or not isinstance(value, kinds[key]):  # type: ignore[arg-type]
                raise GuestError(f"The setting “{key}” of this VNC desktop has a value of the wrong kind.")
        made = cls(**given)
        made._check()
        return made

    def _check(self) -> None:
        if bool(self.host) == bool(self.socket):
            raise GuestError("A VNC desktop needs either “host” (and “port”) or “socket”.")
        if not 0 < self.port < 65536:
            raise GuestError(f"The “port” of this VNC desktop is {self.port}; it must be from 1 to 65535.")
        if self.encodings is not None and self.encodings not in _ENCODINGS:
            raise GuestError(f"The “encodings” of this VNC desktop are “{self.encodings}”, not raw or zrle.")
        if not 0 <= self.awake <= MAX_AWAKE_HERTZ:
            raise GuestError(f"“awake” of this VNC desktop is {self.awake}, not from 0 to {MAX_AWAKE_HERTZ}.")


class RfbGuest(OnlyShown):
    """A guest that is only looked at: starting, adopting and stopping leave the server alone."""

    def __init__(self, spec: Mapping[str, Any], place: Place) -> None:
        super().__init__()
        self._spec = RfbSpec.read(spec)
        self._place = place
        self._clipboard = VncClipboard(place.reactor)

    @property
    def clipboard(self) -> VncClipboard:
        """The server's, while its display is open."""
        return self._clipboard

    async def start(self, progress: Progress) -> None:
        """Do nothing: whether the server answers shows when the display is opened.

        A connection to try it out would do harm where a server takes one client, once.
        """
        progress(100, "Connecting to the VNC server")

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Connect and shake hands. Raises DisplayError."""
        spec, reactor = self._spec, self._place.reactor
        connected = await self._connect()
        if spec.encodings is None:
            encodings = RAW if _is_local(connected) else COMPACT
        else:
            encodings = _ENCODINGS[spec.encodings]
        password = None if spec.password is None else spec.password.encode()
        client = RfbClient(password, spec.shared, encodings)
        display = await open_rfb(
            reactor, connected, client, framebuffer, events, awake=spec.awake, clipboard=self._clipboard
        )
        return self._keep(display)

    async def _connect(self) -> socket.socket:
        spec, reactor = self._spec, self._place.reactor
        try:
            if spec.socket:
                return await connect_unix(reactor, spec.socket, CONNECT_SECONDS)
            return await connect_tcp(reactor, spec.host, spec.port, CONNECT_SECONDS)
        except DisplayError as error:  # where the server is, is nobody's business but the operator's
            raise DisplayError("The VNC server of this desktop does not answer.", str(error)) from error


def _is_local(connected: socket.socket) -> bool:
    if connected.family == socket.AF_UNIX:
        return True
    address = ipaddress.ip_address(connected.getpeername()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
