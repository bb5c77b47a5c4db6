"""The engine on each of its stores: a file of SQLite, and a real PostgreSQL."""

import pytest

from .shop import Workplace


@pytest.fixture(params=["sqlite", "postgresql"])
def workplace(request, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").fresh_database()
    return Workplace(url, tmp_path)


@pytest.fixture
def shop(workplace):
    return workplace.shop


@pytest.fixture
async def engine(workplace):
    async with workplace.engine() as engine:
        yield engine
