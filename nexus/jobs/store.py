"""Moves runs through their states; each method is one transaction, blocks, and is safe on many replicas at once."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import sqlalchemy as sa
from pydantic import JsonValue

from nexus.jobs import statements
from nexus.jobs.database import Database
from nexus.jobs.places import Places
from nexus.jobs.rows import run_of, seconds
from nexus.jobs.run import Progress, Run, RunError, RunStatus
from nexus.jobs.statements import ACTIVE
from nexus.jobs.store_answers import Begun, Claimed, Enqueued, Log, Outcome
from nexus.jobs.tables import ATTEMPTS, JOBS, LOGS, RUNS
from nexus.spec.job import Overlap

_ABOUT: Final = 15.0
"""Seconds for which a replica that is about to begin a run has it for itself: it may die before."""

_NOBODY: Final = 0.0
"""When a run was touched that nobody is about to begin."""

_LATE: Final = "it waited in the queue until its deadline had passed: no place was free in time, or no host was there"


class RunStore:
    """Keeps runs.

    Args:
        database: where.
        places: how many runs there may be at once.
        now: seconds since 1970, UTC.
    """

    def __init__(self, database: Database, places: Places, now: Callable[[], float]) -> None:
        self._engine = database.engine
        self._single = database.single
        self._places = places
        self._insert_statement = statements.insert_once(is_shared=database.is_shared)
        self._now = now

    def enqueue(self, run: Run, overlap: Overlap, *, limit: int | None = None, at_once: bool = False) -> Enqueued:
        """Stores a run that somebody asks for, unless it is there or its job forbids it.

        Args:
            run: the run.
            overlap: the job's.
            limit: the job's own on runs at once.
            at_once: this replica is about to begin it; else whoever has a place does.
        """
        if overlap == "allow" and limit is None and self._places.total is None:
            return self._insert_once(run, at_once=at_once)  # nothing to decide on, so nobody has to wait for a turn
        with self._engine.begin() as connection:
            self._places.take_turn(connection, (run.module, run.job))
            known = _by_id(connection, run.id)
            if known is not None:
                return Enqueued(outcome="known", run=known)
            active = self._active(connection, run)
            if active and overlap == "forbid":
                return Enqueued(outcome="overlaps", run=active[0])
            return self._insert(connection, run, active if overlap == "replace" else (), limit, at_once=at_once)

    def enqueue_due(
        self, run: Run, overlap: Overlap, *, paused: bool, limit: int | None = None, at_once: bool = False
    ) -> Enqueued:
        """Stores the run of a schedule's instant; on whichever replica comes first, and once.

        A run that may not start beside another is stored as skipped. `paused` and `limit` are the configured ones;
        `at_once` is as in `enqueue`.
        """
        with self._engine.begin() as connection:
            self._places.take_turn(connection, (run.module, run.job))
            if _by_id(connection, run.id) is not None:
                return Enqueued(outcome="known", run=None)
            self._note_due(connection, run)
            if self._rests(connection, run, paused=paused):
                return Enqueued(outcome="paused", run=None)
            active = self._active(connection, run)
            if active and overlap == "forbid":
                reason = f"run {active[0].id} of the same job was {active[0].status}"
                skipped = self._skipped(connection, run, reason)
                return Enqueued(outcome="overlaps", run=skipped)
            return self._insert(connection, run, active if overlap == "replace" else (), limit, at_once=at_once)

    def skip(self, run: Run, reason: str, *, paused: bool) -> Run | None:
        """Stores a run that was due and will not start; None where it is known already, or its schedule rests.

        `paused` is the configured state.
        """
        with self._engine.begin() as connection:
            self._places.take_turn(connection, (run.module, run.job))
            if _by_id(connection, run.id) is not None:
                return None
            self._note_due(connection, run)
            if self._rests(connection, run, paused=paused):
                return None
            return self._skipped(connection, run, reason)

    def claim(self, most: int) -> Claimed:
        """Gives this replica queued runs that are due and have a place, and that nobody is about to begin."""
        now = self._now()
        free = sa.and_(
            RUNS.c.status == RunStatus.QUEUED,
            RUNS.c.placed,
            sa.not_(RUNS.c.handed),
            sa.func.coalesce(RUNS.c.next_attempt_at, 0.0) <= now,
            sa.not_(RUNS.c.touched_at.between(now - _ABOUT, now + _ABOUT)),  # a clock may be set back
        )
        with self._single.connect() as connection:
            ids = connection.execute(sa.select(RUNS.c.id).where(free).order_by(RUNS.c.seq).limit(most)).scalars().all()
        if not ids:
            return Claimed()
        mine = sa.update(RUNS).where(RUNS.c.id.in_(ids), free).values(touched_at=now).returning(*RUNS.c)
        with self._single.begin() as connection:
            found = sorted(connection.execute(mine), key=lambda row: row.seq)
        return Claimed(runs=tuple(run_of(row) for row in found), may_be_more=len(ids) == most)

    def begin(self, run_id: str, number: int, replica: str) -> Begun | None:
        """Makes a run `running` on `replica`; None where this attempt is not to be done any more.

        It ends instead where it was cancelled, or where it is too late to begin.
        """
        now = self._now()
        with self._single.begin() as connection:
            given = {"p_run": run_id, "p_number": number, "p_now": now, "p_replica": replica}
            moved = connection.execute(statements.BEGIN, given).one_or_none()
            if moved is not None:
                log = _kept_log(connection, run_id) if moved.taken_up or number > 1 else ([], 0)
                return Begun(run=run_of(moved), is_again=moved.taken_up, log=log)
        with self._engine.begin() as connection:
            is_settled = self._settle_cancelled(connection, run_id, now) or self._settle_late(
                connection, RUNS.c.id == run_id, now
            )
            return Begun(run=_the_run(connection, run_id)) if is_settled else None

    def skip_late(self) -> tuple[Run, ...]:
        """Ends queued runs for which it is too late to begin, and gives them."""
        with self._engine.begin() as connection:
            ids = self._settle_late(connection, RUNS.c.status == RunStatus.QUEUED, self._now())
            return tuple(run_of(row) for row in connection.execute(sa.select(RUNS).where(RUNS.c.id.in_(ids))))

    def finish(
        self, run_id: str, number: int, replica: str, outcome: Outcome, *, progress: Progress | None, log: Log
    ) -> Run | None:
        """Stores how an attempt ended, and gives the run; None where it is no longer this replica's."""
        now = self._now()
        is_over = outcome.retry_at is None
        given = {
            "p_run": run_id,
            "p_number": number,
            "p_replica": replica,
            "p_status": outcome.status if is_over else RunStatus.QUEUED,
            "p_progress": None if progress is None else _told(progress),
            "p_result": outcome.result,
            "p_error": _error(outcome.error),
            "p_reason": outcome.reason,
            "p_finished": now if is_over else None,
            "p_retry": outcome.retry_at,
            "p_handed": is_over,
            "p_placed": is_over or outcome.keeps_place,
            "p_touched": now if is_over else _NOBODY,
        }
        is_one_statement = is_over and not log[0]
        with (self._single if is_one_statement else self._engine).begin() as connection:
            moved = connection.execute(statements.FINISH, given).one_or_none()
            if moved is None:
                has_ended = _has_ended(connection, run_id, number, replica, outcome)
                return _the_run(connection, run_id) if has_ended else None
            _keep_log(connection, run_id, *log)
            if is_over:
                return run_of(moved)
            _keep_attempt(connection, moved, outcome, now)
            if moved.cancelled_by is None:
                return run_of(moved)
            self._settle_cancelled(connection, run_id, now)  # it failed before it heard that it is to end
            return _the_run(connection, run_id)

    def note(self, run_id: str, replica: str, progress: Progress | None, lines: list[str], dropped: int) -> None:
        """Stores what a running run has told so far."""
        with self._engine.begin() as connection:
            its_own = connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.id == run_id, RUNS.c.replica == replica, RUNS.c.status == RunStatus.RUNNING)
                .values(progress=RUNS.c.progress if progress is None else _told(progress))
            )
            if its_own.rowcount:
                _keep_log(connection, run_id, lines, dropped)

    def release(self, run_id: str, replica: str) -> None:
        """Makes a running run wait for another replica, or for the next start."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.id == run_id, RUNS.c.replica == replica, RUNS.c.status == RunStatus.RUNNING)
                .values(status=RunStatus.QUEUED, touched_at=self._now())
            )

    def cancel(self, run_id: str, by: str, reason: str, *, issuer: str | None = None) -> Run | None:
        """Ends a queued run, and asks whoever runs a running one to end it; gives it as it now is, None: unknown."""
        now = self._now()
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.id == run_id, RUNS.c.status.in_(ACTIVE), RUNS.c.cancelled_by.is_(None))
                .values(cancelled_by=by, cancelled_issuer=issuer, cancel_reason=reason, touched_at=now)
            )
            self._settle_cancelled(connection, run_id, now)
            return _by_id(connection, run_id)

    def cancelled(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Gives which of these running runs somebody wants to end, each with the reason."""
        wanted = sa.select(RUNS.c.id, RUNS.c.cancel_reason).where(
            RUNS.c.id.in_(tuple(run_ids)), RUNS.c.cancelled_by.is_not(None)
        )
        with self._engine.connect() as connection:
            return {row.id: row.cancel_reason for row in connection.execute(wanted)}

    def get(self, run_id: str) -> Run | None:
        """Gives a run, None where it is not kept."""
        with self._engine.connect() as connection:
            return _by_id(connection, run_id)

    def _settle_cancelled(self, connection: sa.Connection, run_id: str, now: float) -> bool:
        settled = connection.execute(
            sa.update(RUNS)
            .where(RUNS.c.id == run_id, RUNS.c.status == RunStatus.QUEUED, RUNS.c.cancelled_by.is_not(None))
            .values(
                status=RunStatus.CANCELLED,
                reason=RUNS.c.cancel_reason,
                finished_at=now,
                next_attempt_at=None,
                handed=True,
            )
        )
        return settled.rowcount > 0

    def _settle_late(self, connection: sa.Connection, which: sa.ColumnElement[bool], now: float) -> tuple[str, ...]:
        settled = connection.execute(
            sa.update(RUNS)
            .where(which, statements.IS_LATE)
            .values(status=RunStatus.SKIPPED, reason=_LATE, finished_at=now, handed=True)
            .returning(RUNS.c.id),
            {"p_now": now},
        )
        return tuple(settled.scalars())

    def _rests(self, connection: sa.Connection, run: Run, *, paused: bool) -> bool:
        changed = connection.execute(sa.select(JOBS.c.paused).where(*_job(JOBS, run))).scalar()
        return paused if changed is None else bool(changed)

    def _active(self, connection: sa.Connection, run: Run) -> tuple[Run, ...]:
        wanted = sa.select(RUNS).where(*_job(RUNS, run), RUNS.c.status.in_(ACTIVE)).order_by(RUNS.c.seq)
        return tuple(run_of(row) for row in connection.execute(wanted))

    def _insert(
        self, connection: sa.Connection, run: Run, replaced: tuple[Run, ...], limit: int | None, *, at_once: bool
    ) -> Enqueued:
        placed = self._places.is_free(connection, (run.module, run.job), limit)
        # One that replaces others is begun by this replica too, when those have ended.
        touched = self._now() if at_once or replaced else _NOBODY
        connection.execute(sa.insert(RUNS).values(**_values(run), placed=placed, touched_at=touched))
        return Enqueued(outcome="new", run=run, replaced=replaced, is_placed=placed)

    def _insert_once(self, run: Run, *, at_once: bool) -> Enqueued:
        values = {**_values(run), "touched_at": self._now() if at_once else _NOBODY}
        with self._single.begin() as connection:
            if connection.execute(self._insert_statement, values).one_or_none() is None:
                return Enqueued(outcome="known", run=_by_id(connection, run.id))
        return Enqueued(outcome="new", run=run)

    def _skipped(self, connection: sa.Connection, run: Run, reason: str) -> Run | None:
        now = self._now()
        values = {**_values(run), "status": RunStatus.SKIPPED, "reason": reason, "finished_at": now, "handed": True}
        connection.execute(sa.insert(RUNS).values(**values, touched_at=now))
        return _by_id(connection, run.id)

    def _note_due(self, connection: sa.Connection, run: Run) -> None:
        due = seconds(run.scheduled_for)
        later = sa.or_(JOBS.c.last_due.is_(None), JOBS.c.last_due < due)
        connection.execute(sa.update(JOBS).where(*_job(JOBS, run), later).values(last_due=due))


