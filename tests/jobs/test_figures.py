"""Figures over many runs are found anew in small parts alone, and are true all the same, on every store."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from nexus.jobs import failing_jobs
from nexus.jobs.run import RunStatus
from nexus.jobs.tables import RUNS

from .shop import done


@pytest.fixture
def brittle(shop):
    """Adds a job that breaks while `is_broken`."""
    state = {"is_broken": True}

    async def run(_context):
        if state["is_broken"]:
            raise RuntimeError("the handle came off")

    for name in ("brittle", "other"):
        shop.add(name, run)
    return state


async def failing(engine):
    return (await engine.figures.standing()).failing


async def test_a_job_fails_until_its_next_run_is_well(engine, brittle):
    assert await failing(engine) == ()
    await done(engine, "other")
    await done(engine, "brittle")
    assert await failing(engine) == (("shop", "brittle"), ("shop", "other"))

    brittle["is_broken"] = False
    await done(engine, "brittle")

    assert await failing(engine) == (("shop", "other"),)


async def test_failing_jobs_are_told_after_more_moves_than_are_noted(engine, brittle, monkeypatch):
    monkeypatch.setattr(failing_jobs, "_MOST_MOVED", 3)
    engine.figures._failing = failing_jobs.FailingJobs(engine._database, lambda: engine._now().timestamp())
    assert await failing(engine) == ()

    await done(engine, "brittle")
    for _ in range(3):
        engine.figures._failing.note(("shop", "other"))

    assert await failing(engine) == (("shop", "brittle"),)


async def test_schedules_that_somebody_has_set_are_told_at_once(engine, shop, brittle):
    shop.add("nightly", None, line="0 3 * * *")
    await engine.set_paused("shop", "nightly", True, by="ann")
    assert (await engine.figures.standing()).paused == {("shop", "nightly"): True}
    await engine.set_paused("shop", "nightly", False, by="ann")
    assert (await engine.figures.standing()).paused == {("shop", "nightly"): False}


def day_of(workplace):
    """The 24 hours up to the end of the present one."""
    until = workplace.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return until - timedelta(hours=24), until, 3600


def move(engine, run, **values):
    with engine._database.engine.begin() as connection:
        connection.execute(sa.update(RUNS).where(RUNS.c.id == run.id).values(**values))


async def test_runs_are_counted_in_their_hour_and_where_they_stand_now(engine, workplace, brittle):
    run = await done(engine, "brittle")
    since, until, step = day_of(workplace)
    early = since + timedelta(hours=2, minutes=30)
    move(engine, run, queued_at=early.timestamp(), status="running")

    hours = await engine.figures.activity(since, until, step)
    assert [(hour.begins, hour.counts) for hour in hours if hour.counts] == [
        (since + timedelta(hours=2), {RunStatus.RUNNING: 1})
    ]

    move(engine, run, status="failed")
    hours = await engine.figures.activity(since, until, step)
    assert hours[2].counts == {RunStatus.FAILED: 1}


async def test_hours_that_are_over_are_counted_again_after_a_while(engine, workplace, brittle):
    """The limits of history drop runs of them, and other replicas do that, too."""
    run = await done(engine, "brittle")
    since, until, step = day_of(workplace)
    move(engine, run, queued_at=(since + timedelta(hours=2)).timestamp())
    assert (await engine.figures.activity(since, until, step))[2].counts == {RunStatus.FAILED: 1}

    await engine._call(lambda: engine._history.drop([run.id]))
    workplace.ahead = 700.0

    assert (await engine.figures.activity(since, until, step))[2].counts == {}


async def test_a_run_of_the_present_hour_is_counted_at_once(engine, workplace, brittle):
    span = day_of(workplace)
    before = sum(sum(hour.counts.values()) for hour in await engine.figures.activity(*span))
    await done(engine, "brittle")
    hours = await engine.figures.activity(*span)
    assert sum(sum(hour.counts.values()) for hour in hours) == before + 1


async def test_a_few_jobs_stand_as_all_of_them_do(engine, shop, brittle):
    await done(engine, "brittle")
    shop.add("nightly", None, line="0 3 * * *", timezone="UTC")
    engine.refresh()

    everything = {state.definition.key: state for state in await engine.jobs()}
    keys = [("shop", "nightly"), ("shop", "gone"), ("shop", "brittle")]
    few = await engine.states.of(keys)

    assert [state.definition.key for state in few] == [("shop", "nightly"), ("shop", "brittle")]
    assert few[1] == everything["shop", "brittle"]
    assert few[0].next_run_at.astimezone(UTC) > datetime.now(UTC)
    assert await engine.states.of([]) == ()


@pytest.mark.parametrize("workplace", ["postgresql"], indirect=True)
async def test_what_another_replica_runs_is_in_the_figures(workplace, engine, brittle):
    run = await done(engine, "brittle")
    assert await failing(engine) == (("shop", "brittle"),)
    span = day_of(workplace)

    move(engine, run, status="succeeded")  # by SQL: as another replica does, of which nothing is told here
    workplace.ahead = 4.0  # they are told within a few seconds

    assert await failing(engine) == ()
    [state] = await engine.states.of([("shop", "brittle")])
    assert state.last_run.status is RunStatus.SUCCEEDED
    assert (await engine.figures.activity(*span))[-1].counts == {RunStatus.SUCCEEDED: 1}
