"""Rubbish into the QMP reader: messages or ProtocolError, the same whatever way the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.errors import ProtocolError
from sessions.wire.qmp import QmpReader

LINES = st.sampled_from([
    b'{"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 7}}}}\n', b'{"return": {}, "id": 1}\n',
    b'{"event": "X", "data": {"a": [1]}}\n', b'{"error": {"class": "c", "desc": "d"}, "id": 3}\r\n', b"\n",
    b'{"id": 1}\n', b'{"QMP": []}\n', b"[[[[", b'{"return": 1e999, "id": 2}\n', b'{"event": null}\n',
])  # fmt: skip


def outcome(data, cuts):
    reader, seen, at = QmpReader(limit=300), [], 0
    for cut in [*sorted(cuts), len(data)]:
        piece, at = data[at:cut], max(at, cut)
        try:
            seen += map(repr, reader.receive(piece))
        except ProtocolError as error:
            return str(error)
    return seen


@given(st.lists(LINES | st.binary(max_size=120), max_size=8).map(b"".join), st.lists(st.integers(0, 600)))
def test_a_message_or_an_error_however_it_is_cut(data, cuts):
    assert outcome(data, [min(cut, len(data)) for cut in cuts]) == outcome(data, range(len(data)))