def _job(table: sa.Table, run: Run) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.module == run.module, table.c.job == run.job


def _by_id(connection: sa.Connection, run_id: str) -> Run | None:
    row = connection.execute(statements.BY_ID, {"p_run": run_id}).one_or_none()
    return None if row is None else run_of(row)


def _the_run(connection: sa.Connection, run_id: str) -> Run:
    return run_of(connection.execute(statements.BY_ID, {"p_run": run_id}).one())


def _has_ended(connection: sa.Connection, run_id: str, number: int, replica: str, outcome: Outcome) -> bool:
    """True where the same call was made before, and its answer got lost with the store's connection."""
    ended = RUNS if outcome.retry_at is None else ATTEMPTS
    key, count = (RUNS.c.id, RUNS.c.attempt) if ended is RUNS else (ATTEMPTS.c.run_id, ATTEMPTS.c.number)
    wanted = sa.select(key).where(
        key == run_id, count == number, ended.c.replica == replica, ended.c.status == outcome.status
    )
    return connection.execute(wanted).first() is not None


def _keep_attempt(connection: sa.Connection, run: Any, outcome: Outcome, now: float) -> None:
    """Keeps what the run's row says of its latest attempt, which another one follows."""
    # Versions before this one have inserted it when it began.
    connection.execute(sa.delete(ATTEMPTS).where(ATTEMPTS.c.run_id == run.id, ATTEMPTS.c.number == run.attempt))
    connection.execute(
        sa.insert(ATTEMPTS).values(
            run_id=run.id,
            number=run.attempt,
            replica=run.replica,
            started_at=run.attempt_started_at,
            finished_at=now,
            status=outcome.status,
            error=_error(outcome.error),
        )
    )


