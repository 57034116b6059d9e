"""How long one must wait after wrong passwords: per account and per client address. Pure.

An attempt counts as wrong from its beginning until it has proved right, so that a hundred at once gain
nothing. Attempts that are refused for being too early do not count: the wait ends. One account's wait is
kept short, so that a stranger cannot lock its owner out; an address's wait grows long.

A second factor is an account of its own here: only who has the password gets that far, so its wait may grow
as long as an address's, and a right password forgives no wrong code.

Who signs in is forgiven her own wrong attempts, not those on others' accounts from the same address: or
whoever has an account could guess at all others as fast as she signs in.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

MAX_KEYS = 10_000
MAX_NAME = 256
_SECOND = "\0second factor"


@dataclass(frozen=True)
class Limits:
    """free: wrong attempts before waiting begins; the rest in seconds."""

    free: int = 5
    delay: float = 1
    max_address: float = 900
    max_account: float = 30
    forget: float = 3600


@dataclass
class _Record:
    """failures: wrong attempts, by account."""

    until: float
    last: float
    failures: Counter[str] = field(default_factory=Counter)


class Throttle:
    """Remembers wrong attempts; the least recent ones are forgotten beyond `MAX_KEYS`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._records: OrderedDict[tuple[str, str], _Record] = OrderedDict()

    def begin(self, account: str, address: str, now: float, *, second: bool = False) -> float:
        """Ask for an attempt: returns 0 and counts it as wrong, or the seconds to wait.

        second: at the account's second factor.
        """
        account = _label(account, second)
        keys = _keys(account, address)
        wait = max(self._wait(key, now) for key in keys)
        if wait > 0:
            return wait
        for key in keys:
            self._count(key, account, now)
        return 0

    def succeeded(self, account: str, address: str, *, second: bool = False) -> None:
        """The attempt was right: forget the wrong ones on this account, and let the next begin at once."""
        account = _label(account, second)
        for key in _keys(account, address):
            record = self._records.get(key)
            if record is None:
                continue
            del record.failures[account]
            record.until = record.last
            if not record.failures:
                del self._records[key]

    def _wait(self, key: tuple[str, str], now: float) -> float:
        record = self._records.get(key)
        return 0 if record is None else max(record.until - now, 0)

    def _count(self, key: tuple[str, str], account: str, now: float) -> None:
        record = self._records.setdefault(key, _Record(now, now))
        if now - record.last > self._limits.forget:
            record.failures.clear()
        record.failures[account] += 1
        record.last = now
        over = record.failures.total() - self._limits.free
        if over >= 0:
            is_short = key[0] == "account" and not account.endswith(_SECOND)
            longest = self._limits.max_account if is_short else self._limits.max_address
            record.until = now + min(self._limits.delay * 2.0 ** min(over, 30), longest)
        self._records.move_to_end(key)
        if len(self._records) > MAX_KEYS:
            self._records.popitem(last=False)


def _keys(account: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("account", account), ("address", _network(address))


def _label(account: str, second: bool) -> str:
    return account[:MAX_NAME].removesuffix(_SECOND) + (_SECOND if second else "")


def _network(address: str) -> str:
    """One customer has a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
