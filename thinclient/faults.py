"""What is nobody's doing: told in a sentence, kept in a log for who mends it."""

from __future__ import annotations

import logging
import os

FAULT = (
    "Either the gateway answers what it should not, or this program has a fault. "
    "With TSCLIENT_LOG=FILE that file tells more."
)


def in_a_line(text: str) -> str:
    """Return a text that somebody else may have written, for a terminal: one line, nothing that steers it."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def keep_log() -> None:
    """Keep details in the file that TSCLIENT_LOG names; without one they are dropped."""
    path = os.environ.get("TSCLIENT_LOG", "")
    if not path:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
