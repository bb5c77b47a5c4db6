"""What becomes of the runs of replicas that died: they wait for others, or end; each method blocks."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.rows import run_of
from nexus.jobs.run import Run, RunStatus
from nexus.jobs.tables import RUNS

_DEATHS: Final = 3
"""Hosts that may die under one run."""

LOST: Final = "three hosts died while they ran it: see what it does to its process before it is retried"


class AbandonedRuns:
    """Takes runs from those that had them.

    Args:
        database: where.
        now: seconds since 1970, UTC.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._engine = database.engine
        self._single = database.single
        self._now = now

    def owners(self) -> frozenset[str]:
        """Gives the replicas, living or dead, that have runs under way."""
        query = sa.select(RUNS.c.replica).where(RUNS.c.status == RunStatus.RUNNING).distinct()
        with self._single.connect() as connection:
            return frozenset(found for found in connection.execute(query).scalars() if found)

    def take_from(self, dead: Iterable[str]) -> tuple[Run, ...]:
        """Makes what dead replicas ran wait for a living one, and counts the death; gives the runs that end by it.

        A run that somebody wants to end is cancelled, and one under which too many hosts have died is lost.
        """
        now = self._now()
        with self._engine.begin() as connection:
            moved = connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.status == RunStatus.RUNNING, RUNS.c.replica.in_(tuple(dead)))
                .values(status=RunStatus.QUEUED, deaths=RUNS.c.deaths + 1, touched_at=now)
                .returning(RUNS.c.id)
            )
            ids = tuple(moved.scalars())
            cancelled = {"status": RunStatus.CANCELLED, "reason": RUNS.c.cancel_reason, "finished_at": now}
            lost = {"status": RunStatus.LOST, "reason": LOST, "finished_at": now}
            ended = (
                *_end(connection, ids, RUNS.c.cancelled_by.is_not(None), cancelled),
                *_end(connection, ids, RUNS.c.deaths >= _DEATHS, lost),
            )
            found = connection.execute(sa.select(RUNS).where(RUNS.c.id.in_(ended))).all()
        return tuple(run_of(row) for row in found)

    def release(self, replica: str) -> None:
        """Makes what a replica that leaves in good order still ran wait for another: nobody died."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.status == RunStatus.RUNNING, RUNS.c.replica == replica)
                .values(status=RunStatus.QUEUED, touched_at=self._now())
            )


def _end(
    connection: sa.Connection, ids: tuple[str, ...], which: sa.ColumnElement[bool], values: dict[str, Any]
) -> tuple[str, ...]:
    ended = connection.execute(
        sa.update(RUNS)
        .where(RUNS.c.id.in_(ids), RUNS.c.status == RunStatus.QUEUED, which)
        .values(**values, next_attempt_at=None, handed=True)
        .returning(RUNS.c.id)
    )
    return tuple(ended.scalars())
