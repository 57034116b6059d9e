"""The tables of docs/protocol.md, made from the code so that they cannot say anything else.

Run `python -m tests.golden.tables` after a change of the protocol: it rewrites what lies between each
`<!-- table: name -->` and `<!-- end -->`.
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Sequence
from pathlib import Path

from sessions.wire import tsg

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(document: str) -> str:
    """The document with every marked table as the code has it. Raises KeyError for an unknown name."""
    return _MARKED.sub(lambda found: found[1] + table(found[2]) + found[3], document)


def table(name: str) -> str:
    """A Markdown table: of a message's fields, of an enumeration, `messages` or `limits`."""
    if name == "messages":
        return _messages()
    if name == "limits":
        return _limits()
    kind = getattr(tsg, name, None)
    if isinstance(kind, enum.EnumMeta):
        members = kind.__members__.items()
        return _rows(("number", "name"), [(f"{int(member)}", f"`{name}`") for name, member in members])
    kinds = {kind.__name__: kind for kind in (*tsg.FROM_VIEWER.values(), *tsg.FROM_SERVER.values())}
    fields = [(field.name, field.spec) for field in kinds[name].FIELDS]
    return (
        _rows(("field", "type"), [(f"`{field}`", spec) for field, spec in fields])
        if fields
        else "No fields.\n"
    )


def _messages() -> str:
    rows = []
    for number, kind in sorted({**tsg.FROM_VIEWER, **tsg.FROM_SERVER}.items()):
        viewer, server = number in tsg.FROM_VIEWER, number in tsg.FROM_SERVER
        way = "both" if viewer and server else "viewer → server" if viewer else "server → viewer"
        summary = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        rows.append((f"`0x{number:02x}`", f"`{kind.__name__}`", way, summary))
    return _rows(("type", "name", "direction", "meaning"), rows)


def _limits() -> str:
    rows = [
        ("a message from a viewer, bytes", tsg.MAX_CLIENT_MESSAGE),
        ("a message from the server, bytes", tsg.MAX_SERVER_MESSAGE),
        ("width and height of a screen, pixels", tsg.MAX_SCREEN),
        ("operations of one `Frame`", tsg.MAX_OPERATIONS),
        ("the text of a `Dialog`, bytes", tsg.MAX_DIALOG),
        ("width and height of a pointer's picture, pixels", tsg.MAX_CURSOR),
    ]
    return _rows(("what", "at most"), [(what, f"{number}") for what, number in rows])


def _rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Bring the document up to date."""
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
