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
