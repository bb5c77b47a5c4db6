"""Runs in short and in numbers, as figures over many of them give; apart, so that who shows them loads no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nexus.jobs.definition import JobKey
from nexus.jobs.run import RunStatus

WENT_WRONG: Final = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST})
"""How a run ends that somebody should look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMark:
    """A run in short.

    Attributes:
        id: the run's.
        status: where it stands.
        queued_at: when it was stored, UTC.
        started_at: when its first attempt began.
        finished_at: when it became final.
    """

    id: str
    status: RunStatus
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it does."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A stretch of time.

    Attributes:
        begins: UTC instant.
        counts: runs that were queued in it, by where they stand now.
    """

    begins: datetime
    counts: Mapping[RunStatus, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How jobs stand, as far as the store alone knows.

    Attributes:
        paused: by job, what somebody has set: True where the schedule rests.
        failing: jobs whose latest run went wrong, ordered by module and name.
    """

    paused: Mapping[JobKey, bool]
    failing: tuple[JobKey, ...]
