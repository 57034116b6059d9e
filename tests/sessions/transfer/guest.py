"""What a guest's kernel asks of a shared folder, as a test wants it."""

import struct

from sessions.transfer.served import Served
from sessions.wire import ninep
from sessions.wire.ninep import Kind


class Failed(Exception):
    """The answer is an error; its number."""


def pack(form, *values):
    """Fields of a request, as `ninep` cuts them."""
    parts = []
    for each, value in zip(form, values, strict=True):
        match each:
            case "s":
                raw = value if isinstance(value, bytes) else value.encode()
                parts.append(struct.pack("<H", len(raw)) + raw)
            case "d":
                parts.append(struct.pack("<I", len(value)) + value)
            case "n":
                parts.append(struct.pack("<H", len(value)) + b"".join(pack("s", name) for name in value))
            case _:
                parts.append(struct.pack({"b": "<B", "h": "<H", "i": "<I", "q": "<Q"}[each], value))
    return b"".join(parts)


def request(kind, *values, form=None):
    """A whole request."""
    body = pack(form or ninep._FIELDS[kind], *values)
    return ninep.HEAD.pack(ninep.HEAD.size + len(body), kind, 7) + body


class Kernel:
    """Asks a folder that is served."""

    def __init__(self, share):
        self.served = Served(share, 1000)
        self.cutter = ninep.Cutter()
        self.fids = 1
        assert self.ask(Kind.VERSION, ninep.MSIZE, ninep.VERSION) == pack("is", ninep.MSIZE, ninep.VERSION)
        self.ask(Kind.ATTACH, 0, 0xFFFFFFFF, "user", "", 1000)

    def ask(self, kind, *values):
        """The fields of the answer. Raises Failed."""
        (made,) = self.cutter.receive(request(kind, *values))
        said = self.served.answer(made)
        size, answered, tag = ninep.HEAD.unpack_from(said)
        assert (size, tag) == (len(said), 7)
        body = said[ninep.HEAD.size :]
        if answered == Kind.LERROR + 1:
            raise Failed(int.from_bytes(body, "little"))
        assert answered == kind + 1
        return body

    def walk(self, *names, start=0):
        """A fid for what is there. Raises Failed, LookupError when it leads not all the way."""
        self.fids += 1
        body = self.ask(Kind.WALK, start, self.fids, names)
        if int.from_bytes(body[:2], "little") != len(names):
            raise LookupError(names)
        return self.fids

    def create(self, name, *folder):
        fid = self.walk(*folder)
        self.ask(Kind.LCREATE, fid, name, 2, 0o644, 0)
        return fid

    def write(self, fid, offset, data):
        return int.from_bytes(self.ask(Kind.WRITE, fid, offset, data), "little")

    def read(self, fid, offset, count):
        return self.ask(Kind.READ, fid, offset, count)[4:]

    def list(self, *folder):
        fid = self.walk(*folder)
        self.ask(Kind.LOPEN, fid, 0)
        names, offset = [], 0
        while body := self.ask(Kind.READDIR, fid, offset, 300)[4:]:
            while body:
                offset, _, size = struct.unpack_from("<QBH", body, 13)
                names.append(body[24 : 24 + size].decode())
                body = body[24 + size :]
        return names

    def status(self, fid):
        """(mode, uid, size)."""
        body = self.ask(Kind.GETATTR, fid, 0x7FF)
        mode, uid, _, _, _, size = struct.unpack_from("<IIIQQQ", body, 21)
        return mode, uid, size
