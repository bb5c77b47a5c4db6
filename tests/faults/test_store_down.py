"""A store that is away: the host serves on, says so, and loses nothing."""

import asyncio
import json

from .plant import (
    FULL,
    PATIENCE,
    Plant,
    answered,
    ask,
    config,
    trigger,
    trigger_many,
    triggered,
    until,
    until_all,
    until_jobs,
)


async def test_a_store_that_goes_away_costs_no_run(tmp_path, postgres):
    plant = Plant(tmp_path, config(postgres.fresh_database()))
    acknowledged: list[str] = []
    try:
        async with plant.replica() as host:
            await until_jobs(host)
            await trigger_many(host, 40, acknowledged, seconds=1.0)
            postgres.stop(immediate=True)

            status, problem = await asyncio.wait_for(trigger(host), PATIENCE)
            await _until_readiness(host, "jobs_waiting")
            up, _ = await host.get("/livez")
            await asyncio.sleep(60 if FULL else 0)
            postgres.start()

            await until_all(host, acknowledged)
            await _until_readiness(host, None)
            await until_all(host, [await triggered(host)])
            said = host.output.decode()
    finally:
        postgres.start() if postgres.process is None else None

    assert (status, up) == (503, 200)
    assert "the store of runs does not answer" in problem["detail"]
    assert plant.ledger.repeated() == []
    assert postgres.url.split("@")[0] not in said


async def test_a_host_starts_without_its_store_and_runs_jobs_once_it_is_there(tmp_path, postgres):
    url = postgres.fresh_database()
    plant = Plant(tmp_path, config(url))
    postgres.stop()
    try:
        async with plant.replica() as host:
            await host.until_started()
            await _until_readiness(host, "jobs_waiting")
            status, _ = await ask(host, "GET", "/api/jobs")
            postgres.start()
            await until_jobs(host)
            await until_all(host, [await triggered(host)])
            code = await host.stop()
    finally:
        postgres.start() if postgres.process is None else None

    assert (status, code) == (503, 0)


async def test_a_host_ends_within_its_time_although_its_store_is_away(tmp_path, postgres):
    """Half of the runs are in a step, and half want to keep what a step gave: none of them can be told to the store."""
    plant = Plant(tmp_path, config(postgres.fresh_database(), grace=2))
    acknowledged: list[str] = []
    try:
        async with plant.replica() as host:
            await until_jobs(host)
            await trigger_many(host, 4, acknowledged, seconds=60)
            await trigger_many(host, 4, acknowledged, seconds=1)
            postgres.stop(immediate=True)
            await _until_readiness(host, "jobs_waiting")

            code = await host.stop()
    finally:
        postgres.start() if postgres.process is None else None

    async with plant.replica() as host:
        await until_jobs(host)
        page = await answered(host, "/api/runs?limit=50")

    assert code == 0
    assert {run["status"] for run in page["runs"]} <= {"queued", "running", "succeeded"}


async def test_a_store_that_restarts_while_runs_are_taken_up_leaves_none_behind(tmp_path, postgres):
    plant = Plant(tmp_path, config(postgres.fresh_database()))
    acknowledged: list[str] = []
    try:
        async with plant.replica() as dying, plant.replica() as other:
            await until_jobs(dying)
            await until_jobs(other)
            await trigger_many(dying, 30, acknowledged, seconds=1.0)
            dying.process.kill()
            await dying.ended()
            await until(lambda: other.log(event="jobs.take_up"))
            postgres.restart(immediate=True)

            await until_all(other, acknowledged)
            await _until_readiness(other, None)
            code = await other.stop()
    finally:
        postgres.start() if postgres.process is None else None

    assert len(acknowledged) == 30
    assert code == 0
    assert plant.ledger.repeated() == []
    assert {run for _, what, run in plant.ledger.entries if what == "end"} == set(acknowledged)


async def _until_readiness(host, code: str | None) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            told = json.dumps((await ask(host, "GET", "/api/health"))[1])
            if (code in told) if code else "jobs_waiting" not in told:
                return
            await asyncio.sleep(0.1)
