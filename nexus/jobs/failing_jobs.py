"""Which jobs fail: looked for once, and then again only for those whose runs have moved."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.definition import JobKey
from nexus.jobs.run_marks import WENT_WRONG
from nexus.jobs.tables import RUNS, is_one_of, latest_of

_REMEMBERED: Final = 600.0
"""Seconds until all are looked at again: runs beyond the limits of history are dropped untold."""

_REMEMBERED_SHARED: Final = 3.0
"""The same where other replicas use the store too: nobody tells here what those do."""

_MOST_MOVED: Final = 200
"""Moves that are noted; after more of them all jobs are looked at again."""


class FailingJobs:
    """Finds the jobs whose latest run went wrong.

    Args:
        database: where the runs are.
        now: the present instant, as the store keeps instants.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._remembered = _REMEMBERED_SHARED if database.is_shared else _REMEMBERED
        self._now = now
        self._turn = threading.Lock()
        self._moved: deque[JobKey] = deque(maxlen=_MOST_MOVED)
        self._known: set[JobKey] | None = None
        self._looked_at = 0.0

    def note(self, key: JobKey) -> None:
        """Told each run that has moved on this replica, by its job; from any thread."""
        self._moved.append(key)

    def find(self, connection: sa.Connection) -> tuple[JobKey, ...]:
        """Gives them, ordered by module and name; blocks."""
        with self._turn:
            known, self._known = self._known, None  # should the store raise, all are looked at next time
            has_overflowed = len(self._moved) == _MOST_MOVED
            moved = {self._moved.popleft() for _ in range(len(self._moved))}
            is_fresh = 0 <= self._now() - self._looked_at < self._remembered
            if known is None or has_overflowed or not is_fresh:
                self._looked_at = self._now()
                known = _read(connection, _ALL)
            elif moved:
                known = (known - moved) | _read(connection, _failing(is_one_of(RUNS, moved)))
            self._known = known
            return tuple(sorted(known))


def _failing(*among: sa.ColumnElement[bool]) -> sa.Select[tuple[str, str]]:
    went_wrong = sorted(WENT_WRONG)
    jobs = sa.select(RUNS.c.module, RUNS.c.job).where(RUNS.c.status.in_(went_wrong), *among).distinct().cte("jobs")
    return sa.select(jobs.c.module, jobs.c.job).where(latest_of(jobs, RUNS.c.status).in_(went_wrong))


_ALL: Final = _failing()
"""Built once: SQLAlchemy takes longer to build a statement than a database to answer it."""


def _read(connection: sa.Connection, query: sa.Select[tuple[str, str]]) -> set[JobKey]:
    return {(row.module, row.job) for row in connection.execute(query)}
