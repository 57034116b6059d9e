"""The history stream: one zstd frame (RFC 8878) that is never ended, fed a piece with each `Frame`.

A few bytes of zstd can promise gigabytes, and python-zstandard's decompressor gives out all there is at
once. So a chunk is cut at its blocks, which say how much each can yield at most, and fed a few blocks at a
time: what is too much is noticed after `PIECE` bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

from tsgateway.client.viewer.decode.errors import DecodeError

PIECE = 1 << 20
"""Bytes after which output is handed on; up to one block more comes at a time."""
MIN_WINDOW_LOG, MAX_WINDOW_LOG = 10, 27
"""zstd knows no smaller window; larger ones no zstd decoder takes without being told to."""

_MAX_BLOCK = 128 * 1024
_HEADER = 3
_RAW, _RLE, _COMPRESSED = 0, 1, 2


class History:
    """The decoder of one connection. window_log: log2 of the largest window that was agreed on."""

    def __init__(self, window_log: int) -> None:
        self._max_window = 1 << max(window_log, MIN_WINDOW_LOG)
        self._stream: zstandard.ZstdDecompressionObj | None = None

    def decode(self, chunk: bytes, *, new_stream: bool) -> Iterator[bytes]:
        """Feed a frame's history; yield what comes out of it, at most `PIECE` and a block at a time.

        Who stops before the end has lost the stream. Raises DecodeError.
        """
        first = 0
        if new_stream:
            first = self._checked_header(chunk)
            self._stream = zstandard.ZstdDecompressor(max_window_size=self._max_window).decompressobj()
        stream, self._stream = self._stream, None
        if stream is None:
            raise DecodeError("history of a stream that has not begun, or has broken")
        try:
            for piece in _pieces(chunk, first):
                yield stream.decompress(piece)
        except zstandard.ZstdError as error:
            raise DecodeError(f"the history stream is broken: {error}") from None
        self._stream = stream

    def _checked_header(self, chunk: bytes) -> int:
        """Return the length of the header that begins a stream."""
        try:
            size = zstandard.frame_header_size(chunk)
            window = zstandard.get_frame_parameters(chunk).window_size
        except zstandard.ZstdError:
            raise DecodeError("a new history stream begins with no zstd header") from None
        if window > self._max_window:
            raise DecodeError(f"a history window of {window} bytes, {self._max_window} were agreed on")
        return size


def _pieces(chunk: bytes, at: int) -> Iterator[bytes]:
    """Cut a chunk behind blocks (RFC 8878, 3.1.1.2), the first of which begins at `at`."""
    start = promised = 0
    while at < len(chunk):
        header = int.from_bytes(chunk[at : at + _HEADER], "little")
        is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
        at += _HEADER + (1 if kind == _RLE else size)
        if is_last or kind > _COMPRESSED or size > _MAX_BLOCK or at > len(chunk):
            raise DecodeError("a history chunk is not made of whole blocks that go on")
        promised += _MAX_BLOCK if kind == _COMPRESSED else size
        if promised >= PIECE:
            yield chunk[start:at]
            start, promised = at, 0
    if start < at:
        yield chunk[start:at]
