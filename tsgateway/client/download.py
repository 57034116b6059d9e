"""A file on its way from a gateway, piece by piece: it may be larger than memory."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from tsgateway.client.errors import ServerAway

PIECE = 256 * 1024
"""Bytes that are read at a time."""


class Download:
    """What is left of a file. size: of all of it; first: the byte that comes next; tag: names this content.

    The tag is the same as long as the file is; it has at most 100 characters. Close it, or read all of it,
    before its client is asked for anything else.
    """

    def __init__(
        self,
        response: http.client.HTTPResponse,
        first: int,
        told: Callable[[], AbstractContextManager[None]],
        hang_up: Callable[[], None],
    ) -> None:
        self.tag = (response.getheader("ETag") or "")[:100]
        self._response = response
        self._told = told
        self._hang_up = hang_up
        length = response.length
        self.first, self.size = (0, length or 0) if response.status == 200 else (first, first + (length or 0))
        is_part = response.status == 206 and self._is_rest(response)
        if length is None or not (response.status == 200 or is_part):
            hang_up()
            raise ServerAway(
                "What answers there is not a gateway: it does not say what it sends of the file."
            )
        if not length:
            response.close()  # nothing is read of it, which the connection would wait for

    def read(self) -> bytes:
        """Return the next piece; b"" at the end. Raises ServerAway where the line ends before."""
        if self.first == self.size:
            return b""
        with self._told():
            data = self._response.read(min(PIECE, self.size - self.first))
        if not data:
            self._hang_up()
            raise ServerAway("The line was cut in the middle of the file.")
        self.first += len(data)
        return data

    def close(self) -> None:
        """Read no more."""
        if self.first != self.size:
            self._hang_up()

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_rest(self, response: http.client.HTTPResponse) -> bool:
        said = re.fullmatch(
            r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", response.getheader("Content-Range") or ""
        )
        return said is not None and tuple(map(int, said.groups())) == (self.first, self.size - 1, self.size)
