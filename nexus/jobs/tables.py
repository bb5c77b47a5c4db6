"""The tables of runs, beside those of the job engine's library in the same database.

Instants are seconds since 1970 (UTC) as floats: both databases have them, compare them alike and lose no zone.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from nexus.jobs.definition import JobKey
from nexus.jobs.run import RunStatus

T = TypeVar("T")

METADATA: Final = sa.MetaData()

_Counter = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is plain INTEGER."""

WITH_ERROR: Final = "nexus_runs_with_error"


def _with_error(dialect: str, *columns: str) -> sa.Index:
    """Gives the index of the runs that have an error, as one kind of database has it.

    SQLite's holds the errors too: who looks for a text in a thousand of them reads no rows, of which each lies on a
    page of its own. A server refuses long texts in an index.
    """
    where: dict[str, Any] = {f"{dialect}_where": sa.text("error IS NOT NULL")}
    return sa.Index(WITH_ERROR, *columns, info={"only": dialect}, **where).ddl_if(dialect=dialect)


RUNS: Final = sa.Table(
    "nexus_runs",
    METADATA,
    sa.Column("seq", _Counter, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("module", sa.String(100), nullable=False),
    sa.Column("job", sa.String(200), nullable=False),
    sa.Column("type", sa.String(200), nullable=False),
    sa.Column("trigger", sa.String(16), nullable=False),
    sa.Column("requested_by", sa.Text),
    sa.Column("requested_issuer", sa.Text),
    sa.Column("scheduled_for", sa.Double),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("replica", sa.String(64)),
    sa.Column("queued_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("attempt_started_at", sa.Double),
    sa.Column("taken_up", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("finished_at", sa.Double),
    sa.Column("next_attempt_at", sa.Double),
    sa.Column("handed", sa.Boolean, nullable=False, default=False),
    sa.Column("touched_at", sa.Double, nullable=False),
    sa.Column("placed", sa.Boolean, nullable=False, default=True, server_default=sa.true()),
    sa.Column("start_by", sa.Double),
    sa.Column("deaths", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("cancelled_issuer", sa.Text),
    sa.Column("cancel_reason", sa.Text),
    sa.Column("progress", sa.JSON(none_as_null=True)),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("reason", sa.Text),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("input", sa.JSON, nullable=False),
    sa.Column("retry_of", sa.String(64)),
    sa.Index("nexus_runs_by_module", "module", "seq"),
    sa.Index("nexus_runs_by_job", "module", "job", "seq"),
    sa.Index("nexus_runs_by_status", "status", "seq"),
    sa.Index("nexus_runs_by_job_status", "module", "job", "status", "seq"),
    sa.Index("nexus_runs_by_trigger", "trigger", "seq"),
    sa.Index("nexus_runs_by_job_trigger", "module", "job", "trigger", "seq"),
    _with_error("postgresql", "seq"),
    _with_error("sqlite", "seq", "error"),
    sa.Index("nexus_runs_by_queued", "queued_at", "status"),
)
"""One row a run.

`handed` says that the latest attempt has begun, so that it is the engine's library that begins it again; `touched_at`
keeps others from beginning it while a replica is about to; `placed` says that no limit on runs at once keeps it
waiting; `start_by` is the instant after which it is too late to begin; `taken_up` says that the latest attempt was
under way before, on a host that died or left; `deaths` counts the hosts that died while they ran it.
"""

ATTEMPTS: Final = sa.Table(
    "nexus_attempts",
    METADATA,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("replica", sa.String(64)),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double),
    sa.Column("status", sa.String(16)),
    sa.Column("error", sa.JSON(none_as_null=True)),
)
"""Attempts that others have followed; what is known of the latest one stands in its run's row."""

LOGS: Final = sa.Table(
    "nexus_run_logs",
    METADATA,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("lines", sa.JSON, nullable=False),
    sa.Column("dropped", sa.Integer, nullable=False),
)

JOBS: Final = sa.Table(
    "nexus_jobs",
    METADATA,
    sa.Column("module", sa.String(100), primary_key=True),
    sa.Column("job", sa.String(200), primary_key=True),
    sa.Column("line", sa.Text),
    sa.Column("timezone", sa.Text),
    sa.Column("since", sa.Double),
    sa.Column("last_due", sa.Double),
    sa.Column("paused", sa.Boolean),
    sa.Column("paused_by", sa.Text),
    sa.Column("paused_issuer", sa.Text),
    sa.Column("paused_at", sa.Double),
)
"""What is known of a job between starts. `paused` is None where nobody has changed what is configured."""

REPLICAS: Final = sa.Table(
    "nexus_replicas",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
)
"""Hosts that take part; `seen_at` is by the database's clock."""


def indexes(dialect: str) -> list[sa.Index]:
    """Gives the indexes of all tables that this kind of database has."""
    every = [index for table in METADATA.sorted_tables for index in table.indexes]
    return [index for index in every if index.info.get("only", dialect) == dialect]


def is_one_of(table: sa.Table, keys: Iterable[JobKey]) -> sa.ColumnElement[bool]:
    """Gives the condition that a row belongs to one of these jobs."""
    return sa.tuple_(table.c.module, table.c.job).in_(tuple(keys))


def latest_of(jobs: sa.CTE, column: sa.Column[T]) -> sa.ScalarSelect[T]:
    """Gives `column` of the latest run of each of `jobs` that was not skipped."""
    return (
        sa.select(column)
        .where(RUNS.c.module == jobs.c.module, RUNS.c.job == jobs.c.job, RUNS.c.status != RunStatus.SKIPPED)
        .order_by(RUNS.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
