"""What a start does not do: nobody waits for what nobody uses."""

import signal

from tests.promises.served import served

UNUSED = {"dbos", "sqlalchemy", "psycopg", "jinja2", "aiohttp_jinja2"}


async def test_a_host_without_jobs_that_nobody_looks_at_loads_neither_their_engine_nor_pages(tmp_path):
    # sqlite3 keeps the one-time link to the pages that the start prints.
    async with served(tmp_path, "[modules.liveness]\n", environ={"PYTHONPROFILEIMPORTTIME": "1"}) as host:
        await host.until_started()
        host.signal(signal.SIGTERM)
        assert await host.ended() == 0

        told = (tmp_path / "stderr").read_text().splitlines()

    loaded = {line.rpartition("|")[2].strip() for line in told if line.startswith("import time:")}
    assert "aiohttp" in loaded
    assert loaded & UNUSED == set()
