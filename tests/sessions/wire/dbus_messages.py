"""D-Bus messages as a QEMU would send them, made by jeepney (which the reader under test does not use)."""

from jeepney.low_level import Endianness, Header, HeaderFields, Message, MessageFlag, MessageType

LISTENER = "org.qemu.Display1.Listener"


def call(member, signature="", body=(), *, interface=LISTENER, serial=1, flags=0, fds=0):
    fields = {
        HeaderFields.path: "/org/qemu/Display1/Listener",
        HeaderFields.interface: interface,
        HeaderFields.member: member,
    }
    if signature:
        fields[HeaderFields.signature] = signature
    if fds:
        fields[HeaderFields.unix_fds] = fds
    return _message(MessageType.method_call, fields, body, serial, flags)


def reply(to, signature="", body=(), *, serial=9):
    fields = {HeaderFields.reply_serial: to}
    if signature:
        fields[HeaderFields.signature] = signature
    return _message(MessageType.method_return, fields, body, serial)


def error(to, name, text):
    fields = {HeaderFields.reply_serial: to, HeaderFields.error_name: name, HeaderFields.signature: "s"}
    return _message(MessageType.error, fields, (text,), 10)


def scanout(width, height, data, stride=None, format=0x20020888):
    return call("Scanout", "uuuuay", (width, height, stride or width * 4, format, data), flags=1)


def update(x, y, width, height, data, stride=None):
    return call("Update", "iiiiuuay", (x, y, width, height, stride or width * 4, 0x20020888, data), flags=1)


def _message(kind, fields, body, serial, flags=0):
    header = Header(Endianness.little, kind, MessageFlag(flags), 1, 0, serial, fields)
    return Message(header, body).serialise()


def feed(reader, data, step=1 << 30):
    """Feed a MessageReader as a socket would, at most `step` bytes at a time; yield its messages."""
    at = 0
    while at < len(data):
        room = reader.buffer()
        piece = data[at : at + min(step, len(room))]
        room[: len(piece)] = piece
        at += len(piece)
        yield from reader.received(len(piece))
