"""The stores on which hosts are made to fail."""

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").fresh_database()
    return f"sqlite:///{tmp_path}/runs.db"
