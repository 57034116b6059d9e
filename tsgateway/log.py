"""What is logged: one readable line an event, on stderr."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsText,
    globalLogBeginner,
)


def start_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Begin to log to `stream`. level: debug, info, warn or error; Twisted's own chatter from warn on."""
    chosen: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(level))
    for name in ("twisted", "log_legacy", "-"):
        chosen.setLogLevelForNamespace(name, LogLevel.warn)

    def write(event: LogEvent) -> None:
        stream.write(line(event) + "\n")
        stream.flush()

    observer: Any = FilteringLogObserver(write, [chosen])  # type: ignore[arg-type]
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)


def line(event: LogEvent) -> str:
    """Return an event as a line: local time, level unless it is info, text."""
    stamp = datetime.fromtimestamp(event["log_time"], UTC).astimezone()
    text = eventAsText(event, includeTimestamp=False, includeSystem=False).strip()
    level = event["log_level"].name
    return f"{stamp:%Y-%m-%d %H:%M:%S} {'' if level == 'info' else level + ': '}{text}"