def _values(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "module": run.module,
        "job": run.job,
        "type": run.type,
        "trigger": run.trigger,
        "requested_by": run.requested_by,
        "requested_issuer": run.requested_issuer,
        "scheduled_for": seconds(run.scheduled_for),
        "status": run.status,
        "attempt": 0,
        "attempts": run.attempts,
        "queued_at": seconds(run.queued_at),
        "start_by": seconds(run.start_by),
        "next_attempt_at": seconds(run.next_attempt_at),
        "handed": False,
        "options": run.options,
        "input": run.input,
        "retry_of": run.retry_of,
    }


def _told(progress: Progress) -> dict[str, JsonValue]:
    return {"done": progress.done, "total": progress.total, "note": progress.note}


def _error(error: RunError | None) -> dict[str, str] | None:
    return None if error is None else {"type": error.type, "message": error.message}


def _kept_log(connection: sa.Connection, run_id: str) -> Log:
    row = connection.execute(sa.select(LOGS).where(LOGS.c.run_id == run_id)).one_or_none()
    return ([], 0) if row is None else (list(row.lines), row.dropped)


def _keep_log(connection: sa.Connection, run_id: str, lines: list[str], dropped: int) -> None:
    if not lines:
        return
    kept = connection.execute(sa.update(LOGS).where(LOGS.c.run_id == run_id).values(lines=lines, dropped=dropped))
    if kept.rowcount == 0:
        connection.execute(sa.insert(LOGS).values(run_id=run_id, lines=lines, dropped=dropped))
