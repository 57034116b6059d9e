"""Messages to pixels, exactly as docs/protocol.md says; without I/O, and with one decoder a file.

Whatever a server sends gives either the pixels it means or a DecodeError, and takes no memory beyond the
screen, the history window and what FFmpeg needs for pictures of that size.
"""

from tsgateway.client.viewer.decode.errors import DecodeError
from tsgateway.client.viewer.decode.picture import Added, Picture, Pixels

__all__ = ["Added", "DecodeError", "Picture", "Pixels"]
