"""Clocks that are set while schedules wait: no instant is missed, none fires twice, and nothing stays stopped."""

import asyncio
from datetime import UTC, datetime, timedelta

from nexus.jobs.job_records import JobRecord
from nexus.jobs.run import RunFilter
from nexus.jobs.scheduler import Scheduler

from .shop import PATIENCE, Shop, until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def give(_context):
    return None


class Watched:
    """A scheduler on a clock of the test's, with a memory as the store has it."""

    def __init__(self, line: str, at: datetime) -> None:
        shop = Shop()
        self.job = shop.add("tick", give, line=line)
        self.at = at
        self.fired: list[datetime] = []
        self.record = JobRecord(since=at)
        self.scheduler = Scheduler(
            read=lambda: [self.job], note=self._note, fire=self._fire, miss=self._fire, now=lambda: self.at
        )

    async def _note(self, _jobs):
        return {self.job.key: self.record}

    async def _fire(self, _job, due, *_):
        self.fired.append(due)
        self.record = JobRecord(since=self.record.since, last_due=max(due, self.record.last_due or due))

    async def pass_by(self, seconds: int, step: int = 1) -> None:
        for _ in range(0, seconds, step):
            await self.scheduler.turn()
            self.at += timedelta(seconds=step)


async def test_a_clock_that_is_set_back_an_hour_costs_no_instant_and_doubles_none():
    watched = Watched("*/10 * * * *", NOON)
    await watched.pass_by(3600)
    watched.at -= timedelta(hours=1)
    await watched.pass_by(3 * 3600)

    assert watched.fired == [NOON + timedelta(minutes=10 * count) for count in range(1, 18)]


async def test_a_clock_that_is_set_ahead_fires_the_latest_instant_and_goes_on():
    watched = Watched("*/10 * * * *", NOON)
    await watched.pass_by(15 * 60)
    watched.at += timedelta(hours=1)
    await watched.pass_by(15 * 60)

    assert [due - NOON for due in watched.fired] == [10 * MINUTE, 70 * MINUTE, 80 * MINUTE]


async def test_a_schedule_goes_on_after_a_clock_was_days_ahead(workplace, caplog):
    workplace.shop.add("tick", give, line="* * * * * *", overlap="allow")
    workplace.ahead = 3 * 86400.0
    async with workplace.engine() as engine:
        await until(lambda: [run for run in workplace.told if run.scheduled_for])
    workplace.ahead = 0.0
    ahead = len(workplace.told)
    async with workplace.engine() as engine:
        await until(lambda: [run for run in workplace.told[ahead:] if run.scheduled_for < workplace.now()])
        [state] = await engine.jobs()

    assert state.record.last_due < workplace.now() + timedelta(hours=1)
    assert "hours ahead of the clock, so it is dropped" in caplog.text


async def test_a_running_host_whose_clock_is_put_right_goes_on(workplace, caplog):
    workplace.shop.add("tick", give, line="* * * * * *", overlap="allow")
    workplace.ahead = 3 * 86400.0
    async with workplace.engine() as engine:
        await until(lambda: [run for run in workplace.told if run.scheduled_for])
        workplace.ahead = 0.0
        async with asyncio.timeout(PATIENCE):
            while not [run for run in workplace.told if run.scheduled_for < workplace.now()]:
                await asyncio.sleep(0.02)
        runs = (await engine.runs(RunFilter(), limit=100)).runs

    due = [run.scheduled_for for run in runs]
    assert len(due) == len(set(due))
    assert "the clock was set back by" in caplog.text
