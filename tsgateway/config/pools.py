"""The pool of a desktop: how many guests stand ready for whoever comes, and how many there may be at most."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_GUESTS = 1000
DAY = 24 * 60
"""Minutes of a day."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def _minutes(value: Any) -> Any:
    """Take a time of day, "08:30" or TOML's 08:30:00, as minutes since midnight; 24:00 is the day's end."""
    if isinstance(value, datetime.time):
        value = value.strftime("%H:%M")
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minutes = -1 if found is None else int(found[1]) * 60 + int(found[2])
    if found is None or int(found[2]) > 59 or minutes > DAY:
        raise ValueError('should be a time of day like "08:30", at most "24:00"')
    return minutes


TimeOfDay = Annotated[int, BeforeValidator(_minutes)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(_Table):
    """Some hours of some days, by the server's clock. One over midnight belongs to its first day."""

    days: tuple[Day, ...] = Field(
        DAYS, min_length=1, description="Days on which it begins, as `mon` … `sun`."
    )
    begin: TimeOfDay = Field(alias="from", description='When it begins, as `"08:30"`.')
    end: TimeOfDay = Field(alias="to", description='When it ends; `"24:00"` is midnight.')
    warm: int = Field(ge=0, le=MAX_GUESTS, description="How many guests stand ready meanwhile.")

    @model_validator(mode="after")
    def _lasts(self) -> Period:
        if self.begin in (self.end, DAY):
            raise ValueError("from and to should be different, and from before 24:00")
        return self


class PoolSection(_Table):
    """How many guests of a desktop there are before anybody comes, and how many at most."""

    warm: int = Field(
        0,
        ge=0,
        le=MAX_GUESTS,
        description="How many guests stand ready for whoever comes, when the schedule says nothing else.",
    )
    max: int = Field(
        0,
        ge=0,
        le=MAX_GUESTS,
        description="How many sessions of this desktop there may be, all people together; 0: no limit. "
        "Guests that stand ready count as well.",
    )
    schedule: tuple[Period, ...] = Field(
        (),
        max_length=64,
        description='When `warm` is another number, as `{days = ["mon"], from = "08:00", to = "18:00", '
        "warm = 5}`; of several that hold, the first counts. `days` may be left out. Local time.",
    )

    @model_validator(mode="after")
    def _fits(self) -> PoolSection:
        most = max([self.warm, *(period.warm for period in self.schedule)])
        if self.max and most > self.max:
            raise ValueError(f"{most} guests cannot stand ready (warm) where there may be {self.max} (max)")
        return self

    @property
    def is_warm(self) -> bool:
        """Whether guests stand ready at any time."""
        return bool(self.warm or any(period.warm for period in self.schedule))
