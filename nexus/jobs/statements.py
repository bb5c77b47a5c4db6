"""The statements that every run takes, built once: SQLAlchemy takes longer to build one than a database to do it.

Each names its parameters `p_…`; a row to insert is given as its columns.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from nexus.jobs.run import RunStatus
from nexus.jobs.tables import RUNS

ACTIVE: Final = (RunStatus.QUEUED, RunStatus.RUNNING)

_p = sa.bindparam
_NOW: Final = _p("p_now", type_=sa.Double)

BY_ID: Final = sa.select(RUNS).where(RUNS.c.id == _p("p_run"))

IS_LATE: Final = sa.and_(
    RUNS.c.status == RunStatus.QUEUED, RUNS.c.started_at.is_(None), sa.func.coalesce(RUNS.c.start_by, _NOW) < _NOW
)

BEGIN: Final = (
    sa.update(RUNS)
    .where(RUNS.c.id == _p("p_run"), RUNS.c.status.in_(ACTIVE), RUNS.c.attempt <= _p("p_number"))
    .where(RUNS.c.cancelled_by.is_(None), sa.not_(IS_LATE))
    .values(
        status=RunStatus.RUNNING,
        attempt=_p("p_number"),
        replica=_p("p_replica"),
        started_at=sa.func.coalesce(RUNS.c.started_at, _NOW),
        attempt_started_at=_NOW,
        taken_up=RUNS.c.attempt == _p("p_number"),  # as it was before
        next_attempt_at=None,
        handed=True,
        touched_at=_NOW,
    )
    .returning(*RUNS.c)
)

FINISH: Final = (
    sa.update(RUNS)
    .where(RUNS.c.id == _p("p_run"), RUNS.c.status == RunStatus.RUNNING)
    .where(RUNS.c.attempt == _p("p_number"), RUNS.c.replica == _p("p_replica"))
    .values(
        status=_p("p_status"),
        progress=sa.func.coalesce(_p("p_progress", type_=RUNS.c.progress.type), RUNS.c.progress),
        result=_p("p_result"),
        error=_p("p_error"),
        reason=_p("p_reason"),
        finished_at=_p("p_finished"),
        next_attempt_at=_p("p_retry"),
        handed=_p("p_handed"),
        placed=_p("p_placed"),
        touched_at=_p("p_touched"),
    )
    .returning(*RUNS.c)
)


def insert_once(*, is_shared: bool) -> ReturningInsert[tuple[int]]:
    """Inserts a run where there is none of its id, and gives its number then: on PostgreSQL, or on SQLite."""
    insert = postgresql.insert if is_shared else sqlite.insert
    return insert(RUNS).on_conflict_do_nothing(index_elements=["id"]).returning(RUNS.c.seq)
