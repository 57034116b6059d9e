"""Settings and fixtures for all tests."""

import os
import resource
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("tsgateway", deadline=None)  # on a busy machine nothing takes a known time
settings.load_profile("tsgateway")


@pytest.fixture
def few_files() -> Iterator[tuple[int, int]]:
    """Programs started now may have few files open; returns the limits they can give themselves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield hard, hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    """No test may leave this process with real-time priority: what it starts would inherit it."""
    yield
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
