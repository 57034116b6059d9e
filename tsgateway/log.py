"""What is logged, on stderr: a readable line an event, or a JSON object a line for other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TextIO

from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsText,
    globalLogBeginner,
)
from twisted.python.failure import Failure

MAX_FIELD = 4000
"""Characters of one field of a JSON line."""
TAKEN = frozenset({"time", "level", "namespace", "message", "failure"})
"""Members of a JSON line that no event's own fields replace."""


def start_logging(level: str, form: str = "text", stream: TextIO = sys.stderr) -> None:
    """Begin to log to `stream`. level: debug, info, warn or error; Twisted's own chatter from warn on.

    form: text or json.
    """
    chosen: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(level))
    for name in ("twisted", "log_legacy", "-"):
        chosen.setLogLevelForNamespace(name, LogLevel.warn)
    write = writer(stream, json_line if form == "json" else line)
    observer: Any = FilteringLogObserver(write, [chosen])  # type: ignore[arg-type]
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)


def writer(stream: TextIO, form: Callable[[LogEvent], str]) -> Callable[[LogEvent], None]:
    """Return what writes events to a stream, as lines of a form."""

    def write(event: LogEvent) -> None:
        stream.write(form(event) + "\n")
        stream.flush()

    return write


def line(event: LogEvent) -> str:
    """Return an event as a line: local time, level unless it is info, text."""
    stamp = datetime.fromtimestamp(event["log_time"], UTC).astimezone()
    text = eventAsText(event, includeTimestamp=False, includeSystem=False).strip()
    level = event["log_level"].name
    return f"{stamp:%Y-%m-%d %H:%M:%S} {'' if level == 'info' else level + ': '}{text}"


def json_line(event: LogEvent) -> str:
    """Return an event as a JSON object: time, level, namespace, message, and the fields of its own.

    failure: the traceback, where there is one.
    """
    stamp = datetime.fromtimestamp(event["log_time"], UTC)
    text = eventAsText(event, includeTraceback=False, includeTimestamp=False, includeSystem=False)
    told: dict[str, Any] = {
        "time": stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": event["log_level"].name,
        "namespace": event.get("log_namespace", ""),
        "message": text.strip(),
    }
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        told["failure"] = failure.getTraceback()
    told.update(_fields(event))
    return json.dumps(told, ensure_ascii=False)


def _fields(event: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in event.items() if not name.startswith("log_")}
    return {name: _plain(value) for name, value in own.items() if name not in TAKEN and _is_told(name)}


def _is_told(name: str) -> bool:
    """Whether it is the event's own: legacy events carry much of Twisted's."""
    return name.isidentifier() and name not in ("isError", "system", "format", "message", "printed")


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bool | int | float) or value is None:
        return value
    return str(value)[:MAX_FIELD].encode(errors="replace").decode()
