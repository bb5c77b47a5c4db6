"""What becomes of runs whose host is stopped or dies, on every store alike."""

import asyncio
import contextlib
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nexus.jobs.abandoned import AbandonedRuns
from nexus.jobs.errors import StoreUnavailable
from nexus.jobs.replicas import Replicas
from nexus.jobs.run import Run, RunStatus
from nexus.jobs.store import RunStore
from nexus.jobs.store_answers import Outcome
from nexus.jobs.tables import REPLICAS, RUNS
from nexus.jobs.workflows import Workflows

from .shop import Workplace, finished, until


class Places:
    """A job that tells how often it was begun, and waits until the test lets it go."""

    def __init__(self):
        self.opened = asyncio.Event()
        self.entered = 0

    async def __call__(self, _context):
        self.entered += 1
        await self.opened.wait()


@pytest.fixture
async def places():
    return Places()


async def begun_elsewhere(engine, job, id: str = "elsewhere") -> Run:
    """A run that a replica which is no more has begun."""
    run = engine._new_run(job, {}, id=id, trigger="manual", requested_by="ann")
    await engine._call(lambda: engine._store.enqueue(run, "allow"))
    await engine._call(lambda: engine._store.begin(id, 1, "gone"))
    return run


async def test_stopping_hosts_in_good_order_never_makes_a_run_lost(workplace, places):
    workplace.shop.add("wait", places)
    run = None
    for number in range(1, 6):
        async with workplace.engine() as engine:
            run = run or await engine.trigger("shop", "wait", {}, by="ann")
            await until(lambda number=number: places.entered == number)
            await engine.close(0)
    async with workplace.engine() as engine:
        places.opened.set()
        ended = await finished(engine, run)

    assert (ended.status, ended.attempt) == ("succeeded", 1)


async def test_stopping_hosts_whose_store_is_away_never_makes_a_run_lost(workplace, places, monkeypatch):
    """Their end is a good one, and the next host on the same state directory tells the store so."""

    def away(*_args):
        raise StoreUnavailable("the store is away")

    workplace.shop.add("wait", places)
    run = None
    for number in range(1, 6):
        async with workplace.engine() as engine:
            run = run or await engine.trigger("shop", "wait", {}, by="ann")
            await until(lambda number=number: places.entered == number)
            with monkeypatch.context() as store:
                store.setattr(RunStore, "release", away)
                store.setattr(AbandonedRuns, "release", away)
                await engine.close(0)
    async with workplace.engine() as engine:
        places.opened.set()
        ended = await finished(engine, run)

    assert (ended.status, ended.attempt) == ("succeeded", 1)
    assert list(workplace.folder.glob("jobs-left-*")) == []


async def test_a_run_under_which_three_hosts_died_is_lost_and_told(workplace, engine, shop, places):
    job = shop.add("wait", places)
    run = await begun_elsewhere(engine, job)
    for _ in range(3):
        assert (await engine.run(run.id)).status == "running"
        await engine._lease._look_for_dead()
        await engine._call(lambda: engine._store.begin(run.id, 1, "gone"))

    lost = await engine.run(run.id)
    detail = await engine.detail(run.id)

    assert (lost.status, "three hosts died" in lost.reason) == ("lost", True)
    assert [(each.number, each.status) for each in detail.attempts] == [(1, "lost")]
    assert [told.status for told in workplace.told if told.id == run.id] == ["lost"]


async def test_cancelling_a_run_whose_host_is_dead_ends_it_with_the_taking_up(workplace, engine, shop, places):
    run = await begun_elsewhere(engine, shop.add("wait", places))
    asked = await engine.cancel(run.id, by="bob")

    await engine._lease._look_for_dead()
    ended = await engine.run(run.id)

    assert asked.status == "running"
    assert (ended.status, ended.cancelled_by, ended.reason) == ("cancelled", "bob", "cancelled by bob")
    assert ended.finished_at is not None
    assert [told.status for told in workplace.told if told.id == run.id] == ["cancelled"]


