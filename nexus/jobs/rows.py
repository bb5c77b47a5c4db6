"""Turns rows of the store into runs, and back what needs turning."""

from datetime import UTC, datetime
from typing import Any

from nexus.jobs.run import Attempt, Progress, Run, RunError, RunStatus


def seconds(instant: datetime | None) -> float | None:
    """Gives an instant as the store keeps it."""
    return None if instant is None else instant.timestamp()


def instant(value: float | None) -> datetime | None:
    """Gives what the store keeps as an instant in UTC."""
    return None if value is None else datetime.fromtimestamp(value, UTC)


def _known(value: float | None) -> datetime:
    return datetime.fromtimestamp(value or 0.0, UTC)


def run_of(row: Any) -> Run:
    """Gives the run that a row of `nexus_runs` is."""
    return Run(
        id=row.id,
        module=row.module,
        job=row.job,
        type=row.type,
        trigger=row.trigger,
        requested_by=row.requested_by,
        requested_issuer=row.requested_issuer,
        scheduled_for=instant(row.scheduled_for),
        status=RunStatus(row.status),
        attempt=row.attempt,
        attempts=row.attempts,
        replica=row.replica,
        queued_at=_known(row.queued_at),
        start_by=instant(row.start_by),
        started_at=instant(row.started_at),
        finished_at=instant(row.finished_at),
        next_attempt_at=instant(row.next_attempt_at),
        progress=Progress(**row.progress) if row.progress else None,
        result=row.result,
        error=RunError(**row.error) if row.error else None,
        reason=row.reason,
        options=row.options,
        input=row.input,
        retry_of=row.retry_of,
        cancelled_by=row.cancelled_by,
        cancelled_issuer=row.cancelled_issuer,
    )


def attempt_of(row: Any) -> Attempt:
    """Gives the attempt that a row of `nexus_attempts` is."""
    return Attempt(
        number=row.number,
        replica=row.replica,
        started_at=_known(row.started_at),
        finished_at=instant(row.finished_at),
        status=RunStatus(row.status) if row.status else None,
        error=RunError(**row.error) if row.error else None,
    )


def latest_attempt_of(row: Any) -> Attempt:
    """Gives the attempt of which a row of `nexus_runs` tells: the latest."""
    status = RunStatus(row.status)
    failed = status in (RunStatus.FAILED, RunStatus.TIMED_OUT)  # otherwise the error is that of an earlier attempt
    return Attempt(
        number=row.attempt,
        replica=row.replica,
        started_at=_known(row.attempt_started_at),
        finished_at=instant(row.finished_at),
        status=status if status.is_final else None,
        error=RunError(**row.error) if row.error and failed else None,
    )
