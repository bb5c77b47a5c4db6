"""What a start does not do: nobody waits for what nobody uses."""

import asyncio
import signal

from tests.promises.served import served

UNUSED = {"dbos", "sqlalchemy", "psycopg", "jinja2", "aiohttp_jinja2", "cronsim", "nexus.host.job_settings"}
LATER = {"joserfc", "cryptography", "packaging", "nexus.auth.authenticator", "nexus.api.introspection", "nexus.ui.site"}


def loaded(told):
    """The names in lines of `-X importtime`, which writes one once a module is imported."""
    return {line.rpartition("|")[2].strip() for line in told if line.startswith("import time:")}


async def test_a_host_without_jobs_that_nobody_looks_at_loads_neither_their_engine_nor_pages(tmp_path):
    # sqlite3 keeps the one-time link to the pages that the start prints.
    async with served(tmp_path, "[modules.liveness]\n", environ={"PYTHONPROFILEIMPORTTIME": "1"}) as host:
        await host.until_started()
        host.signal(signal.SIGTERM)
        assert await host.ended() == 0

        told = (tmp_path / "stderr").read_text().splitlines()

    assert "aiohttp" in loaded(told)
    assert loaded(told) & UNUSED == set()


async def test_the_first_module_runs_before_what_reads_tokens_and_makes_pages_is_loaded(tmp_path):
    """Probes are answered from then on; who brings a token waits for the rest, which is loaded in any case."""
    async with served(tmp_path, "[modules.liveness]\n", environ={"PYTHONPROFILEIMPORTTIME": "1"}) as host:
        await host.until_started()
        told = (tmp_path / "stderr").read_text().splitlines()

    running = next(number for number, line in enumerate(told) if '"module.running"' in line)
    assert loaded(told[:running]) & LATER == set()
    assert loaded(told[running:]) >= LATER


async def test_who_asks_for_more_while_the_host_starts_waits_and_is_answered(tmp_path):
    slow = "import asyncio, nexus\nmodule = nexus.Module('slow', version='1')\n\n"
    slow += "@module.lifespan\nasync def life(context):\n    await asyncio.sleep(60)\n    yield\n"
    config = "[modules.liveness]\n[modules.slow]\npath = 'mods'\n"
    async with served(tmp_path, config, {"slow.py": slow}) as host:
        version, refused, page, up = await asyncio.gather(
            host.get("/api/version", permissions=("admin",)),
            host.get("/api/version"),
            host.get("/ui/sign-in"),
            host.get("/livez"),
        )

        assert [version[0], refused[0], page[0], up[0]] == [200, 401, 200, 200]
        assert host.log(event="host.running") == []


async def test_a_module_that_holds_every_thread_does_not_keep_the_host_from_opening(tmp_path):
    greedy = """
import asyncio, threading, nexus

module = nexus.Module("greedy", version="1")


@module.lifespan
async def life(context):
    end = threading.Event()
    held = [asyncio.ensure_future(asyncio.to_thread(end.wait)) for _ in range(64)]
    yield
    end.set()
    await asyncio.gather(*held)
"""
    async with served(tmp_path, "[modules.greedy]\npath = 'mods'\n", {"greedy.py": greedy}) as host:
        assert (await host.get("/api/version", permissions=("admin",)))[0] == 200
        assert (await host.modules())["greedy"]["state"] == "running"
