"""docs/protocol.md says what the code does."""

from __future__ import annotations

import re

from sessions.wire import tsg
from tests.golden.tables import DOCUMENT, rewritten


def test_tables_are_current() -> None:
    text = DOCUMENT.read_text()
    assert rewritten(text) == text, "run python -m tests.golden.tables"


def test_every_message_has_its_table() -> None:
    text = DOCUMENT.read_text()
    for kind in {*tsg.FROM_VIEWER.values(), *tsg.FROM_SERVER.values()} - {tsg.Frame}:
        assert f"<!-- table: {kind.__name__} -->" in text


def test_the_annotated_example_is_what_the_code_makes() -> None:
    """Each example line is `hexadecimal  what it is`; a block of them is one message."""
    blocks = re.findall(r"```hex\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    messages = []
    for block in blocks:
        data = bytes.fromhex("".join(line.split("  ")[0] for line in block.splitlines()))
        known = tsg.FROM_VIEWER if data[0] in tsg.FROM_VIEWER else tsg.FROM_SERVER
        messages.append(tsg.decode(data, known))
    assert [type(message) for message in messages] == [
        tsg.ClientHello, tsg.ServerHello, tsg.ScreenSize, tsg.Frame, tsg.Ack,
    ]  # fmt: skip
    assert messages[1] == tsg.ServerHello(1, "s1", "Work", 1, 24, (1, 2))