async def test_a_store_of_an_earlier_version_is_brought_up_to_date(workplace, places):
    workplace.shop.add("wait", places)
    places.opened.set()
    async with workplace.engine() as engine:
        with engine._database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE nexus_runs DROP COLUMN deaths")
            connection.exec_driver_sql("DROP INDEX nexus_runs_by_trigger")
            connection.exec_driver_sql("DROP INDEX nexus_runs_with_error")
            # As it was before SQLite's held the errors too.
            connection.exec_driver_sql("CREATE INDEX nexus_runs_with_error ON nexus_runs (seq) WHERE error IS NOT NULL")
    async with workplace.engine() as engine:
        run = await engine.trigger("shop", "wait", {}, by="ann")
        indexes = sa.inspect(engine._database.engine).get_indexes("nexus_runs")
        made = {index["name"]: index["column_names"] for index in indexes}

        assert (await finished(engine, run)).status == "succeeded"
        assert made["nexus_runs_by_trigger"] == ["trigger", "seq"]
        assert made["nexus_runs_with_error"] == (["seq"] if engine._database.is_shared else ["seq", "error"])


async def test_an_index_that_was_cut_off_while_it_was_made_is_made_again(tmp_path, postgres):
    workplace = Workplace(postgres.fresh_database(), tmp_path)
    job = workplace.shop.add("give", give, overlap="allow")
    async with workplace.engine() as engine:
        for number in range(2):
            run = engine._new_run(job, {}, id=f"run-{number}", trigger="manual", requested_by="ann")
            await engine._call(lambda run=run: engine._store.enqueue(run, "allow"))
        with engine._database.single.connect() as connection:
            connection.exec_driver_sql("DROP INDEX nexus_runs_by_module")
            with pytest.raises(IntegrityError):  # what stays of it is an index that no list uses
                connection.exec_driver_sql(
                    "CREATE UNIQUE INDEX CONCURRENTLY nexus_runs_by_module ON nexus_runs (module)"
                )
    async with workplace.engine() as engine:
        made = {index["name"]: index for index in sa.inspect(engine._database.engine).get_indexes("nexus_runs")}

    assert made["nexus_runs_by_module"]["column_names"] == ["module", "seq"]


async def give(_context):
    return None


async def begun_too_early(engine, job) -> Run:
    """A run that has begun and waits for its module to serve."""
    run = engine._new_run(job, {}, id="early", trigger="manual", requested_by="ann")
    await engine._call(lambda: engine._store.enqueue(run, "allow"))
    await engine._workflows.start(run.id, 1)
    await until(lambda: engine._executor.active)
    return run


async def test_a_run_that_waits_for_its_module_stays_for_others_when_its_host_leaves(workplace, places):
    job = workplace.shop.add("wait", places)
    workplace.shop.is_serving, workplace.shop.may_come = False, True
    places.opened.set()
    async with workplace.engine() as engine:
        run = await begun_too_early(engine, job)
        await engine.close(5.0)
    workplace.shop.is_serving = True
    async with workplace.engine() as engine:
        ended = await finished(engine, run)

    assert (ended.status, ended.attempt, ended.error) == ("succeeded", 1, None)


async def test_a_run_that_waits_for_its_module_can_be_cancelled(engine, shop, places):
    job = shop.add("wait", places)
    shop.is_serving, shop.may_come = False, True
    run = await begun_too_early(engine, job)

    await engine.cancel(run.id, by="bob")
    ended = await finished(engine, run)

    assert (ended.status, ended.cancelled_by, ended.error) == ("cancelled", "bob", None)
    assert places.entered == 0


class Upgraded:
    """A job whose steps come in another order, and with a new one, once its host has been stopped."""

    def __init__(self):
        self.did = []
        self.is_new = False
        self.began = asyncio.Event()

    async def __call__(self, context):
        async def do(what):
            self.did.append(what)
            return len(self.did)

        async def fail():
            raise ValueError("not this one")

        names = ["new", "b", "a", "b"] if self.is_new else ["a", "b", "b"]
        with contextlib.suppress(ValueError):
            await context.step("failing", fail)
        given = [await context.step(name, do, name) for name in names]
        if not self.is_new:
            self.began.set()
            await asyncio.sleep(60)
        return given


async def test_a_run_that_is_taken_up_finds_its_steps_by_name_in_whatever_order(workplace):
    job = Upgraded()
    workplace.shop.add("job", job)
    async with workplace.engine() as engine:
        run = await engine.trigger("shop", "job", {}, by="ann")
        await job.began.wait()
        await engine.close(0)
    job.is_new = True
    async with workplace.engine() as engine:
        ended = await finished(engine, run)
        detail = await engine.detail(run.id)

    assert (ended.status, ended.result, ended.attempt) == ("succeeded", [4, 2, 1, 3], 1)
    assert job.did == ["a", "b", "b", "new"]
    assert [step.name for step in detail.steps] == ["failing", "a", "b", "b", "failing", "new"]
    assert ended.error is None


