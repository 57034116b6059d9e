"""tsclient under measurement: `python -m bench.native_client WORDS…` is `tsclient WORDS…`, and counts.

A line on its standard input has it print as JSON, for each whole picture since the last one: milliseconds
from the arrival of its last message until it is decoded, and until it has been handed to the X server.
"""

from __future__ import annotations

import json
import sys
import threading

from thinclient.main import run
from tsgateway.client.viewer.conversation import Conversation

pictures: list[tuple[float, float]] = []
acknowledge = Conversation._acknowledge


def noting(self: Conversation, number: int, arrived: float, decoded: float, *, present: bool) -> None:
    acknowledge(self, number, arrived, decoded, present=present)
    if present:
        pictures.append((1000 * (decoded - arrived), 1000 * (self._clock() - arrived)))


def answer() -> None:
    for _ in sys.stdin:
        taken, pictures[:] = list(pictures), []
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    Conversation._acknowledge = noting  # type: ignore[method-assign]
    threading.Thread(target=answer, daemon=True).start()
    run()
