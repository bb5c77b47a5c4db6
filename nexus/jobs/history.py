"""Reads the runs that are kept, and drops those beyond the limits; every method blocks."""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.definition import JobKey
from nexus.jobs.errors import InvalidCursor
from nexus.jobs.rows import attempt_of, instant, latest_attempt_of, run_of, seconds
from nexus.jobs.run import Attempt, Page, Run, RunFilter, RunStatus
from nexus.jobs.tables import ATTEMPTS, LOGS, RUNS, latest_of

_FINAL: Final = tuple(status for status in RunStatus if status.is_final)

_LAST_SEQ: Final = 2**63 - 1
"""What both databases can number rows with."""

SEARCHED: Final = 1000
"""Runs with an error in which a text is looked for, the newest: each is read, which takes some ten microseconds."""

_HAS_ERROR: Final = RUNS.c.error.is_not(None)
"""As an index of their own lists them."""

_NEWEST: Final = RUNS.c.seq.desc()

_Columns = sa.sql.base.ReadOnlyColumnCollection[str, Any]

_BATCH: Final = 500
"""Runs that are dropped in one transaction, since others write in between, and jobs that are asked for in one query."""


class History:
    """Lists and drops runs."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def page(self, wanted: RunFilter, *, limit: int, cursor: str | None = None) -> Page:
        """Gives at most `limit` runs, newest first, from where `cursor` leads on.

        Raises:
            InvalidCursor: no list gave this cursor.
        """
        # A subquery, or else a server reads every error, and then whether it is among the newest.
        runs = sa.select(RUNS).where(_HAS_ERROR).order_by(_NEWEST).limit(SEARCHED).subquery() if wanted.text else RUNS
        query = sa.select(runs).where(*_conditions(wanted, runs.c)).order_by(runs.c.seq.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(runs.c.seq < _read_cursor(cursor))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            since = _searched_since(connection) if wanted.text else None
        following = _write_cursor(rows[limit - 1].seq) if len(rows) > limit else None
        return Page(runs=tuple(run_of(row) for row in rows[:limit]), cursor=following, searched_since=since)

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        """Gives the attempts of a run, first to last."""
        query = sa.select(ATTEMPTS).where(ATTEMPTS.c.run_id == run_id)
        with self._engine.connect() as connection:
            run = connection.execute(sa.select(RUNS).where(RUNS.c.id == run_id)).one_or_none()
            found = {row.number: attempt_of(row) for row in connection.execute(query)}
        latest = found.get(run.attempt) if run is not None else None
        # Versions before this one have a row of the latest attempt too, and leave it open where its host dies.
        if run is not None and run.attempt_started_at is not None and (latest is None or latest.status is None):
            found[run.attempt] = latest_attempt_of(run)
        return tuple(found[number] for number in sorted(found))

    def log(self, run_id: str) -> tuple[tuple[str, ...], int]:
        """Gives the lines of a run's log and how many were dropped."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(LOGS).where(LOGS.c.run_id == run_id)).one_or_none()
        return (tuple(row.lines), row.dropped) if row else ((), 0)

    def last_runs(self, keys: Iterable[JobKey]) -> dict[JobKey, Run]:
        """Gives the latest run of each of these jobs that was not skipped, as far as it is kept."""
        wanted, found = list(keys), dict[JobKey, Run]()
        with self._engine.connect() as connection:
            for first in range(0, len(wanted), _BATCH):
                rows = connection.execute(_latest_of(wanted[first : first + _BATCH]))
                found.update(((row.module, row.job), run_of(row)) for row in rows)
        return found

    def beyond(self, *, keep: int, older_than: datetime) -> list[tuple[str, int]]:
        """Gives final runs that are kept no longer, at most a batch: each one's id and its attempts.

        Args:
            keep: final runs that each job keeps.
            older_than: runs that ended before this instant go, however few there are.
        """
        final = RUNS.c.status.in_(_FINAL)
        aged = sa.select(RUNS.c.id, RUNS.c.attempt).where(final, RUNS.c.finished_at < seconds(older_than))
        chosen: dict[str, int] = {}
        with self._engine.connect() as connection:
            chosen.update((row.id, row.attempt) for row in connection.execute(aged.limit(_BATCH)))
            jobs = connection.execute(sa.select(RUNS.c.module, RUNS.c.job).distinct()).all()
            for job in jobs:
                if len(chosen) >= _BATCH:
                    break
                of_job = (RUNS.c.module == job.module, RUNS.c.job == job.job, final)
                kept = sa.select(RUNS.c.seq).where(*of_job).order_by(RUNS.c.seq.desc()).offset(keep).limit(1)
                last = connection.execute(kept).scalar()
                if last is not None:
                    over = sa.select(RUNS.c.id, RUNS.c.attempt).where(*of_job, RUNS.c.seq <= last)
                    chosen.update((row.id, row.attempt) for row in connection.execute(over.limit(_BATCH)))
        return list(chosen.items())[:_BATCH]

    def drop(self, run_ids: Iterable[str]) -> None:
        """Drops runs with their attempts and logs."""
        ids = tuple(run_ids)
        with self._engine.begin() as connection:
            for column in (ATTEMPTS.c.run_id, LOGS.c.run_id, RUNS.c.id):
                connection.execute(sa.delete(column.table).where(column.in_(ids)))


def _conditions(wanted: RunFilter, runs: _Columns) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, value in ((runs.module, wanted.module), (runs.job, wanted.job), (runs.trigger, wanted.trigger)):
        if value is not None:
            found.append(column == value)
    if wanted.statuses:
        found.append(runs.status.in_(sorted(wanted.statuses)))
    if wanted.text:
        told = runs.error["type"].as_string() + ": " + runs.error["message"].as_string()
        found.append(told.icontains(wanted.text, autoescape=True))
    if wanted.since is not None:
        found.append(runs.queued_at >= seconds(wanted.since))
    if wanted.until is not None:
        found.append(runs.queued_at < seconds(wanted.until))
    return found


def _searched_since(connection: sa.Connection) -> datetime | None:
    """Gives when the oldest run was queued whose error is searched; None where no other is older."""
    oldest = sa.select(RUNS.c.queued_at).where(_HAS_ERROR).order_by(_NEWEST).offset(SEARCHED - 1).limit(2)
    found = connection.scalars(oldest).all()
    return instant(found[0]) if len(found) > 1 else None


def _write_cursor(seq: Any) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> int:
    try:
        seq = int(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        seq = -1
    if not 0 < seq <= _LAST_SEQ:
        raise InvalidCursor("the cursor is none that a list of runs gave: begin without one")
    return seq


def _latest_of(keys: list[JobKey]) -> sa.Select[Any]:
    jobs = sa.values(sa.column("module", sa.Text), sa.column("job", sa.Text), name="jobs").data(keys).cte("jobs")
    return sa.select(RUNS).where(RUNS.c.seq.in_(sa.select(latest_of(jobs, RUNS.c.seq)).select_from(jobs)))
