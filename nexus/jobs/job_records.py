"""What is remembered of a job between starts and shared between replicas; every method blocks."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.rows import instant, seconds
from nexus.jobs.tables import JOBS, is_one_of

AHEAD: Final = 2 * 3600.0
"""Seconds that an instant which has fired may lie ahead of the clock: one set back by an hour, and some drift."""

logger = logging.getLogger("nexus.jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job's memory.

    Attributes:
        paused: what somebody has set; None: as configured.
        paused_by: the subject who has.
        paused_issuer: whose subject that is.
        paused_at: when.
        since: when its present schedule was first seen; earlier instants are not its own.
        last_due: the latest instant that was dealt with.
    """

    paused: bool | None = None
    paused_by: str | None = None
    paused_issuer: str | None = None
    paused_at: datetime | None = None
    since: datetime | None = None
    last_due: datetime | None = None


class JobRecords:
    """Reads and writes the memory of jobs."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def of(self, keys: Iterable[JobKey] | None) -> dict[JobKey, JobRecord]:
        """Gives the memory of some jobs, of all where None."""
        return {key: _record(row) for key, row in self._rows(keys).items()}

    def note_schedules(self, jobs: list[JobDefinition], now: datetime) -> dict[JobKey, JobRecord]:
        """Notes the schedules as they now are, and gives every job's memory: a changed one counts from now.

        So does one whose latest instant lies far ahead of the clock, which was wrong when that was noted, or is now.
        All are written in one transaction, and in one order: one for each of a thousand jobs would outlast the caller's
        patience on a slow machine.
        """
        known = self._rows(None)
        unlike = [job for job in jobs if (row := known.get(job.key)) is None or not _has_schedule(row, job)]
        if unlike:
            with self._engine.begin() as connection:
                for job in sorted(unlike, key=lambda job: job.key):
                    _note(connection, job, now, is_known=job.key in known)
        for job in jobs:
            if job.key in known:
                self._drop_ahead(job, _record(known[job.key]), now)
        return self.of(None)

    def set_paused(self, key: JobKey, *, paused: bool, by: str, issuer: str | None, now: datetime) -> None:
        """Makes a job's schedule rest, or go on from now."""
        values = {"paused": paused, "paused_by": by, "paused_issuer": issuer, "paused_at": seconds(now)}
        with self._engine.begin() as connection:
            changed = connection.execute(sa.update(JOBS).where(*_is(key)).values(**values))
            if changed.rowcount == 0:
                connection.execute(sa.insert(JOBS).values(module=key[0], job=key[1], **values))

    def _rows(self, keys: Iterable[JobKey] | None) -> dict[JobKey, sa.Row[tuple[object, ...]]]:
        query = sa.select(JOBS) if keys is None else sa.select(JOBS).where(is_one_of(JOBS, keys))
        with self._engine.connect() as connection:
            return {(row.module, row.job): row for row in connection.execute(query)}

    def _drop_ahead(self, job: JobDefinition, record: JobRecord, now: datetime) -> None:
        ahead = (record.last_due - now).total_seconds() if record.last_due else 0.0
        if ahead <= AHEAD:
            return
        logger.warning(
            "job %s.%s: its latest instant %s lies %.1f hours ahead of the clock, so it is dropped and the schedule "
            "counts from now: see that the clocks of all hosts are right",
            job.module,
            job.name,
            record.last_due,
            ahead / 3600,
            extra={"event": "job.clock", "module_name": job.module},
        )
        with self._engine.begin() as connection:
            wrong = JOBS.c.last_due > seconds(now + timedelta(seconds=AHEAD))
            values = {"last_due": None, "since": seconds(now)}
            connection.execute(sa.update(JOBS).where(*_is(job.key), wrong).values(**values))


def _has_schedule(row: sa.Row[tuple[object, ...]], job: JobDefinition) -> bool:
    return (row.line, row.timezone) == (job.line, job.timezone)


def _note(connection: sa.Connection, job: JobDefinition, now: datetime, *, is_known: bool) -> None:
    schedule = {"line": job.line, "timezone": job.timezone, "since": seconds(now), "last_due": None}
    if is_known:
        differs = sa.or_(JOBS.c.line.is_distinct_from(job.line), JOBS.c.timezone.is_distinct_from(job.timezone))
        connection.execute(sa.update(JOBS).where(*_is(job.key), differs).values(**schedule))
        return
    here = sa.select(sa.literal(1)).where(*_is(job.key)).exists()
    row = sa.select(*(sa.literal(value) for value in (job.module, job.name, *schedule.values())))
    connection.execute(sa.insert(JOBS).from_select(["module", "job", *schedule], row.where(~here)))


def _is(key: JobKey) -> tuple[sa.ColumnElement[bool], ...]:
    return JOBS.c.module == key[0], JOBS.c.job == key[1]


def _record(row: sa.Row[tuple[object, ...]]) -> JobRecord:
    values = row._mapping  # noqa: SLF001 - the documented way to read a row by name
    return JobRecord(
        paused=values["paused"],
        paused_by=values["paused_by"],
        paused_issuer=values["paused_issuer"],
        paused_at=instant(values["paused_at"]),
        since=instant(values["since"]),
        last_due=instant(values["last_due"]),
    )
