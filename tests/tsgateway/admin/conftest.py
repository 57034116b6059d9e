import pytest

from tests.tsgateway.admin.shell import Shell


@pytest.fixture
def shell(world):
    """Commands for the running gateway."""
    return Shell(world)
