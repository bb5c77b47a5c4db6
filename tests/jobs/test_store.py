"""Stores that cannot be used: told in a sentence, by an error that the host can act on."""

import psycopg
import pytest
from psycopg import sql

from nexus.jobs.errors import StoreUnusable

from .shop import Workplace


async def test_an_account_that_may_make_no_schema_is_told_what_it_lacks(postgres, tmp_path):
    url = postgres.fresh_database()
    name = url.rpartition("/")[2]
    postgres.administer(sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(sql.Identifier(name)))
    with psycopg.connect(postgres.url_of(name, role="postgres")) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO nexus")
    workplace = Workplace(url, tmp_path)
    with pytest.raises(StoreUnusable) as refused:
        await workplace.engine().open()
    postgres.administer(sql.SQL("ALTER DATABASE {} OWNER TO nexus").format(sql.Identifier(name)))

    async with workplace.engine() as engine:
        assert await engine.jobs() == ()

    assert "may create a schema in the database" in str(refused.value)
    assert "permission denied" in str(refused.value)
    assert "\n" not in str(refused.value)