async def test_steps_that_go_on_side_by_side_are_each_done_once(workplace):
    did, first_done = [], asyncio.Event()

    async def both(context):
        async def slow():
            did.append("slow")
            if did.count("slow") == 1:
                await asyncio.sleep(60)

        async def quick():
            did.append("quick")

        async def after():
            await context.step("quick", quick)
            first_done.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(context.step("slow", slow))
            group.create_task(after())

    workplace.shop.add("both", both)
    async with workplace.engine() as engine:
        run = await engine.trigger("shop", "both", {}, by="ann")
        await first_done.wait()
        await until(lambda: "slow" in did)
        await engine.close(0)
    async with workplace.engine() as engine:
        ended = await finished(engine, run)

    assert ended.status == "succeeded"
    assert sorted(did) == ["quick", "slow", "slow"]


async def test_a_host_that_leaves_takes_nothing_more_from_the_queue(workplace, places):
    """Of many replicas, the one that leaves must not hold what others could begin until it has left."""
    workplace.shop.add("wait", places, overlap="allow")
    places.opened.set()
    async with workplace.engine() as engine:
        engine.begin_drain()
        await until(lambda: not [each for each in threading.enumerate() if "queue-worker" in each.name])
        run = await engine.trigger("shop", "wait", {}, by="ann")
        await engine._beginnings.look()

        assert await engine._workflows.pending_executors() == frozenset()
        assert (await engine.run(run.id)).status == "queued"
    async with workplace.engine() as engine:
        assert (await finished(engine, run)).status == "succeeded"


async def test_an_end_that_is_stored_twice_since_its_answer_got_lost_is_the_same_end(engine, shop, places):
    run = await begun_elsewhere(engine, shop.add("wait", places))
    ended = Outcome(status=RunStatus.FAILED)

    def finish():
        return engine._store.finish(run.id, 1, "gone", ended, progress=None, log=([], 0))

    assert [(await engine._call(finish)).status for _ in range(2)] == ["failed", "failed"]
    assert await engine._call(lambda: engine._store.finish(run.id, 1, "x", ended, progress=None, log=([], 0))) is None


async def test_a_host_is_known_to_the_others_before_it_takes_anything(workplace, monkeypatch):
    known, launch = [], Workflows._launch

    async def looked_at(workflows):
        known.append(Replicas(engine._database).living())
        await launch(workflows)

    monkeypatch.setattr(Workflows, "_launch", looked_at)
    engine = workplace.engine()
    async with engine:
        pass

    assert known == [frozenset({"replica-1"})]


async def test_a_replica_that_has_been_dead_for_long_leaves_no_trace_but_its_runs(engine, shop, places):
    run = await begun_elsewhere(engine, shop.add("wait", places))
    replicas = Replicas(engine._database)
    replicas.join("gone", "gone")
    replicas.join("resting", "resting")

    with engine._database.engine.begin() as connection:
        connection.execute(sa.update(REPLICAS).where(REPLICAS.c.id == "gone").values(seen_at=0.0))

    await engine._housekeeping.prune()
    with engine._database.engine.connect() as connection:
        known = set(connection.execute(sa.select(REPLICAS.c.id)).scalars())
    await engine._lease._look_for_dead()
    await engine._call(lambda: engine._store.begin(run.id, 1, "gone"))
    await engine._lease._look_for_dead()
    with engine._database.engine.connect() as connection:
        deaths = connection.execute(sa.select(RUNS.c.deaths).where(RUNS.c.id == run.id)).scalar_one()

    assert known == {"replica-1", "resting"}
    assert deaths == 2


async def test_a_run_whose_beginning_is_no_longer_waited_for_begins_all_the_same(engine, shop, places, monkeypatch):
    """A slow store, or the end of a request's time, must not leave it between its row and its task."""
    places.opened.set()
    run = engine._new_run(shop.add("wait", places), {}, id="slow", trigger="manual", requested_by="ann")
    await engine._call(lambda: engine._store.enqueue(run, "allow", at_once=True))
    stored, go_on, library = threading.Event(), threading.Event(), engine._workflows._library._sys_db
    original = library.init_workflow

    def slow(*args, **named):
        found = original(*args, **named)
        stored.set()
        go_on.wait(20)
        return found

    monkeypatch.setattr(library, "init_workflow", slow)
    beginning = asyncio.create_task(engine._workflows.start(run.id, 1))
    await until(stored.is_set)
    beginning.cancel()
    await asyncio.gather(beginning, return_exceptions=True)
    go_on.set()

    assert (await finished(engine, run)).status == "succeeded"
