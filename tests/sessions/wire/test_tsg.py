"""The protocol against its golden vectors, which the browser client's tests read too, and against chance."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.wire import tsg
from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.lengths import LengthPrefixed
from tests.golden import make

GOLDEN: dict[str, Any] = json.loads((Path(make.__file__).parent / "tsg.json").read_text())
ERRORS = {kind.__name__: kind for kind in (ProtocolError, LimitExceeded, tsg.UnknownMessage)}
MESSAGES = {kind.__name__: kind for kind in (*tsg.FROM_VIEWER.values(), *tsg.FROM_SERVER.values())}


def revive(name: str, fields: dict[str, Any]) -> tsg.Message:
    """A message as the vectors write it."""
    return MESSAGES[name](**{key: _revive(key, value) for key, value in fields.items()})


def _revive(key: str, value: Any) -> Any:
    if key in ("ticket", "pixels", "history", "data", "samples"):
        return bytes.fromhex(value)
    if key == "operations":
        return tuple(tsg.Operation(**{k: _revive(k, v) for k, v in item.items()}) for item in value)
    if key == "stages":
        return tuple(tsg.StageTime(**item) for item in value)
    if key == "people":
        return tuple(tsg.PersonHere(**item) for item in value)
    if key == "parts":
        return tuple(tsg.ClipboardPart(**item) for item in value)
    return tuple(value) if isinstance(value, list) else value


def test_vectors_are_those_of_this_code() -> None:
    assert make.vectors() == GOLDEN, "run python -m tests.golden.make and read the difference"


def test_every_message_is_among_the_vectors() -> None:
    assert {vector["name"] for vector in GOLDEN["valid"]} == set(MESSAGES)


@pytest.mark.parametrize("vector", GOLDEN["valid"], ids=lambda vector: vector["name"])
def test_valid_vectors_both_ways(vector: dict[str, Any]) -> None:
    message = revive(vector["name"], vector["fields"])
    assert message.encode().hex() == vector["hex"]
    assert vector["from"]
    for side in vector["from"]:
        assert tsg.decode(bytes.fromhex(vector["hex"]), make.known(side)) == message


@pytest.mark.parametrize("vector", GOLDEN["valid"], ids=lambda vector: vector["name"])
def test_every_beginning_of_a_message_is_refused(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    for length in range(min(len(data), 400)):
        with pytest.raises(ProtocolError):
            tsg.decode(data[:length], make.known(vector["from"][0]))


@pytest.mark.parametrize("vector", GOLDEN["extended"], ids=lambda vector: vector["name"])
def test_optional_fields_are_skipped(vector: dict[str, Any]) -> None:
    for side in vector["from"]:
        found = tsg.decode(bytes.fromhex(vector["hex"]), make.known(side))
        assert found == revive(vector["name"], vector["fields"])


@pytest.mark.parametrize("data", GOLDEN["ignored"])
def test_optional_types_are_ignored(data: str) -> None:
    assert tsg.decode(bytes.fromhex(data), tsg.FROM_SERVER) is None
    assert tsg.decode(bytes.fromhex(data), tsg.FROM_VIEWER) is None


@pytest.mark.parametrize("vector", GOLDEN["malformed"], ids=lambda vector: vector["why"])
def test_malformed_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        tsg.decode(bytes.fromhex(vector["hex"]), make.known(vector["from"]))
    assert type(caught.value) is ERRORS[vector["error"]]


@pytest.mark.parametrize(
    "message",
    [
        tsg.Pointer(-1, 0, 0),
        tsg.Pointer(0, 0x10000, 0),
        tsg.Wheel(0x8000, 0),
        tsg.TypeText("é" * 2049),
        tsg.ClientHello(1, b"x" * 65, "", 1, 1, ()),
        tsg.ClientHello(1, b"", "", 1, 1, (0,) * 256),
        tsg.Cursor(1, 1, 0, 0, bytes(4 * 256 * 256 + 1)),
        tsg.Frame(-1, 0, (), b""),
        tsg.Frame(1, 0, (tsg.Operation(0, 0, 0, 0x10000, 1),), b""),
    ],
    ids=repr,
)
def test_fields_that_do_not_fit_are_not_encoded(message: tsg.Message) -> None:
    with pytest.raises(ValueError, match=r"\w+: "):
        message.encode()


def _framed() -> tuple[bytes, list[bytes]]:
    messages = [bytes.fromhex(vector["hex"]) for vector in GOLDEN["valid"]]
    return b"".join(map(LengthPrefixed.frame, messages)), messages


def test_length_prefixed_byte_by_byte_as_whole() -> None:
    data, messages = _framed()
    assert LengthPrefixed(limit=8192).receive(data) == messages
    cutter = LengthPrefixed(limit=8192)
    assert [message for byte in data for message in cutter.receive(bytes([byte]))] == messages


@given(st.lists(st.integers(0, 20000)))
def test_length_prefixed_however_it_is_split(cuts: list[int]) -> None:
    data, messages = _framed()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    cutter = LengthPrefixed(limit=8192)
    found = [m for start, end in itertools.pairwise(edges) for m in cutter.receive(data[start:end])]
    assert found == messages


def test_length_prefixed_refuses_by_the_length_alone() -> None:
    with pytest.raises(LimitExceeded):
        LengthPrefixed(limit=64).receive(b"\x00\x00\x00\x41")
    with pytest.raises(ProtocolError):
        LengthPrefixed(limit=64).receive(b"\x00\x00\x00\x00")
    assert LengthPrefixed(limit=64).receive(b"\x00\x00\x00\x40" + b"x" * 64) == [b"x" * 64]


_known = st.sampled_from([tsg.FROM_VIEWER, tsg.FROM_SERVER])
_typed = st.builds(
    lambda kind, body: bytes([kind]) + body,
    st.sampled_from(sorted({*tsg.FROM_VIEWER, *tsg.FROM_SERVER, 0x80})),
    st.binary(max_size=80),
)
_mutated = st.builds(
    lambda vector, at, byte: (
        (data := bytearray.fromhex(vector["hex"]))[: at % len(data)]
        + bytes([byte])
        + data[at % len(data) + 1 :]
    ),
    st.sampled_from([vector for vector in GOLDEN["valid"] if len(vector["hex"]) < 400]),
    st.integers(0, 400),
    st.integers(0, 255),
)


@settings(max_examples=1000)
@given(_known, st.one_of(st.binary(max_size=200), _typed, _mutated))
def test_any_bytes_are_a_message_or_a_protocol_error(
    known: dict[int, type[tsg.Message]], data: bytes
) -> None:
    try:
        message = tsg.decode(bytes(data), known)
    except ProtocolError:
        return
    if message is None:
        assert data[0] >= 0x80
    else:
        # Nothing was misread: the message says the same again, but for optional fields.
        assert bytes(data).startswith(message.encode())


def test_streams_of_the_vectors_decode_with_the_reference_decoder() -> None:
    """The JavaScript tests decode stream.json: make sure that it is what it should be."""
    golden = json.loads((Path(make.__file__).parent / "stream.json").read_text())
    fresh = make.stream()
    assert [f["sha256"] for f in golden["frames"]] == [f["sha256"] for f in fresh["frames"]]
    decoder: Any = None
    for entry in golden["frames"]:
        frame = tsg.decode(make.base64.b64decode(entry["message"]), tsg.FROM_SERVER)
        assert isinstance(frame, tsg.Frame)
        if frame.flags & tsg.FrameFlag.NEW_STREAM:
            decoder = zstandard.ZstdDecompressor().decompressobj()
        pixels = decoder.decompress(frame.history)
        assert len(pixels) == sum(4 * op.width * op.height for op in frame.operations)
