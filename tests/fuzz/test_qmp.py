"""Rubbish into the QMP reader: messages or ProtocolError, the same whatever way the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.qmp import QmpReader
from tests.fuzz.pieces import outcome

LINES = st.sampled_from([
    b'{"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 7}}}}\n', b'{"return": {}, "id": 1}\n',
    b'{"event": "X", "data": {"a": [1]}}\n', b'{"error": {"class": "c", "desc": "d"}, "id": 3}\r\n', b"\n",
    b'{"id": 1}\n', b'{"QMP": []}\n', b"[[[[", b'{"return": 1e999, "id": 2}\n', b'{"event": null}\n',
])  # fmt: skip


def reader():
    return QmpReader(limit=300)


@given(st.lists(LINES | st.binary(max_size=120), max_size=8).map(b"".join), st.lists(st.integers(0, 600)))
def test_a_message_or_an_error_however_it_is_cut(data, cuts):
    cuts = [min(cut, len(data)) for cut in cuts]
    assert outcome(reader(), data, cuts) == outcome(reader(), data, range(len(data)))
