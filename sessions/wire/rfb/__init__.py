"""RFB (VNC), the client's side, without input or output: RFC 6143 and the community's extensions.

    client      RfbClient: bytes in, events out; the only thing a caller needs beside `messages`
    events      what comes out
    messages    what a client may send
    handshake   versions, security types, VNC's password
    updates     framebuffer updates, rectangle by rectangle
    clipboard   texts that are cut, plain and extended
    hextile     one decoder a file
    zrle

Parsers are generators: they yield either a number, for the bytes they want next, or an event.
"""

from sessions.wire.rfb.client import RfbClient
from sessions.wire.rfb.handshake import Refused

__all__ = ["Refused", "RfbClient"]
