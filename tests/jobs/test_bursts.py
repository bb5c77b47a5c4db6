"""Many requests at once: each is stored, and none has to be made again."""

import asyncio

from .shop import finished


async def test_a_burst_of_requests_is_stored_without_a_refusal(shop, engine):
    async def work(_context) -> None: ...

    shop.add("work", work, overlap="allow")

    runs = await asyncio.gather(*(engine.trigger("shop", "work", {}, by="ann") for _ in range(120)))
    ended = [await finished(engine, run) for run in runs]

    assert {run.status for run in ended} == {"succeeded"}
    assert len({run.id for run in ended}) == 120


async def test_repeated_requests_at_the_same_time_mean_one_run(shop, engine):
    done = []

    async def work(_context) -> None:
        done.append(1)

    shop.add("work", work, overlap="allow")

    runs = await asyncio.gather(*(engine.trigger("shop", "work", {}, by="ann", idempotency_key="k") for _ in range(20)))
    await finished(engine, runs[0])

    assert len({run.id for run in runs}) == 1
    assert done == [1]
