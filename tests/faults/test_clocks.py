"""Clocks that jump: the days on which summer time begins and ends, and a clock that somebody sets back.

The engine runs as it does in a host; only its clock is given, and goes on in steps of ten minutes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from nexus.jobs.engine import JobEngine
from tests.jobs.shop import Workplace, until

STEP = timedelta(minutes=10)

HALF_HOURLY, NIGHTLY = "*/30 * * * *", "30 {hour} * * *"

SHIFTS = {
    "Berlin in spring": ("Europe/Berlin", 2, "2026-03-28T23:00Z", "2026-03-29T01:00Z", 46),
    "Berlin in autumn": ("Europe/Berlin", 2, "2026-10-24T22:00Z", "2026-10-25T00:30Z", 50),
    "New York in spring": ("America/New_York", 2, "2026-03-08T05:00Z", "2026-03-08T07:00Z", 46),
    "New York in autumn": ("America/New_York", 1, "2026-11-01T04:00Z", "2026-11-01T05:30Z", 50),
}
"""Zone, an hour that the shift skips or repeats, midnight before it, the one instant of half past, and half-hours."""


class Line:
    """The instants for which the jobs of an engine have run, by the clock that a test moves."""

    def __init__(self, workplace: Workplace, start: datetime) -> None:
        self.workplace = workplace
        self.clock = start
        self.ran: dict[str, list[datetime]] = {}
        workplace.now = lambda: self.clock

    def add(self, name: str, line: str, zone: str) -> None:
        ran = self.ran[name] = []

        async def note(context) -> None:
            ran.append(context.scheduled_for)

        self.workplace.shop.add(name, note, line=line, timezone=zone, overlap="allow")

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[JobEngine]:
        async with self.workplace.engine() as engine:
            await until(lambda: all(engine._scheduler.next_due(key) for key in self.workplace.shop.jobs))
            yield engine

    async def go_to(self, engine: JobEngine, end: datetime) -> None:
        """Lets the time pass, and what is due at each step be dealt with before the next."""
        while self.clock < end:
            self.clock += STEP
            engine.refresh()
            await until(lambda: all(engine._scheduler.next_due(key) > self.clock for key in self.workplace.shop.jobs))

    async def settled(self, name: str, count: int) -> list[datetime]:
        def ended() -> int:
            return sum(run.job == name and run.status == "succeeded" for run in self.workplace.told)

        await until(lambda: ended() >= count)
        return sorted(self.ran[name])


@pytest.fixture
def workplace(store_url, tmp_path):
    return Workplace(store_url, tmp_path)


@pytest.mark.parametrize("shift", SHIFTS)
async def test_a_day_of_a_shift_has_one_run_for_each_instant(workplace, shift):
    zone, hour, midnight, expected, half_hours = SHIFTS[shift]
    start = datetime.fromisoformat(midnight)
    line = Line(workplace, start - STEP / 2)
    line.add("nightly", NIGHTLY.format(hour=hour), zone)
    line.add("half-hourly", HALF_HOURLY, zone)
    async with line.engine() as engine:
        await line.go_to(engine, start + timedelta(hours=half_hours / 2) - STEP)
        nightly = await line.settled("nightly", 1)
        regular = await line.settled("half-hourly", half_hours)

    assert nightly == [datetime.fromisoformat(expected)]
    assert regular == [start + number * timedelta(minutes=30) for number in range(half_hours)]


async def test_a_clock_that_is_set_back_an_hour_makes_nothing_run_twice(workplace):
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    line = Line(workplace, noon - timedelta(hours=1, minutes=5))
    line.add("regular", "*/20 * * * *", "UTC")
    async with line.engine() as engine:
        await line.go_to(engine, noon)
        before = await line.settled("regular", 4)
        line.clock -= timedelta(hours=1)
        engine.refresh()
        await line.go_to(engine, noon + timedelta(hours=1))
        after = await line.settled("regular", 7)

    assert before == [noon - number * timedelta(minutes=20) for number in (3, 2, 1, 0)]
    assert after == [*before, *(noon + number * timedelta(minutes=20) for number in (1, 2, 3))]


async def test_a_host_that_starts_after_its_clock_was_set_back_runs_nothing_twice(workplace):
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    line = Line(workplace, noon - timedelta(minutes=45))
    line.add("regular", "*/20 * * * *", "UTC")
    async with line.engine() as engine:
        await line.go_to(engine, noon)
        before = await line.settled("regular", 3)
    line.clock -= timedelta(hours=1)
    async with line.engine() as engine:
        await line.go_to(engine, noon + timedelta(minutes=30))
        after = await line.settled("regular", 4)

    assert after == [*before, noon + timedelta(minutes=20)]
