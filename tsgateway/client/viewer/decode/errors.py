"""The error of all decoders."""

from __future__ import annotations


class DecodeError(Exception):
    """These pixels cannot be decoded; the text is fit for a close reason.

    The picture as it was last whole still stands, but no frame after this one can be decoded until a new
    stream begins.
    """
