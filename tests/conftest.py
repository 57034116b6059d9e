"""Settings and fixtures for all tests."""

import os
import resource
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("tsgateway", deadline=None)  # on a busy machine nothing takes a known time
settings.load_profile("tsgateway")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that take long come first where processes share them: none is left with one at the end."""
    if not hasattr(config, "workerinput"):
        return
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -tests[item.path]))


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
