"""Rubbish from a shared machine: the same messages whatever way the bytes are cut, and never an error."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.seats import SeatsReader

LINES = st.sampled_from([
    b'{"id": "a", "result": {"seats": {"1": "s"}}}\n', b'{"event": "ended", "seat": 1, "session": "s"}\n',
    b'{"id": "b", "error": "No."}\r\n', b"\n", b'{"event": []}\n', b"[[[[", b'{"id": "a", "result": 1e999}\n',
    b'{"event": "hung-up", "seat": true, "session": ""}\n',
])  # fmt: skip


def messages(data, cuts):
    reader, seen, at = SeatsReader(limit=300), [], 0
    for cut in [*sorted(cuts), len(data)]:
        piece, at = data[at:cut], max(at, cut)
        seen += reader.receive(piece)
    return seen


@given(st.lists(LINES | st.binary(max_size=400), max_size=8).map(b"".join), st.lists(st.integers(0, 900)))
def test_the_same_messages_however_it_is_cut(data, cuts):
    assert messages(data, [min(cut, len(data)) for cut in cuts]) == messages(data, range(len(data)))
