"""Exit codes, as of tsadmin; 2 is a command line that is wrong."""

import signal

from tsgateway.client import ClientError, NoRight, NotSignedIn, ServerAway

CANNOT, NO_RIGHT, AWAY, SIGNED_OUT = 1, 3, 4, 5
INTERRUPTED = 128 + signal.SIGINT
_CODES = ((ServerAway, AWAY), (NotSignedIn, SIGNED_OUT), (NoRight, NO_RIGHT), (ClientError, CANNOT))


def code_of(error: ClientError) -> int:
    """Return what the program ends with after an error."""
    return next(code for kind, code in _CODES if isinstance(error, kind))
