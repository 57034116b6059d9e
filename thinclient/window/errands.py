"""Questions to the gateway, one after the other, on a thread that may wait."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from thinclient.faults import FAULT
from tsgateway.client import ClientError

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Errands(QObject):
    """Runs functions that raise ClientError; what comes of them arrives on the window's thread."""

    _back = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(1, "errand")
        self._back.connect(self._arrived, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        errand: Callable[[], Result],
        done: Callable[[Result], object],
        failed: Callable[[ClientError], object],
    ) -> None:
        """Call `errand` on the other thread, then `done` or `failed` on this."""

        def arrived(future: Future[Result]) -> None:
            self._back.emit(lambda: _told(future, done, failed))

        self._pool.submit(errand).add_done_callback(arrived)

    def end(self) -> None:
        """Wait for nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _arrived(self, tell: Callable[[], Any]) -> None:
        tell()


def _told(
    future: Future[Result], done: Callable[[Result], object], failed: Callable[[ClientError], object]
) -> None:
    if future.cancelled():
        return
    error = future.exception()
    if error is None:
        try:
            done(future.result())
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            error = wrong  # not what a gateway answers
        else:
            return
    if isinstance(error, ClientError):
        failed(error)
    else:
        _log.error("an errand has failed", exc_info=error)
        failed(ClientError(FAULT))
