"""9P of a hostile guest: the same requests whole and byte by byte, and every one has a whole answer."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.transfer.served import Served
from sessions.transfer.shares import Shares
from sessions.wire import ninep
from sessions.wire.errors import ProtocolError
from tests.fuzz.pieces import outcome
from tests.sessions.transfer.guest import request

_VALUES = {
    "b": st.integers(0, 255), "h": st.integers(0, 65535), "q": st.integers(0, 2**64 - 1),
    "i": st.integers(0, 5) | st.integers(0, 2**32 - 1),
    "s": st.sampled_from([b"a", b"b", b"..", b".", b"", b"a/b"]) | st.binary(max_size=300),
    "d": st.binary(max_size=200), "n": st.lists(st.sampled_from([b"a", b"b", b".."]), max_size=16),
}  # fmt: skip
requests = st.sampled_from(sorted(ninep._FIELDS)).flatmap(
    lambda kind: st.tuples(*(_VALUES[each] for each in ninep._FIELDS[kind])).map(
        lambda values: request(kind, *values)
    )
)


@given(st.lists(requests | st.binary(max_size=60), max_size=5).map(b"".join), st.lists(st.integers(0, 900)))
def test_the_same_whole_and_in_pieces(data, cuts):
    whole = outcome(ninep.Cutter(), data, range(len(data)))
    assert outcome(ninep.Cutter(), data, [min(cut, len(data)) for cut in cuts]) == whole


@settings(max_examples=150, deadline=None)
@given(st.lists(requests, max_size=30))
def test_every_request_has_an_answer(tmp_path_factory, asked):
    folder = tmp_path_factory.mktemp("fuzz")
    share = Shares(folder / "shares", 50_000).of("ada", "desktop")
    served, cutter = Served(share), ninep.Cutter()
    begin = request(ninep.Kind.ATTACH, 0, 0, "user", "", 0)
    for data in (begin, *asked):
        try:
            made = cutter.receive(data)
        except ProtocolError:
            break
        for each in made:
            said = served.answer(each)
            size, kind, tag = struct.unpack_from("<IBH", said)
            assert (size, tag) == (len(said), each.tag)
            assert kind in (each.kind + 1, 7)
    served.close()
    assert sum(path.stat().st_size for path in share.tree.root.rglob("*") if path.is_file()) <= 50_000
    assert [path.name for path in folder.iterdir()] == ["shares"]
