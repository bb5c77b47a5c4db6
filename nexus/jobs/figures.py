"""Figures over many runs, for people who look: the last results of jobs, and what happened hour by hour."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.definition import JobKey
from nexus.jobs.rows import instant, seconds
from nexus.jobs.run import RunStatus
from nexus.jobs.run_marks import Bucket, RunMark
from nexus.jobs.statements import ACTIVE
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.tables import RUNS

_MARK: Final = (
    RUNS.c.id,
    RUNS.c.module,
    RUNS.c.job,
    RUNS.c.status,
    RUNS.c.queued_at,
    RUNS.c.started_at,
    RUNS.c.finished_at,
)


class Figures:
    """Reads figures.

    Args:
        database: where the runs are.
        call: runs what blocks in a thread, and raises `StoreUnavailable` where the store does not answer.
    """

    def __init__(self, database: Database, call: StoreThreads) -> None:
        self._engine = database.engine
        self._call = call

    async def last_results(self, keys: Iterable[JobKey], count: int) -> Mapping[JobKey, tuple[RunMark, ...]]:
        """Gives the last `count` runs of each job, oldest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        wanted = tuple(keys)
        return await self._call(lambda: self._last_results(wanted, count))

    async def activity(self, since: datetime, until: datetime, step: int) -> tuple[Bucket, ...]:
        """Gives the runs queued from `since` up to `until`, counted in stretches of `step` seconds, oldest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return await self._call(lambda: self._activity(since, until, step))

    async def active(self) -> Mapping[RunStatus, int]:
        """Gives how many runs are queued, and how many under way.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return await self._call(self._active)

    def _last_results(self, keys: tuple[JobKey, ...], count: int) -> dict[JobKey, tuple[RunMark, ...]]:
        found: dict[JobKey, tuple[RunMark, ...]] = {}
        with self._engine.connect() as connection:
            for module, job in keys:
                query = (
                    sa.select(*_MARK)
                    .where(RUNS.c.module == module, RUNS.c.job == job)
                    .order_by(RUNS.c.seq.desc())
                    .limit(count)
                )
                found[module, job] = tuple(_mark(row) for row in reversed(connection.execute(query).all()))
        return found

    def _activity(self, since: datetime, until: datetime, step: int) -> tuple[Bucket, ...]:
        begin, end = int(since.timestamp()), int(until.timestamp())
        # Whole numbers alone: the databases round differently, and half a second is nothing here.
        number = ((sa.cast(RUNS.c.queued_at, sa.BigInteger) - begin) // step).label("number")
        query = (
            sa.select(number, RUNS.c.status, sa.func.count().label("amount"))
            .where(RUNS.c.queued_at >= seconds(since), RUNS.c.queued_at < seconds(until))
            .group_by(number, RUNS.c.status)
        )
        counts: dict[int, dict[RunStatus, int]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                counts.setdefault(row.number, {})[RunStatus(row.status)] = row.amount
        return tuple(
            Bucket(begins=datetime.fromtimestamp(begin + index * step, UTC), counts=counts.get(index, {}))
            for index in range((end - begin) // step)
        )

    def _active(self) -> dict[RunStatus, int]:
        query = sa.select(RUNS.c.status, sa.func.count().label("amount")).where(RUNS.c.status.in_(ACTIVE))
        with self._engine.connect() as connection:
            counted = {RunStatus(row.status): row.amount for row in connection.execute(query.group_by(RUNS.c.status))}
        return {status: counted.get(status, 0) for status in ACTIVE}


def _mark(row: Any) -> RunMark:
    return RunMark(
        id=row.id,
        status=RunStatus(row.status),
        queued_at=datetime.fromtimestamp(row.queued_at, UTC),
        started_at=instant(row.started_at),
        finished_at=instant(row.finished_at),
    )
