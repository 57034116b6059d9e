import pytest
import pytest_twisted

from tests.postgresql import Server
from tests.tsgateway.support import World
from tsgateway.config.models import DataSection


@pytest_twisted.async_yield_fixture
async def world():
    made = World()
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server for this process's tests."""
    server = Server()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def data(request, tmp_path):
    """The configuration of a data directory, with each database in turn; databases are empty."""
    folder = {"directory": tmp_path / "data"}
    if request.param == "postgresql":
        folder["database"] = request.getfixturevalue("postgresql").database()
    (tmp_path / "data").mkdir()
    return DataSection.model_validate(folder)
