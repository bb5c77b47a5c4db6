"""A job as it stands: what is configured, what is remembered, what is next."""

from dataclasses import dataclass
from datetime import datetime

from nexus.jobs.definition import JobDefinition
from nexus.jobs.job_records import JobRecord
from nexus.jobs.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as it stands.

    Attributes:
        definition: what is configured.
        record: what is remembered.
        is_paused: whether its schedule rests.
        next_run_at: its next instant; None while it rests, or on demand only.
        last_run: the latest that did not have to be skipped.
    """

    definition: JobDefinition
    record: JobRecord
    is_paused: bool
    next_run_at: datetime | None
    last_run: Run | None


def job_state(
    definition: JobDefinition, record: JobRecord, last_run: Run | None, *, due: datetime | None, now: datetime
) -> JobState:
    """Gives a job as it stands.

    Args:
        definition: what is configured.
        record: what is remembered.
        last_run: its latest.
        due: its next instant, where that is known already.
        now: the present instant.
    """
    is_paused = definition.paused if record.paused is None else record.paused
    if due is None and definition.schedule is not None:
        due = definition.schedule.next_after(now)
    return JobState(
        definition=definition,
        record=record,
        is_paused=is_paused,
        next_run_at=None if is_paused else due,
        last_run=last_run,
    )
