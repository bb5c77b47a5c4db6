"""Who may run where a job, or all of them together, may have so many runs at once; what is here blocks.

A run has a place from when it may be begun until it has ended, or waits for its next attempt. One that finds none is
stored without, and gets one in its turn. Each decision is made under a lock that all replicas share.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.definition import JobKey
from nexus.jobs.run import RunStatus
from nexus.jobs.tables import RUNS

_LOCKS: Final = 0x6E78
"""Tells the locks of jobs from those that others of the database may use: "nx"."""

_TOTAL: Final = 2**31 - 1
"""The lock of all jobs together; taken after that of a job, never before."""

_BATCH: Final = 500
"""Runs that get a place in one transaction."""

_HOLDS: Final = sa.and_(RUNS.c.status.in_((RunStatus.QUEUED, RunStatus.RUNNING)), RUNS.c.placed)

Limit = Callable[[JobKey], int | None]
"""Gives how many runs of a job there may be at once, None where it does not say."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of all replicas.

    Attributes:
        database: where.
        total: runs at once of all jobs; None: no limit.
        now: seconds since 1970, UTC.
    """

    database: Database
    total: int | None
    now: Callable[[], float]

    def take_turn(self, connection: sa.Connection, key: JobKey) -> None:
        """Lets one transaction at a time decide on a job's runs; SQLite has one writer anyway."""
        if self.database.is_shared:
            number = min(zlib.crc32("/".join(key).encode()) - 2**31, _TOTAL - 1)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, sa.cast(number, sa.Integer))))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def is_free(self, connection: sa.Connection, key: JobKey, limit: int | None) -> bool:
        """True where a new run of a job may begin at once: there is room, and nobody has come before."""
        if limit is None and self.total is None:
            return True
        wanted = sa.select(RUNS.c.seq).where(self._waits())
        if self.total is None:
            wanted = wanted.where(*_of(key))
        is_anybody_waiting = connection.execute(wanted.limit(1)).first() is not None
        return not is_anybody_waiting and self._room(connection, key, limit) > 0

    def give(self, limit_of: Limit) -> None:
        """Gives places to those that wait, the longest first, as far as there are any: they may be claimed then."""
        first = sa.func.min(RUNS.c.seq)
        waiting = (
            sa.select(RUNS.c.module, RUNS.c.job)
            .where(self._waits())
            .group_by(RUNS.c.module, RUNS.c.job)
            .order_by(first)
        )
        with self.database.engine.connect() as connection:
            keys = [(row.module, row.job) for row in connection.execute(waiting)]
        for key in keys:
            self._give(key, limit_of(key))

    def _give(self, key: JobKey, limit: int | None) -> None:
        with self.database.engine.begin() as connection:
            self.take_turn(connection, key)
            room = self._room(connection, key, limit)
            if room <= 0:
                return
            chosen = sa.select(RUNS.c.id).where(*_of(key), self._waits()).order_by(RUNS.c.seq).limit(room)
            connection.execute(
                sa.update(RUNS).where(RUNS.c.id.in_(chosen)).values(placed=True, handed=False, touched_at=0.0)
            )

    def _room(self, connection: sa.Connection, key: JobKey, limit: int | None) -> int:
        room = _BATCH
        if limit is not None:
            room = min(room, limit - _count(connection, *_of(key)))
        if self.total is not None:
            if self.database.is_shared:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, sa.cast(_TOTAL, sa.Integer))))
            room = min(room, self.total - _count(connection))
        return room

    def _waits(self) -> sa.ColumnElement[bool]:
        is_due = sa.func.coalesce(RUNS.c.next_attempt_at, 0.0) <= self.now()
        return sa.and_(RUNS.c.status == RunStatus.QUEUED, sa.not_(RUNS.c.placed), is_due)


def _of(key: JobKey) -> tuple[sa.ColumnElement[bool], ...]:
    return RUNS.c.module == key[0], RUNS.c.job == key[1]


def _count(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> int:
    found: int = connection.execute(sa.select(sa.func.count()).select_from(RUNS).where(_HOLDS, *which)).scalar_one()
    return found
