"""The part of docs/sessions.md that is made from the table of states.

`python -m sessions.reference docs/sessions.md` writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sessions.lifecycle import markdown

BEGIN = "<!-- made by `python -m sessions.reference docs/sessions.md` from sessions/lifecycle.py -->\n"
END = "<!-- to here -->\n"


def renewed(page: str) -> str:
    """Return the page with that part as it is now. Raises ValueError when the page has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page lacks the lines between which the life cycle is written")
    return f"{before}{begin}\n{markdown()}\n{end}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text()))
