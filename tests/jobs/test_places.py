"""How many runs there are at once: of a job, of all jobs, on every store alike and over replicas."""

import asyncio

from tests.faults.plant import Plant, answered, config, trigger_many, until_all, until_jobs

from .shop import done, finished, until


class Crowd:
    """A job that counts how many of it are inside, and lets one out each time the test says so."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.most = 0
        self.order: list[str] = []
        self.way_out = asyncio.Semaphore(0)

    async def __call__(self, context):
        self.inside.append(context.run_id)
        self.order.append(context.run_id)
        self.most = max(self.most, len(self.inside))
        await self.way_out.acquire()
        self.inside.remove(context.run_id)


async def ended(engine, crowd, runs, at_once):
    """Lets the runs out one after another, each when the place of the one before is taken again."""
    for count in range(len(runs)):
        await until(lambda count=count: len(crowd.order) == min(count + at_once, len(runs)))
        crowd.way_out.release()
    return [(await finished(engine, run)).status for run in runs]


async def test_a_job_has_no_more_runs_at_once_than_it_may_and_takes_them_in_turn(engine, shop):
    crowd = Crowd()
    shop.add("crowd", crowd, overlap="allow", concurrency=2)
    runs = [await engine.trigger("shop", "crowd", {}, by="ann") for _ in range(7)]
    await until(lambda: len(crowd.inside) == 2)
    waiting = [(await engine.run(run.id)).status for run in runs[2:]]

    assert await ended(engine, crowd, runs, 2) == ["succeeded"] * 7
    assert waiting == ["queued"] * 5
    assert crowd.most == 2
    assert sorted(crowd.order[:2]) == sorted(run.id for run in runs[:2])
    assert crowd.order[2:] == [run.id for run in runs[2:]]


async def test_a_job_that_is_full_keeps_no_other_waiting(engine, shop):
    crowd = Crowd()
    shop.add("crowd", crowd, overlap="allow", concurrency=1)
    shop.add("free", give)
    runs = [await engine.trigger("shop", "crowd", {}, by="ann") for _ in range(3)]
    await until(lambda: crowd.inside)

    assert (await done(engine, "free")).status == "succeeded"
    assert await ended(engine, crowd, runs, 1) == ["succeeded"] * 3


async def give(_context):
    return None


async def test_all_jobs_together_have_no_more_runs_than_the_total(workplace):
    crowd = Crowd()
    for name in ("one", "two"):
        workplace.shop.add(name, crowd, overlap="allow")
    async with workplace.engine(total_concurrency=3) as engine:
        runs = [await engine.trigger("shop", name, {}, by="ann") for name in ("one", "two") * 4]

        assert await ended(engine, crowd, runs, 3) == ["succeeded"] * 8
    assert crowd.most == 3


async def test_a_run_that_waits_for_its_next_attempt_gives_its_place_to_another(engine, shop):
    async def fails_once(context):
        if context.requested_by == "ann" and context.attempt == 1:
            raise ValueError("once")

    shop.add("try", fails_once, overlap="allow", concurrency=1, attempts=2, retry_delay=600, retry_delay_max=600)
    failing = await engine.trigger("shop", "try", {}, by="ann")
    other = await engine.trigger("shop", "try", {}, by="bob")

    assert (await finished(engine, other)).status == "succeeded"
    assert (await engine.run(failing.id)).status == "queued"


async def test_the_next_attempt_begins_when_it_is_due_and_has_a_place(workplace):
    async def fails_once(context):
        if context.attempt == 1:
            raise ValueError("once")

    workplace.shop.add("try", fails_once, concurrency=1, attempts=2, retry_delay=600, retry_delay_max=600)
    async with workplace.engine() as engine:
        run = await engine.trigger("shop", "try", {}, by="ann")
        await until(lambda: [told for told in workplace.told if told.next_attempt_at])
        workplace.ahead = 800.0
        ended = await finished(engine, run)

    assert (ended.status, ended.attempt) == ("succeeded", 2)


async def test_what_waits_for_a_place_is_begun_by_the_next_host_and_without_the_limit(workplace):
    crowd = Crowd()
    workplace.shop.add("crowd", crowd, overlap="allow", concurrency=1)
    async with workplace.engine() as engine:
        runs = [await engine.trigger("shop", "crowd", {}, by="ann") for _ in range(3)]
        await until(lambda: crowd.inside)
        await engine.close(0)
    crowd.inside.clear()
    workplace.shop.add("crowd", crowd, overlap="allow")
    async with workplace.engine() as engine:
        await engine._housekeeping.mend()
        await until(lambda: len(crowd.inside) == 3)
        for _ in runs:
            crowd.way_out.release()

        assert [(await finished(engine, run)).status for run in runs] == ["succeeded"] * 3


async def test_cancelling_a_run_that_waits_for_a_place_ends_it(engine, shop):
    crowd = Crowd()
    shop.add("crowd", crowd, overlap="allow", concurrency=1)
    runs = [await engine.trigger("shop", "crowd", {}, by="ann") for _ in range(3)]
    cancelled = await engine.cancel(runs[1].id, by="bob")

    assert cancelled.status == "cancelled"
    assert await ended(engine, crowd, [runs[0], runs[2]], 1) == ["succeeded"] * 2


async def test_a_limit_holds_over_all_replicas(tmp_path, postgres):
    limited = "[[modules.plant.jobs]]\ntype = 'work'\nconcurrency = 2"
    plant = Plant(tmp_path, f"{config(postgres.fresh_database())}\n{limited}")
    acknowledged: list[str] = []
    async with plant.replica() as one, plant.replica() as two:
        await until_jobs(one)
        await until_jobs(two)
        await asyncio.gather(*(trigger_many(host, 6, acknowledged, seconds=0.1) for host in (one, two)))
        await until_all(one, acknowledged)
        page = await answered(one, "/api/runs?limit=50")

    moves = [(run["started_at"], 1) for run in page["runs"]] + [(run["finished_at"], -1) for run in page["runs"]]
    at_once = [sum(step for _, step in sorted(moves)[: count + 1]) for count in range(len(moves))]
    assert len(page["runs"]) == 12
    assert max(at_once) == 2
