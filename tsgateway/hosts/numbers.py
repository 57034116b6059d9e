"""The small numbers that people call sessions by: the smallest that no other session has. Pure."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import Any


def free_number(taken: Collection[int]) -> int:
    """Return the smallest number from 1 up that is not taken."""
    return next(number for number in count(1) if number not in taken)


def number_for(told: Any, taken: Collection[int]) -> int:
    """Return the number a session goes by: the one its host tells, unless that is none or somebody else's."""
    is_number = type(told) is int and 0 < told < 1 << 31
    return told if is_number and told not in taken else free_number(taken)
