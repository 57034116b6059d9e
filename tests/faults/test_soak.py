"""Half a minute of `make soak`: people at work while everything dies."""

import random

import pytest

from tests.faults.soak import soak


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.qemu
def test_half_a_minute_of_people_at_work_while_everything_dies() -> None:
    soak(30, random.SystemRandom().randrange(1 << 32), print)
