"""Figures over many runs, for people who look: the last results of jobs, and what happened hour by hour."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.definition import JobKey
from nexus.jobs.failing_jobs import FailingJobs
from nexus.jobs.rows import instant
from nexus.jobs.run import Run, RunStatus
from nexus.jobs.run_marks import Bucket, RunMark, Standing
from nexus.jobs.statements import ACTIVE
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.tables import JOBS, RUNS

_SETTLED: Final = 60.0
"""Seconds after which no host stores a run of a stretch of time that is over, whose clock is a little slow."""

_REMEMBERED: Final = 600.0
"""Seconds for which what a stretch came to is not counted again: runs beyond the limits of history are dropped."""

# Built once: SQLAlchemy takes longer to build a statement than a database to answer it.
_LAST: Final = (
    sa.select(
        RUNS.c.id,
        RUNS.c.status,
        RUNS.c.queued_at,
        RUNS.c.started_at,
        RUNS.c.finished_at,
    )
    .where(RUNS.c.module == sa.bindparam("p_module"), RUNS.c.job == sa.bindparam("p_job"))
    .order_by(RUNS.c.seq.desc())
    .limit(sa.bindparam("p_count", type_=sa.Integer))
)
_COUNTED: Final = (
    sa.select(RUNS.c.status, sa.func.count().label("amount"))
    .where(RUNS.c.queued_at >= sa.bindparam("p_begin"), RUNS.c.queued_at < sa.bindparam("p_end"))
    .group_by(RUNS.c.status)
)
_ACTIVE: Final = (
    sa.select(RUNS.c.status, sa.func.count().label("amount")).where(RUNS.c.status.in_(ACTIVE)).group_by(RUNS.c.status)
)
_PAUSED: Final = sa.select(JOBS.c.module, JOBS.c.job, JOBS.c.paused).where(JOBS.c.paused.is_not(None))

_Counts = Mapping[RunStatus, int]


class Figures:
    """Reads figures.

    Args:
        database: where the runs are.
        call: runs what blocks in a thread, and raises `StoreUnavailable` where the store does not answer.
        now: the present instant, as the store keeps instants.
    """

    def __init__(self, database: Database, call: StoreThreads, now: Callable[[], float]) -> None:
        self._engine = database.engine
        self._call = call
        self._now = now
        self._failing = FailingJobs(database, now)
        self._settled: dict[tuple[int, int], tuple[float, _Counts]] = {}
        """Stretches in which nothing goes on any more: when each was counted, and what it came to."""

    def note_change(self, run: Run) -> None:
        """Told each run that has moved on this replica."""
        self._failing.note((run.module, run.job))

    async def last_results(self, keys: Iterable[JobKey], count: int) -> Mapping[JobKey, tuple[RunMark, ...]]:
        """Gives the last `count` runs of each job, oldest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        wanted = tuple(keys)
        return await self._call(lambda: self._last_results(wanted, count))

    async def activity(self, since: datetime, until: datetime, step: int) -> tuple[Bucket, ...]:
        """Gives the runs queued from `since` up to `until`, counted in stretches of `step` seconds, oldest first.

        A stretch that is over and has no active run is counted once in ten minutes: nothing but the limits of
        history changes it.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return await self._call(lambda: self._activity(since, until, step))

    async def active(self) -> _Counts:
        """Gives how many runs are queued, and how many under way.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return await self._call(self._active)

    async def standing(self) -> Standing:
        """Gives which jobs fail, and which schedules somebody has made rest or go on.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return await self._call(self._standing)

    def _last_results(self, keys: tuple[JobKey, ...], count: int) -> dict[JobKey, tuple[RunMark, ...]]:
        found: dict[JobKey, tuple[RunMark, ...]] = {}
        with self._engine.connect() as connection:
            for module, job in keys:
                rows = connection.execute(_LAST, {"p_module": module, "p_job": job, "p_count": count}).all()
                found[module, job] = tuple(_mark(row) for row in reversed(rows))
        return found

    def _activity(self, since: datetime, until: datetime, step: int) -> tuple[Bucket, ...]:
        now, first, last = self._now(), int(since.timestamp()), int(until.timestamp())
        settled, buckets = dict[tuple[int, int], tuple[float, _Counts]](), list[Bucket]()
        with self._engine.connect() as connection:
            for begin in range(first, last, step):
                stretch = begin, begin + step
                known = self._settled.get(stretch)
                if known is None or not 0 <= now - known[0] < _REMEMBERED:
                    rows = connection.execute(_COUNTED, {"p_begin": stretch[0], "p_end": stretch[1]})
                    known = now, {RunStatus(row.status): row.amount for row in rows}
                if stretch[1] < now - _SETTLED and not any(status in known[1] for status in ACTIVE):
                    settled[stretch] = known
                buckets.append(Bucket(begins=datetime.fromtimestamp(begin, UTC), counts=known[1]))
        self._settled = settled
        return tuple(buckets)

    def _active(self) -> dict[RunStatus, int]:
        with self._engine.connect() as connection:
            counted = {RunStatus(row.status): row.amount for row in connection.execute(_ACTIVE)}
        return {status: counted.get(status, 0) for status in ACTIVE}

    def _standing(self) -> Standing:
        with self._engine.connect() as connection:
            paused = {(row.module, row.job): bool(row.paused) for row in connection.execute(_PAUSED)}
            return Standing(paused=paused, failing=self._failing.find(connection))


def _mark(row: Any) -> RunMark:
    return RunMark(
        id=row.id,
        status=RunStatus(row.status),
        queued_at=datetime.fromtimestamp(row.queued_at, UTC),
        started_at=instant(row.started_at),
        finished_at=instant(row.finished_at),
    )
