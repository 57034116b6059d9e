"""The errors every parser of this package raises.

ProtocolError          a peer broke its protocol; the connection cannot go on
└── LimitExceeded      a length, size or count beyond what this side takes
"""


class ProtocolError(Exception):
    """A peer sent something its protocol does not allow. The text is fit for a close reason."""


class LimitExceeded(ProtocolError):
    """A length, size or count is beyond the stated limit; nothing was allocated for it."""
