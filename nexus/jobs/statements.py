"""The statements that every run takes, built once: SQLAlchemy takes longer to build one than a database to do it.

Each names its parameters `p_…`; a row to insert is given as its columns.
"""

from dataclasses import dataclass
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert, ReturningInsert

from nexus.jobs.run import RunStatus
from nexus.jobs.tables import ATTEMPTS, JOBS, RUNS

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
        next_attempt_at=None,
        handed=True,
        touched_at=_NOW,
    )
    .returning(*RUNS.c)
)

FORGET_ATTEMPT: Final = sa.delete(ATTEMPTS).where(ATTEMPTS.c.run_id == _p("p_run"), ATTEMPTS.c.number == _p("p_number"))

BEGIN_ATTEMPT: Final = sa.insert(ATTEMPTS)

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
        touched_at=_NOW,
    )
    .returning(*RUNS.c)
)

FINISH_ATTEMPT: Final = (
    sa.update(ATTEMPTS)
    .where(ATTEMPTS.c.run_id == _p("p_run"), ATTEMPTS.c.number == _p("p_number"))
    .values(finished_at=_NOW, status=_p("p_status"), error=_p("p_error"))
)

NOTE_LAST: Final = (
    sa.update(JOBS).where(JOBS.c.module == _p("p_module"), JOBS.c.job == _p("p_job")).values(last_run_id=_p("p_run"))
)


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What each database says in words of its own.

    Attributes:
        insert_once: inserts a run where there is none of its id, and gives its number then.
        note_first: notes a job's first run, unless somebody else just did: then this one.
    """

    insert_once: ReturningInsert[tuple[int]]
    note_first: Insert

    @classmethod
    def of(cls, *, is_shared: bool) -> Self:
        """Gives those of PostgreSQL, which replicas share, or of SQLite."""
        insert = postgresql.insert if is_shared else sqlite.insert
        note = insert(JOBS)
        return cls(
            insert_once=insert(RUNS).on_conflict_do_nothing(index_elements=["id"]).returning(RUNS.c.seq),
            note_first=note.on_conflict_do_update(
                index_elements=["module", "job"], set_={"last_run_id": note.excluded.last_run_id}
            ),
        )
