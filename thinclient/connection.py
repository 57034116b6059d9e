"""Connection files: where to, as whom, how it is to look. `.tsc` is ours; of `.rdp` we read what makes sense.

They hold no secrets: a password that somebody writes into one is refused, or in an .rdp passed over.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from thinclient.monitors import ALL, numbered

MAX_FILE = 64 * 1024
SCALES = ("fit", "actual")
KEYBOARDS = ("keys", "text")
CARRIERS = ("auto", "tls", "websocket")


class WrongFile(Exception):
    """A connection file cannot be used; the text is a sentence with the line, where there is one."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connection file says; "" for nothing.

    address: https://NAME[:PORT]/. desktop: id or title. name: of the person. fingerprint: SHA-256 of the one
    certificate to trust. ca_file: PEM. size: WIDTHxHEIGHT, "" for the window's. scale: one of SCALES.
    keyboard: one of KEYBOARDS. carrier: one of CARRIERS. browser: sign in with the system's. monitors: those
    that full screen fills, "all" or numbers like 1,2 from left to right; "" for the one it is on.
    kiosk: full screen, nothing else, opened again when it has ended.
    """

    address: str = ""
    desktop: str = ""
    name: str = ""
    fingerprint: str = ""
    ca_file: str = ""
    size: str = ""
    scale: str = "fit"
    keyboard: str = "keys"
    carrier: str = "auto"
    browser: bool = False
    full_screen: bool = False
    kiosk: bool = False
    monitors: str = ""


def parsed_size(size: str) -> tuple[int, int] | None:
    """Read 1280x800; "" is None. Raises ValueError."""
    if not size:
        return None
    found = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", size)
    if found is None or not (int(found[1]) and int(found[2])):
        raise ValueError(f"“{size}” is no size like 1280x800")
    return int(found[1]), int(found[2])


def read(data: bytes, name: str) -> Connection:
    """Read a file's content. name: the file's, for its kind and for errors. Raises WrongFile."""
    if len(data) > MAX_FILE:
        raise WrongFile(f"{name} is larger than a connection file can be ({MAX_FILE >> 10} KiB).")
    if name.lower().endswith(".rdp"):
        return _read_rdp(_text(data, name), name)
    return _read_tsc(_text(data, name), name)


def written(connection: Connection) -> str:
    """Return the text of a .tsc file; what is as ever is left out."""
    usual = Connection()
    lines = [
        f"{field.name} = {_monitors_toml(value) if field.name == 'monitors' else _toml(value)}"
        for field in fields(connection)
        if (value := getattr(connection, field.name)) != getattr(usual, field.name)
    ]
    return "\n".join(lines) + "\n"


def _toml(value: str | bool) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # else JSON's strings are TOML's


def _monitors_toml(monitors: str) -> str:
    return _toml(monitors) if monitors == ALL else f"[{monitors.replace(',', ', ')}]"


# ---- .tsc


def _read_tsc(text: str, name: str) -> Connection:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*) \(at (?:line (\d+).*|end of document)\)$", str(error))
        line = int(found[2]) if found and found[2] else text.count("\n") + 1
        what = (found[1] if found else str(error)).lower()
        raise WrongFile(f"{name}, line {line}: it is not written as TOML, {what}.") from None
    usual = Connection()
    for key, value in told.items():
        where = f"{name}, line {_line_of(key, text)}"
        if key in ("password", "token"):
            raise WrongFile(f"{where}: a connection file holds no secrets; remove “{key}”.")
        if not hasattr(usual, key):
            known = ", ".join(field.name for field in fields(usual))
            raise WrongFile(f"{where}: nothing is called “{key}”; there are {known}.")
        if key == "monitors":
            told[key] = _monitors(value, where)
            continue
        wanted = type(getattr(usual, key))
        if type(value) is not wanted:
            kind = "true or false" if wanted is bool else "a text in quotes"
            raise WrongFile(f"{where}: “{key}” has to be {kind}.")
        if problem := _problem(key, value):
            raise WrongFile(f"{where}: {problem}.")
    return replace(usual, **told)


def _monitors(value: Any, where: str) -> str:
    numbers = value if isinstance(value, list) else []
    if value == ALL or (numbers and all(type(each) is int and 0 < each < 100 for each in numbers)):
        return numbered(numbers) or ALL
    raise WrongFile(f"{where}: “monitors” has to be “all” or numbers like [1, 2].")


def _problem(key: str, value: Any) -> str:
    """Return what is wrong with a value, "" for nothing."""
    if key == "size":
        try:
            parsed_size(value)
        except ValueError as error:
            return str(error)
    choices: Mapping[str, tuple[str, ...]] = {
        "scale": SCALES, "keyboard": KEYBOARDS, "carrier": CARRIERS,
    }  # fmt: skip
    if key in choices and value not in choices[key]:
        return f"“{key}” is one of {', '.join(choices[key])}, not “{value}”"
    if key == "address" and not re.fullmatch(r"https://[^\s/?#@]+/?", value):
        return f"“{value}” is not an address like https://desk.example.org:8443/"
    if key == "fingerprint" and not re.fullmatch(r"(?:[0-9A-Fa-f]{2}:?){32}", value):
        return "a fingerprint is 64 digits of SHA-256, with or without colons"
    return ""


def _line_of(key: str, text: str) -> int:
    written_as = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]|\s*\[+\s*{re.escape(key)}\b")
    return next((at for at, line in enumerate(text.split("\n"), 1) if written_as.match(line)), 1)


# ---- .rdp

_RDP_PORT = "3389"
_RDP_LINE = re.compile(r"([^:]+):([isb]):(.*)")


def _read_rdp(text: str, name: str) -> Connection:
    told: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = _RDP_LINE.fullmatch(line.strip())
        if found is None:
            raise WrongFile(f"{name}, line {number}: it is not of the form name:type:value.")
        if found[2] == "i" and not re.fullmatch(r"-?\d{1,9}", found[3].strip()):
            raise WrongFile(f"{name}, line {number}: “{found[1]}” has to be a number.")
        told[found[1].strip().lower()] = found[3].strip()
    gateway, target = told.get("gatewayhostname", ""), told.get("full address", "")
    host = gateway or target
    if not host:
        raise WrongFile(f"{name}: it names no computer; “full address:s:…” is missing.")
    address = f"https://{host.removesuffix(':' + _RDP_PORT)}/"
    if problem := _problem("address", address):
        raise WrongFile(f"{name}: {problem}.")
    full = told.get("screen mode id", "1") == "2"
    sides = told.get("desktopwidth", ""), told.get("desktopheight", "")
    return Connection(
        address=address,
        desktop=target.removesuffix(":" + _RDP_PORT) if gateway else "",
        name=told.get("username", "").rpartition("\\")[2],
        size="x".join(sides) if all(sides) and not full and told.get("dynamic resolution") != "1" else "",
        scale="fit" if told.get("smart sizing", "1") == "1" else "actual",
        full_screen=full,
        monitors=_rdp_monitors(told) if full else "",
    )


def _rdp_monitors(told: Mapping[str, str]) -> str:
    """Return which monitors an .rdp file means; it counts from 0."""
    if "1" not in (told.get("use multimon"), told.get("span monitors")):
        return ""
    numbers = re.findall(r"\d{1,2}", told.get("selectedmonitors", ""))
    return numbered(int(number) + 1 for number in numbers) or ALL


def _text(data: bytes, name: str) -> str:
    """Return a file's text: UTF-8, or UTF-16 with its mark, as Windows writes .rdp files."""
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise WrongFile(f"{name}, line {line}: it is no text of UTF-8.") from None
