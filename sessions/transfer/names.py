"""Names of files and folders, from whoever wants to give them. Pure."""

from __future__ import annotations

import unicodedata

from sessions.transfer.errors import TransferError

MAX_NAME = 255
"""Bytes of a name in UTF-8; file systems take no more."""
MAX_DEPTH = 64
MAX_PATH = 4096
"""Bytes of a whole path."""

Path = tuple[str, ...]
"""The names on the way from the shared folder to something in it; () is the shared folder."""


def checked(name: str) -> str:
    """Return a new name as it is kept: composed (NFC). Raises TransferError for one that cannot be."""
    try:
        name = unicodedata.normalize("NFC", name)
        size = len(name.encode())
    except UnicodeEncodeError:
        raise TransferError("name", "The name has characters that are none.") from None
    if not name or name.isspace() or name in (".", ".."):
        raise TransferError("name", "A file or folder needs a name.")
    if "/" in name or "\\" in name:
        raise TransferError("name", f"“{shown(name)}”: a name has no slashes.")
    if any(is_control(character) for character in name):
        raise TransferError("name", f"“{shown(name)}”: the name has characters that cannot be seen.")
    if size > MAX_NAME:
        raise TransferError("name", f"The name “{shown(name[:40])}…” is too long.")
    return name


def is_control(character: str) -> bool:
    """Whether a character does something to the text around it: controls, turns of direction."""
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and character not in "\u200c\u200d")


def shown(name: str) -> str:
    """Return a name for a sentence, without what could disturb that."""
    return "".join("\ufffd" if is_control(character) else character for character in name[:MAX_NAME])


def split(path: str) -> Path:
    """Return the names of a path to something that is there, as it was listed. Raises TransferError.

    Names are taken as they are: a guest may have given them.
    """
    names = tuple(path.split("/")) if path else ()
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        size = MAX_PATH + 1
    if len(names) > MAX_DEPTH or size > MAX_PATH:
        raise TransferError("name", "The path is too long.")
    if any(
        not name or name in (".", "..") or "\0" in name or len(name.encode()) > MAX_NAME for name in names
    ):
        raise TransferError("name", "This is not the path of anything here.")
    return names


def fresh(path: str) -> Path:
    """Return the names of a path to something new, each one `checked`. Raises TransferError."""
    names = tuple(checked(name) for name in path.split("/"))
    if len(names) > MAX_DEPTH or len(path.encode(errors="replace")) > MAX_PATH:
        raise TransferError("name", "The path is too long.")
    return names


def numbered(name: str, number: int) -> str:
    """Return "name (2).ext" for "name.ext", shortened where it would be too long."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > 16:
        stem, dot, ending = name, "", ""
    tail = f" ({number}){dot}{ending}"
    room = MAX_NAME - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore") + tail
