"""What is asked of a guest agent and what it answers, as values. Whatever it says may be a lie or a trap.

Fields are those of the "QEMU Guest Agent Protocol Reference". An answer of another shape raises GuestError
where nothing can be done without it, and is as good as none where something can (`read_info`).
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from sessions.guests.base import Finished, GuestError, GuestInfo

MAX_COMMAND = 64 * 1024
"""Bytes of a command line to be run."""
MAX_INPUT = 512 * 1024
"""Bytes of a program's input."""
MAX_TEXT = 200
"""Characters kept of what a guest says for people to read."""
MAX_ADDRESSES = 32
MAX_SIGNAL = 64
MAX_CODE = 1 << 32  # Windows' are of 32 bits
INFO_COMMANDS = ("guest-get-osinfo", "guest-get-host-name", "guest-network-get-interfaces", "guest-get-time")
"""What `read_info` joins, after `guest-info`."""
LAST_SECOND = 1 << 34  # in the year 2514; nothing later can be a guest's idea of now


def shown(text: object, limit: int = MAX_TEXT) -> str:
    """Return a guest's words so that they can stand in a line of ours: cut, and no control characters."""
    if not isinstance(text, str):
        return ""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:limit])


def exec_arguments(command: Sequence[str], input: bytes) -> dict[str, Any]:
    """Return the arguments of `guest-exec`. Raises GuestError for what no program can be given."""
    if not command or not command[0] or any("\0" in word for word in command):
        raise GuestError("A command needs a program's name, and no word of it may hold a zero byte.")
    if sum(len(word.encode(errors="surrogatepass")) + 1 for word in command) > MAX_COMMAND:
        raise GuestError(f"A command for a guest may have {MAX_COMMAND} bytes.")
    if len(input) > MAX_INPUT:
        raise GuestError(f"The input of a command in a guest may have {MAX_INPUT} bytes.")
    arguments: dict[str, Any] = {"path": command[0], "arg": list(command[1:]), "capture-output": True}
    if input:
        arguments["input-data"] = base64.b64encode(input).decode()
    return arguments


def read_pid(value: Any) -> int:
    """Take the answer to `guest-exec`. Raises GuestError."""
    pid = value.get("pid") if isinstance(value, dict) else None
    if type(pid) is not int or not 0 <= pid < 1 << 63:
        raise GuestError("The guest's agent has answered with rubbish.", f"guest-exec: {value!r:.200}")
    return pid


def read_status(value: Any, limit: int) -> Finished | None:
    """Take the answer to `guest-exec-status`; None while the program runs. Raises GuestError."""
    try:
        if not value["exited"]:
            return None
        code, signal = value.get("exitcode"), value.get("signal")
        if type(signal) is int and 0 < signal <= MAX_SIGNAL:
            code = -signal
        if type(code) is not int or not -MAX_CODE < code < MAX_CODE:
            raise ValueError(f"exit code {code!r:.80}")
        out, err = (_output(value.get(name, ""), limit) for name in ("out-data", "err-data"))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        detail = f"guest-exec-status: {error}"
        raise GuestError("The guest's agent has answered with rubbish.", detail) from error
    if value.get("out-truncated") or value.get("err-truncated"):
        raise _too_much(limit)
    return Finished(code, out, err)


def _output(data: str, limit: int) -> bytes:
    if len(data) > limit * 4 // 3 + 4:
        raise _too_much(limit)
    output = base64.b64decode(data, validate=True)
    if len(output) > limit:
        raise _too_much(limit)
    return output


def _too_much(limit: int) -> GuestError:
    return GuestError(f"The command has printed more than {limit} bytes; let it write into a file.")


def read_info(version: Any, os: Any, host: Any, interfaces: Any, time: Any) -> GuestInfo:
    """Join the answers to guest-info and `INFO_COMMANDS`; None where there is none."""

    def field(table: Any, name: str) -> str:
        return shown(table.get(name)) if isinstance(table, dict) else ""

    now = time / 1e9 if type(time) is int and 0 <= time < LAST_SECOND * 10**9 else 0.0
    return GuestInfo(
        os=field(os, "name") or field(os, "id"),
        version=field(os, "version") or field(os, "version-id"),
        host_name=field(host, "host-name"),
        addresses=tuple(itertools.islice(_addresses(interfaces), MAX_ADDRESSES)),
        agent=field(version, "version"),
        time=now,
    )


def _addresses(interfaces: Any) -> Iterator[str]:
    for interface in interfaces if isinstance(interfaces, list) else ():
        listed = interface.get("ip-addresses") if isinstance(interface, dict) else None
        for entry in listed if isinstance(listed, list) else ():
            text = entry.get("ip-address") if isinstance(entry, dict) else None
            try:
                address = ipaddress.ip_address(str(text).partition("%")[0])
            except ValueError:
                continue
            if not address.is_loopback:
                yield str(address)
