import pytest_twisted

from tests.tsgateway.support import World


@pytest_twisted.async_yield_fixture
async def world():
    made = World()
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
