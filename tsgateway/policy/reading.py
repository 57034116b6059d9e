"""What policies are written with: names, networks, times, methods; read exactly or refused exactly. Pure.

PolicyError    a field cannot be used: which, what stands there, what may stand there
"""

from __future__ import annotations

import functools
import ipaddress
import json
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_ENTRIES = 256
"""In one list of a policy."""
MAX_TEXT = 128
"""Characters of one entry."""
MAX_STARS = 4
"""In one pattern."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
METHODS = ("invitation", "local-socket", "password", "password+totp", "token")
METHOD_FAMILIES = ("ldap:", "oidc:")
"""Followed by the authenticator's name, and by "+totp" where a second factor was asked for as well."""
DOORS = ("tsg", "web")
"""What names of viewers begin with: the thin client's door, and the browser's."""
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_ZONE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")


class PolicyError(ValueError):
    """A policy cannot be used. allowed: what may stand in the field, for people."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field}: {_shown(value)} cannot be used; {allowed}")


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=True)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:79]}…"


def read_list(field: str, value: object, read: Callable[[str, object], T]) -> tuple[T, ...]:
    """Take a list, each entry with `read(field[number], entry)`. Raises PolicyError."""
    if not isinstance(value, list | tuple):
        raise PolicyError(field, value, "a list is needed")
    if len(value) > MAX_ENTRIES:
        raise PolicyError(field, f"{len(value)} entries", f"at most {MAX_ENTRIES} are possible")
    return tuple(read(f"{field}[{number}]", entry) for number, entry in enumerate(value))


def read_text(field: str, value: object, example: str) -> str:
    """Take a short line of text. Raises PolicyError."""
    if not isinstance(value, str) or not value.isprintable() or value != value.strip() or not value:
        raise PolicyError(field, value, f"a text without spaces around it is needed, like {example}")
    if len(value) > MAX_TEXT:
        raise PolicyError(field, value, f"at most {MAX_TEXT} characters are possible")
    return value


# ---- patterns


def read_pattern(field: str, value: object, example: str) -> str:
    """Take a name, in which "*" stands for any characters. Raises PolicyError."""
    text = read_text(field, value, example)
    if text.count("*") > MAX_STARS:
        raise PolicyError(field, value, f'at most {MAX_STARS} "*" are possible')
    return text


def fits(pattern: str, text: str) -> bool:
    """Tell whether a text is what a pattern says; takes at most their lengths multiplied."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class Names(NamedTuple):
    """Names and patterns of names."""

    written: tuple[str, ...]
    exact: frozenset[str]
    patterns: tuple[str, ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> Names:
        """Take what `read_pattern` gave."""
        each = tuple(written)
        patterns = tuple(text for text in each if "*" in text)
        return cls(each, frozenset(each).difference(patterns), patterns)

    def find(self, name: str) -> str | None:
        """Return the entry that a name fits; None when there is none."""
        if name in self.exact:
            return name
        return next((pattern for pattern in self.patterns if fits(pattern, name)), None)


def listed(written: Sequence[str], word: str = "or") -> str:
    """Say what is in a list: "a, b or c", or "a, b, c and 5 more"."""
    if len(written) > 4:
        return f"{', '.join(written[:3])} {word} {len(written) - 3} more"
    return f" {word} ".join(filter(None, (", ".join(written[:-1]), written[-1]))) if written else "nothing"


def read_method(field: str, value: object) -> str:
    """Take a way to sign in, or a pattern of some. Raises PolicyError."""
    text = read_pattern(field, value, "password+totp")
    fixed, star, _ = text.partition("*")
    families = [name for name in METHOD_FAMILIES if text.startswith(name) and len(text) > len(name)]
    begun = [name for name in (*METHODS, *METHOD_FAMILIES) if star and name.startswith(fixed)]
    if text not in METHODS and not families and not begun:
        known = ", ".join([*METHODS, *(f"{name}NAME" for name in METHOD_FAMILIES)])
        raise PolicyError(field, value, f'the methods are {known}; "*" stands for any characters')
    return text


def read_door(field: str, value: object) -> str:
    """Take a way in. Raises PolicyError."""
    if not isinstance(value, str) or value not in DOORS:
        raise PolicyError(field, value, f"the doors are {listed(DOORS, 'and')}")
    return value


# ---- networks


def read_network(field: str, value: object) -> IPNetwork:
    """Take a network or a single address; IPv4 written as IPv6 is IPv4. Raises PolicyError."""
    text = read_text(field, value, "10.0.0.0/8")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise PolicyError(
            field,
            value,
            "networks are written like 10.0.0.0/8 or 2001:db8::/32, single addresses like 10.1.2.3",
        ) from None
    if "%" in text:
        raise PolicyError(field, value, "leave out the scope after the %")
    if network.network_address != ipaddress.ip_address(text.partition("/")[0]):
        raise PolicyError(field, value, f"the network that this address is in is written {network}")
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        low = int(network.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((low, network.prefixlen - _MAPPED.prefixlen))
    return network


@functools.lru_cache(maxsize=1024)
def address_of(text: str) -> IPAddress | None:
    """Return the address that a client comes from; None when that is none, or not known."""
    if len(text) > MAX_TEXT:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


# ---- times


class Moment(NamedTuple):
    """A time as clocks on the wall of a zone show it. weekday: 0 is Monday; minute: of the day."""

    weekday: int
    minute: int

    def __str__(self) -> str:
        return f"{DAYS[self.weekday].capitalize()} {self.minute // 60:02}:{self.minute % 60:02}"


class Window(NamedTuple):
    """A stretch of the day on some weekdays. start, end: minutes of the day.

    An end that is not after the start is on the next day; the weekday is that of the start.
    """

    written: str
    days: frozenset[int]
    start: int
    end: int

    def holds(self, at: Moment) -> bool:
        """Tell whether a moment is in it."""
        if self.start < self.end:
            return at.weekday in self.days and self.start <= at.minute < self.end
        begun_today = at.weekday in self.days and at.minute >= self.start
        return begun_today or ((at.weekday - 1) % 7 in self.days and at.minute < self.end)


_TIME_HELP = "times are written like mon-fri 08:00-18:00, sat,sun or 22:00-06:00"


def read_window(field: str, value: object) -> Window:
    """Take weekdays, a time range, or both. Raises PolicyError."""
    text = " ".join(read_text(field, value, "mon-fri 08:00-18:00").lower().split())
    first, _, second = text.partition(" ")
    if second:
        days, times = first, second
    else:
        days, times = ("mon-sun", first) if first[0].isdigit() else (first, "00:00-24:00")
    try:
        start, end = _times(times)
        return Window(text, _days(days), start, end)
    except ValueError as error:
        raise PolicyError(field, value, str(error)) from None


def _days(text: str) -> frozenset[int]:
    found = set[int]()
    for part in text.split(","):
        first, is_range, last = part.partition("-")
        ends = (first, last) if is_range else (first, first)
        if wrong := [each for each in ends if each not in DAYS]:
            days = ", ".join(DAYS)
            raise ValueError(f'"{wrong[0]}" is no weekday ({days}); {_TIME_HELP}')
        begin, end = (DAYS.index(each) for each in ends)
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)


def _times(text: str) -> tuple[int, int]:
    first, is_range, last = text.partition("-")
    if not is_range:
        raise ValueError(f'"{text}" is no time range; {_TIME_HELP}')
    start, end = _minute(first), _minute(last)
    if start in (DAY_MINUTES, end):
        raise ValueError(f'"{text}" begins where it ends; the whole day is 00:00-24:00')
    return start, end


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    if len(hours) == len(minutes) == 2 and (hours + minutes).isascii() and (hours + minutes).isdigit():
        count = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and count <= DAY_MINUTES:
            return count
    raise ValueError(f'"{text}" is no time from 00:00 to 24:00; {_TIME_HELP}')


def read_zone(field: str, value: object, is_zone: Callable[[str], bool]) -> str:
    """Take the name of a time zone. is_zone: tells whether there is one of that name. Raises PolicyError."""
    is_name = isinstance(value, str) and 0 < len(value) <= 64 and _ZONE.issuperset(value)
    if not isinstance(value, str) or not is_name or not is_zone(value):
        raise PolicyError(field, value, "time zones are named like Europe/Berlin, America/New_York or UTC")
    return value
