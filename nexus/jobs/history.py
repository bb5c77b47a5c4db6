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
from nexus.jobs.tables import ATTEMPTS, LOGS, RUNS, WITH_ERROR, latest_of

_FINAL: Final = tuple(status for status in RunStatus if status.is_final)

_LAST_SEQ: Final = 2**63 - 1
"""What both databases can number rows with."""

SEARCHED: Final = 1000
"""Runs with an error in which a text is looked for, the newest: each is read, which takes a microsecond."""

_HAS_ERROR: Final = RUNS.c.error.is_not(None)
"""As an index of their own lists them."""

_NEWEST: Final = RUNS.c.seq.desc()

_ALL: Final = sa.select(RUNS)

_WITH_ERROR: Final = _ALL.where(_HAS_ERROR)

# Built once: that takes longer than the search.
_SEARCHED: Final = {
    # Counted out, they would all be read and sorted before the page is cut from them.
    "sqlite": _WITH_ERROR.where(RUNS.c.seq >= sa.bindparam("p_first")).with_hint(RUNS, f"INDEXED BY {WITH_ERROR}"),
    # Not counted out, every run may be read: a server that has no statistics yet does not know how few have an error.
    "postgresql": sa.select(_WITH_ERROR.order_by(_NEWEST).limit(sa.bindparam("p_most", type_=sa.Integer)).subquery()),
}
"""The runs whose errors are searched, by the kind of database."""

_NUMBERS: Final = sa.select(RUNS.c.seq).where(_HAS_ERROR).order_by(_NEWEST)

_OLDEST: Final = (
    sa.select(RUNS.c.seq, RUNS.c.queued_at)
    .where(RUNS.c.seq.in_(_NUMBERS.offset(sa.bindparam("p_before", type_=sa.Integer)).limit(2)))
    .order_by(_NEWEST)
)
"""The oldest of them and the one before it, counted out in the index alone."""

_Columns = sa.ColumnCollection[str, Any]

_BATCH: Final = 500
"""Runs that are dropped in one transaction, since others write in between, and jobs that are asked for in one query."""


class History:
    """Lists and drops runs."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def page(self, wanted: RunFilter, limit: int, cursor: str | None = None, *, oldest_first: bool = False) -> Page:
        """Gives at most `limit` runs, newest or oldest first, from where the `cursor` of such a list leads on.

        Raises:
            InvalidCursor: no list gave this cursor.
        """
        with self._engine.connect() as connection:
            runs, first, since = _ALL, 0, None
            if wanted.text:
                runs = _SEARCHED[connection.dialect.name]
                first, since = _searched_since(connection)
            columns = runs.selected_columns
            number = columns.seq
            query = runs.where(*_conditions(wanted, columns)).limit(limit + 1)
            query = query.order_by(number.asc() if oldest_first else number.desc())
            if cursor is not None:
                last = _read_cursor(cursor)
                query = query.where(number > last if oldest_first else number < last)
            rows = connection.execute(query, {"p_first": first, "p_most": SEARCHED}).all()
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


def _searched_since(connection: sa.Connection) -> tuple[int, datetime | None]:
    """Gives the oldest run whose error is searched, and when it was queued; 0 and None where no other is older."""
    found = connection.execute(_OLDEST, {"p_before": SEARCHED - 1}).all()
    return (found[0].seq, instant(found[0].queued_at)) if len(found) > 1 else (0, None)


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
