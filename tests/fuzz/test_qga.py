"""Rubbish into the guest agent's reader: a message or ProtocolError, whatever way the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.qga import QgaReader
from tests.fuzz.pieces import outcome

LINES = st.sampled_from([
    b'\xff{"return": 7}\n', b'\xff{"return": 7}\r\n', b'\xff{"return": 8}\n', b"\xff", b'{"return": {}}\n',
    b'{"return": 7}\n', b'{"error": {"class": "c", "desc": "d"}}\r\n', b"\n", b"[[[[", b'{"return": 1e999}\n',
    b" " * 130, b'{"error": null}\n',
])  # fmt: skip


def reader():
    made = QgaReader(limit=300)
    made.sync(7)
    return made


@given(st.lists(LINES | st.binary(max_size=120), max_size=10).map(b"".join), st.lists(st.integers(0, 600)))
def test_a_message_or_an_error_however_it_is_cut(data, cuts):
    cuts = [min(cut, len(data)) for cut in cuts]
    assert outcome(reader(), data, cuts) == outcome(reader(), data, range(len(data)))
