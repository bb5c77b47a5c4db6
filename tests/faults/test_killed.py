"""Hosts that are killed: nothing that was acknowledged is lost, and no finished step is done again."""

import asyncio
import contextlib
import itertools
from datetime import datetime

import aiohttp

from tests.promises.served import Served

from .plant import (
    FULL,
    PATIENCE,
    Plant,
    answered,
    config,
    trigger_many,
    triggered,
    until,
    until_all,
    until_jobs,
)

RUNS = 2000 if FULL else 150
KILLS = 5


async def test_five_kills_in_a_row_lose_no_run_and_repeat_no_finished_step(tmp_path, store_url):
    plant = Plant(tmp_path, config(store_url))
    acknowledged: list[str] = []
    for _ in range(KILLS):
        async with plant.replica() as host:
            await until_jobs(host)
            begun, before = plant.ledger.count("first"), len(acknowledged)
            asking = asyncio.create_task(trigger_many(host, RUNS // KILLS, acknowledged))
            await until(lambda begun=begun: plant.ledger.count("first") >= begun + RUNS // KILLS // 3)
            await until(lambda before=before: len(acknowledged) >= before + RUNS // KILLS // 3)
            host.process.kill()
            await host.ended()
            await asking
    async with plant.replica() as host:
        await until_jobs(host)
        await until_all(host, acknowledged)

    assert plant.ledger.repeated() == []
    assert {run for _, what, run in plant.ledger.entries if what == "end"} >= set(acknowledged)


async def test_the_others_take_up_what_a_killed_replica_ran(tmp_path, postgres):
    plant = Plant(tmp_path, config(postgres.fresh_database()))
    acknowledged: list[str] = []
    async with plant.replica() as first, plant.replica() as second, plant.replica() as third:
        for host in (first, second, third):
            await until_jobs(host)
        await trigger_many(first, RUNS, acknowledged, seconds=0.3)
        assert len(acknowledged) == RUNS
        first.process.kill()
        await first.ended()

        await until_all(second, acknowledged)

        running_then = {process for process, what, _ in plant.ledger.entries if what == "end"}
        assert running_then <= {str(host.process.pid) for host in (first, second, third)}
        assert plant.ledger.repeated() == []


async def test_ticks_go_on_without_a_gap_while_replicas_die(tmp_path, postgres):
    plant = Plant(tmp_path, config(postgres.fresh_database(), schedule="* * * * * *"))
    seconds = 20 if FULL else 4
    async with plant.replica() as first, plant.replica() as second, plant.replica() as third:
        for host in (first, second, third):
            await until_jobs(host)
        for dying in (first, second):
            seen = plant.ledger.count("tick")
            await until(lambda seen=seen: plant.ledger.count("tick") >= seen + seconds)
            dying.process.kill()
            await dying.ended()
        seen = plant.ledger.count("tick")
        await until(lambda: plant.ledger.count("tick") >= seen + seconds)
        due = await _succeeded_without_laggards(third)

    assert len(due) == len(set(due))
    assert len(due) >= 3 * seconds
    assert _gaps(due) == []


async def _succeeded_without_laggards(host: Served) -> list[str]:
    """The instants of all ticks that have run, as soon as none is under way that is older than one of them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await answered(host, "/api/runs?limit=500")
            due = sorted(run["scheduled_for"] for run in page["runs"] if run["status"] == "succeeded")
            others = [run["scheduled_for"] for run in page["runs"] if run["status"] != "succeeded"]
            if due and all(other > due[-1] for other in others):
                return due
            await asyncio.sleep(0.2)


def _gaps(instants: list[str]) -> list[tuple[str, str]]:
    parsed = [datetime.fromisoformat(each) for each in instants]
    return [
        (str(before), str(after))
        for before, after in itertools.pairwise(parsed)
        if (after - before).total_seconds() != 1
    ]


async def test_a_run_that_kills_its_host_three_times_is_given_up_and_the_host_stays(tmp_path, store_url):
    plant = Plant(tmp_path, config(store_url))
    async with plant.replica() as host:
        await until_jobs(host)
        with contextlib.suppress(aiohttp.ClientError):  # it may be gone before it has answered
            await triggered(host, "poison")
        await host.ended()
    for _ in range(2):
        async with plant.replica(may_end=True) as host:
            await host.ended()
    [run] = {run for _, what, run in plant.ledger.entries if what == "poison"}
    async with plant.replica() as host:
        await until_jobs(host)
        await until_all(host, [run], "lost")
        given_up = await answered(host, f"/api/runs/{run}")
        await until_all(host, [await triggered(host)])

    assert plant.ledger.count("poison") == 3
    assert "three hosts died" in given_up["reason"]
