"""Why a file cannot be taken or given.

TransferError       a sentence for the person; `code` for programs
    WrongOffset     a piece of an upload does not begin where the last one ended; `offset` says where that is
"""

from __future__ import annotations


class TransferError(Exception):
    """Something cannot be done; the text is a sentence for the person, code is snake_case."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WrongOffset(TransferError):
    """A piece does not follow on what is there."""

    def __init__(self, offset: int) -> None:
        super().__init__("wrong_offset", "The upload goes on at another place.")
        self.offset = offset
