"""What a reader makes of bytes that come in pieces."""

from sessions.wire.errors import ProtocolError


def outcome(reader, data, cuts):
    """What it has seen in the end, or the sentence of its error. cuts: where the data is cut."""
    seen, at = [], 0
    for cut in [*sorted(cuts), len(data)]:
        piece, at = data[at:cut], max(at, cut)
        try:
            seen += map(repr, reader.receive(piece))
        except ProtocolError as error:
            return str(error)
    return seen
